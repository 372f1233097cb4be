"""`jackfield_vcon.sealing`: signed and encrypted vCons, read back without a library for JOSE."""

import hashlib
import hmac
import json
from base64 import b64decode, urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.x509.oid import NameOID

from jackfield._cli import main
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import Batch
from jackfield_vcon import Vcon
from jackfield_vcon.identity import content_hash

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
KEYS = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "reader": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "p384": ec.generate_private_key(ec.SECP384R1()),
}
NOW = 1_000_000.0


def pem_of(key):
    return key.private_bytes(PEM, PKCS8, serialization.NoEncryption()).decode()


def certificate_of(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=9999))
    return builder.sign(key, hashes.SHA256()).public_bytes(PEM)


@pytest.fixture(name="options")
def _options(tmp_path):
    """Options that sign with a key of a kind."""

    def options(kind="rsa", **more):
        (tmp_path / "key.pem").write_text(pem_of(KEYS[kind]))
        (tmp_path / "chain.pem").write_bytes(certificate_of(KEYS[kind]))
        given = {"sign_key": Secret("file", str(tmp_path / "key.pem"))} | more
        if "sign_certificate_url" not in given:
            given.setdefault("sign_certificate", str(tmp_path / "chain.pem"))
        return Vcon(path=str(tmp_path / "vcons"), domain="example.com", settle_seconds=0, **given)

    return options


async def written(options, *events):
    """The files that a sink writes of these events, the first version first."""
    moment = NOW
    async with options.open(now=lambda: moment) as writer:
        for event in events:
            await writer.write(Batch((event,)))
            moment += 1
            await writer.settle()
    return [path.read_bytes() for path in files(options)]


def files(options):
    return sorted(Path(options.path).glob("*/*.json"), key=lambda path: path.stat().st_mtime_ns)


