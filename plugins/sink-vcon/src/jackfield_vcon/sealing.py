"""Signed and encrypted vCons: JWS and JWE in their general JSON serialisation, with the headers of the draft."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import attrs
import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc import jwe, jws
from joserfc.jwk import ECKey, RSAKey

from jackfield.errors import SecretError
from jackfield.plugin.secrets import Secret

__all__ = ["Sealer", "certificates_of", "recipient_of", "signer_of"]

LEAST_BITS = 2048
ENCRYPTION = "A256CBC-HS512"
KEY_WRAPPING = "RSA-OAEP"
MEDIA_TYPE = "application/vcon"
Signer = tuple[str, "RSAKey | ECKey", bytes]
"""The algorithm, the key, and the public key that belongs to it."""


def signer_of(pem: str) -> Signer:
    """What signs, of a private key in PEM; `ValueError`, which does not quote it, where it cannot."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except TypeError:
        raise ValueError("the key is encrypted with a password; give it without one, from a place of its own") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("not a private key in PEM; give one of RSA, or of the elliptic curve P-256") from None
    match key:
        case rsa.RSAPrivateKey() if key.key_size >= LEAST_BITS:
            return "RS256", RSAKey(key, key), _public(key.public_key())
        case rsa.RSAPrivateKey():
            raise ValueError(f"an RSA key of {key.key_size} bits is too short; give one of {LEAST_BITS} or more")
        case ec.EllipticCurvePrivateKey() if isinstance(key.curve, ec.SECP256R1):
            return "ES256", ECKey(key, key), _public(key.public_key())
    raise ValueError("a private key of another kind; give one of RSA, or of the elliptic curve P-256")


def certificates_of(path: Path, public: bytes) -> list[bytes]:
    """The certificates in a PEM file, the first of which is that of a public key; `ValueError` where that is not so."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
        own = found[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    except OSError as error:
        raise ValueError(f"sign_certificate: {path}: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"sign_certificate: {path} holds no certificate in PEM that can be read") from None
    if own != public:
        raise ValueError(
            f"sign_certificate: the first certificate in {path} is of another key than sign_key; renew both together"
        )
    return [each.public_bytes(Encoding.DER) for each in found]


def recipient_of(pem: str) -> RSAKey:
    """For whom to encrypt, of a public key or a certificate in PEM; `ValueError`, which does not quote it."""
    try:
        if "BEGIN CERTIFICATE" in pem:
            key: object = x509.load_pem_x509_certificate(pem.encode()).public_key()
        else:
            key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("not a public key or a certificate in PEM") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < LEAST_BITS:
        raise ValueError(f"the recipient's key must be one of RSA with {LEAST_BITS} bits or more")
    return RSAKey(key, key)


def _public(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@attrs.define(eq=False)
class Sealer:
    """Signs vCons, and encrypts what is signed; keys are read anew each time, so that they may be renewed in place."""

    _sign: Secret
    _certificate: Path | str
    """The file with the signer's certificate and those above it, or the URL where readers find them."""
    _encrypt: Secret | None = None
    _parsed: tuple[str, Signer] | None = attrs.field(default=None, init=False, repr=False)
    """The key as it was read last; to check one takes longer than to sign."""

    def check(self) -> None:
        """`ValueError` where the certificate is not that of the key; `SecretError` where a key is not there."""
        self._signer()

    def _signer(self) -> tuple[str, RSAKey | ECKey, dict[str, Any]]:
        """The algorithm, the key, and the header that says where its certificate is."""
        pem = self._sign.reveal()
        if self._parsed is None or self._parsed[0] != pem:
            self._parsed = pem, signer_of(pem)
        algorithm, key, public = self._parsed[1]
        if isinstance(self._certificate, str):
            return algorithm, key, {"x5u": self._certificate}
        # At each vCon: one of the two may have been renewed without the other.
        chain = certificates_of(self._certificate, public)
        return algorithm, key, {"x5c": [b64encode(each).decode() for each in chain]}

    def seal(self, uuid: str, body: bytes) -> bytes:
        """The vCon signed, and encrypted where that is asked for; `OSError` where a key cannot be used."""
        try:
            signed = self._signed(uuid, body)
            return signed if self._encrypt is None else _encrypted(uuid, signed, recipient_of(self._encrypt.reveal()))
        except (SecretError, ValueError) as error:
            raise OSError(f"a vCon cannot be signed or encrypted: {error}") from None

    def _signed(self, uuid: str, body: bytes) -> bytes:
        algorithm, key, certificate = self._signer()
        header = {**certificate, "uuid": uuid}
        registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        made = jws.serialize_json(
            [{"protected": {"alg": algorithm}, "header": header}], body.rstrip(b"\n"), key, registry=registry
        )
        return msgspec.json.encode(made) + b"\n"


def _encrypted(uuid: str, signed: bytes, recipient: RSAKey) -> bytes:
    message = jwe.GeneralJSONEncryption(
        {"enc": ENCRYPTION}, signed.rstrip(b"\n"), unprotected={"cty": MEDIA_TYPE, "uuid": uuid}
    )
    message.add_recipient({"alg": KEY_WRAPPING}, recipient)
    registry = jwe.JWERegistry(algorithms=[KEY_WRAPPING, ENCRYPTION], strict_check_header=False)
    return msgspec.json.encode(jwe.encrypt_json(message, None, registry=registry)) + b"\n"