def unbase64(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(jws):
    """The payload of a JWS; `InvalidSignature` where that is not what was signed."""
    (signature,) = jws["signatures"]
    algorithm = json.loads(unbase64(signature["protected"]))["alg"]
    (chain,) = signature["header"]["x5c"]
    key = x509.load_der_x509_certificate(b64decode(chain)).public_key()
    signed, raw = f"{signature['protected']}.{jws['payload']}".encode(), unbase64(signature["signature"])
    if algorithm == "RS256":
        key.verify(raw, signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert algorithm == "ES256"
        numbers = (int.from_bytes(half) for half in (raw[:32], raw[32:]))
        key.verify(encode_dss_signature(*numbers), signed, ec.ECDSA(hashes.SHA256()))
    vcon = json.loads(unbase64(jws["payload"]))
    assert signature["header"]["uuid"] == vcon["uuid"]
    return vcon


def decrypted(jwe):
    """The plaintext of a JWE of RSA-OAEP and A256CBC-HS512, by RFC 7516 and 7518."""
    protected = json.loads(unbase64(jwe["protected"]))
    (recipient,) = jwe["recipients"]
    assert {**protected, **recipient["header"]} == {"enc": "A256CBC-HS512", "alg": "RSA-OAEP"}
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    key = KEYS["reader"].decrypt(unbase64(recipient["encrypted_key"]), oaep)
    aad, iv, text = jwe["protected"].encode(), unbase64(jwe["iv"]), unbase64(jwe["ciphertext"])
    tag = hmac.digest(key[:32], aad + iv + text + (len(aad) * 8).to_bytes(8), hashlib.sha512)[:32]
    assert hmac.compare_digest(tag, unbase64(jwe["tag"]))
    decryptor = Cipher(algorithms.AES(key[32:]), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(text) + decryptor.finalize()) + unpadder.finalize()


LIFE = ("call.connected", "call.cleared")


def life(event):
    return [event(kind, n, "x", caller="+491") for n, kind in enumerate(LIFE)]


@pytest.mark.parametrize("kind", ["rsa", "ec"])
async def test_a_signed_vcon_is_verified_by_the_certificate_in_it(options, event, check, kind):
    (body,) = await written(options(kind), *life(event))
    check(verified(json.loads(body)))


async def test_where_the_certificate_is_may_be_a_url(options, event):
    (body,) = await written(options(sign_certificate_url="https://example.com/chain.pem"), *life(event))
    header = json.loads(body)["signatures"][0]["header"]
    assert header["x5u"] == "https://example.com/chain.pem"
    assert "x5c" not in header


@pytest.mark.parametrize("as_certificate", [False, True])
async def test_an_encrypted_vcon_holds_the_signed_one_and_tells_its_uuid_only(options, event, check, as_certificate):
    reader = KEYS["reader"]
    public = reader.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    key = Secret("text", (certificate_of(reader) if as_certificate else public).decode())
    (body,) = await written(options(encrypt_key=key), *life(event))
    jwe = json.loads(body)
    vcon = verified(json.loads(decrypted(jwe)))
    check(vcon)
    assert jwe["unprotected"] == {"cty": "application/vcon", "uuid": vcon["uuid"]}
    assert b"+491" not in body


async def test_an_amended_vcon_refers_to_the_bytes_that_were_signed(options, event):
    first, second = await written(options(), *life(event), event("call.updated", 5, "x"))
    amended = verified(json.loads(second))["amended"]
    assert amended == {"uuid": verified(json.loads(first))["uuid"], "content_hash": content_hash(first)}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("key.pem", None, "key.pem"),
        ("key.pem", "words", "not a private key in PEM"),
        ("key.pem", pem_of(KEYS["reader"]), "chain.pem is of another key than sign_key; renew both together"),
        ("key.pem", pem_of(KEYS["ec"]), "chain.pem is of another key than sign_key; renew both together"),
        ("chain.pem", None, "chain.pem: No such file"),
        ("chain.pem", "words", "chain.pem holds no certificate in PEM"),
        (
            "chain.pem",
            certificate_of(KEYS["reader"]).decode(),
            "chain.pem is of another key than sign_key; renew both together",
        ),
    ],
)
async def test_what_cannot_be_signed_waits_until_key_and_certificate_are_a_pair_again(
    options, event, tmp_path, caplog, file, content, said
):
    sink, path = attrs.evolve(options(), settle_seconds=10), tmp_path / file
    moment, before = NOW, path.read_text()
    async with sink.open(now=lambda: moment) as writer:
        await writer.write(Batch(tuple(life(event))))
        path.unlink() if content is None else path.write_text(content)
        moment += 11
        await writer.settle()
        assert files(sink) == []
        assert "cannot be signed" in caplog.text
        assert said in caplog.text
        path.write_text(before)
        await writer.settle()
    assert verified(json.loads(files(sink)[0].read_bytes()))


CONFIG = """
[gateway]
journal = "memory"
[feeds.office]
provider = "voipbin"
token = { env = "TOKEN" }
customer_id = "C"
[sinks.records]
type = "vcon"
path = "vcons"
domain = "example.com"
%s
[[routes]]
select = ["**"]
sinks = ["records"]
"""


@pytest.fixture(name="checked")
def _checked(tmp_path, monkeypatch, capsys):
    """What `jackfield check` says of further options of the sink."""

    def checked(*lines):
        monkeypatch.setenv("TOKEN", "t" * 20)
        (tmp_path / "gateway.toml").write_text(CONFIG % "\n".join(lines))
        status = main(["check", str(tmp_path / "gateway.toml")])
        return status, capsys.readouterr().err

    return checked


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('sign_key = { file = "no.pem" }', "sinks.records.sign_key: the file"),
        ('sign_key = { env = "NO_SUCH_KEY" }', "sinks.records.sign_key: the environment variable NO_SUCH_KEY"),
        ('sign_key = { file = "words.txt" }', "sinks.records.sign_key: not a private key in PEM"),
        ('sign_key = { file = "p384.pem" }', "give one of RSA, or of the elliptic curve P-256"),
        ('encrypt_key = { file = "words.txt" }', "sinks.records.encrypt_key: not a public key or a certificate"),
        ('encrypt_key = { file = "chain.pem" }', "sign_key: required with encrypt_key"),
        ('sign_key = { file = "key.pem" }', "give either its sign_certificate or the sign_certificate_url"),
        ('sign_key = { file = "key.pem" }\nsign_certificate = "no.pem"', "no.pem: No such file"),
        ('sign_key = { file = "key.pem" }\nsign_certificate = "words.txt"', "holds no certificate in PEM"),
        ('sign_key = { file = "key.pem" }\nsign_certificate = "other.pem"', "of another key than sign_key"),
        ('sign_certificate_url = "https://example.com/c.pem"', "sign_key: required with"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_at_check_and_not_shown(checked, tmp_path, line, said):
    (tmp_path / "words.txt").write_text("correct horse battery staple")
    (tmp_path / "key.pem").write_text(pem_of(KEYS["rsa"]))
    (tmp_path / "p384.pem").write_text(pem_of(KEYS["p384"]))
    (tmp_path / "chain.pem").write_bytes(certificate_of(KEYS["rsa"]))
    (tmp_path / "other.pem").write_bytes(certificate_of(KEYS["reader"]))
    status, err = checked(line)
    assert status == 2
    assert said in err
    assert "horse" not in err
    assert pem_of(KEYS["rsa"])[100:140] not in err


def test_keys_are_not_in_a_repr(options):
    sink = attrs.evolve(options(), encrypt_key=Secret("text", certificate_of(KEYS["reader"]).decode()))
    assert "BEGIN" not in repr(sink)
    assert "BEGIN" not in repr(sink.sealer())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url = "ftp://example.com"', "sinks.records.url: 'ftp://example.com' is not a valid https:// or http:// URL"),
        ('recording_urls = { acme = "https://example.com/x" }', "acme: the URL must hold {id}"),
        (
            'recording_urls = { voipbin = "https://jo:of-nobody@example.com/{id}" }',
            "voipbin: the URL must not hold a user and a password; give them as recording_auth_value",
        ),
        ('recording_urls = { voipbin = "https://[x/{id}" }', "recording_urls: voipbin: "),
        ('recording_urls = { voipbin = "ftp://jo:of-nobody@example.com/{id}" }', "recording_urls: voipbin: "),
        ('recording_auth_header = "X Key"', "sinks.records.recording_auth_header: 'X Key' is not a name of a header"),
        ('redact = ["everything"]', "sinks.records.redact"),
    ],
)
def test_other_options_that_are_wrong_are_named_too(checked, line, said):
    status, err = checked(line)
    assert status == 2
    assert said in err
    assert "of-nobody" not in err


def test_a_provider_that_is_not_installed_is_warned_of(checked):
    status, err = checked('recording_urls = { voipbim = "https://example.com/{id}" }')
    assert status == 0
    assert "sinks.records.recording_urls: no provider 'voipbim' is installed; did you mean voipbin?" in err
    assert checked('recording_urls = { voipbin = "https://example.com/{id}" }') == (0, "")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("path", "", "sinks.records.path: the path is empty; give a folder of its own"),
        ("domain", "", "sinks.records.domain: '' is not a domain; give one that is yours"),
        ("domain", "-x.example", "is not a domain"),
        ("domain", "https://example.com", "is not a domain"),
    ],
)
def test_a_path_and_a_domain_that_are_none_are_refused(checked, monkeypatch, field, value, said):
    own = {"path": 'path = "vcons"', "domain": 'domain = "example.com"'}[field]
    monkeypatch.setattr(f"{__name__}.CONFIG", CONFIG.replace(own, f'{field} = "{value}"'))
    status, err = checked()
    assert status == 2
    assert said in err
