"""`jackfield.plugin.posting._tls`: whom a sink trusts, and as whom it presents itself; with real certificates."""

import ssl

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from jackfield.errors import DeliveryError
from jackfield.plugin.posting._tls import client_context
from jackfield.plugin.secrets import Secret
from jackfield_http import Http


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority, tmp_path_factory):
    """The authority, and a client's certificate with its key: plain, in one file, and encrypted."""
    folder = tmp_path_factory.mktemp("tls")
    client = authority.issue_cert("jackfield@crm.example")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client.cert_chain_pems[0].write_to_path(folder / "client.pem")
    client.private_key_pem.write_to_path(folder / "client.key")
    client.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    key = serialization.load_pem_private_key(client.private_key_pem.bytes(), None)
    (folder / "encrypted.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"pa55"),
        )
    )
    authority.issue_cert("other@crm.example").private_key_pem.write_to_path(folder / "other.key")
    (folder / "empty.pem").write_text("no certificate")
    return folder


@pytest.fixture
def secure(serve, authority):
    """Start a server with a certificate for these names; it may demand one of its clients."""

    def secure(*names, demanding=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        if demanding:
            context.verify_mode = ssl.CERT_REQUIRED
            authority.configure_trust(context)
        return serve(context)

    return secure


async def test_a_server_is_trusted_by_an_authority_of_ones_own(secure, files, write):
    server = secure("127.0.0.1")
    await write("1", "2", url=server.url, ca_file=str(files / "ca.pem"))
    assert len(server.got) == 2
    assert len({request.connection for request in server.got}) == 1


async def test_a_server_that_is_not_trusted_gets_nothing_and_somebody_must_act(secure, files, failing):
    server = secure("127.0.0.1")
    failure = await failing(url=server.url)
    assert failure.on_error == "pause"
    assert "the server's certificate is not trusted: " in failure.reason
    assert failure.reason.endswith("; ca_file names the authorities to trust")
    assert server.got == []


async def test_the_name_in_the_url_is_verified_and_not_only_the_authority(secure, files, failing):
    server = secure("other.example")
    failure = await failing(url=server.url, ca_file=str(files / "ca.pem"))
    assert failure.on_error == "pause"
    assert "not valid for '127.0.0.1'" in failure.reason
    assert "ca_file" not in failure.reason


async def test_a_name_is_verified_though_its_address_is_what_is_connected_to(secure, files, write, failing):
    ca_file = str(files / "ca.pem")
    right, wrong = secure("localhost"), secure("crm.example")
    await write("1", url=f"https://localhost:{right.server_port}/", ca_file=ca_file)
    assert right.got[0].headers["host"] == f"localhost:{right.server_port}"
    failure = await failing(url=f"https://localhost:{wrong.server_port}/", ca_file=ca_file)
    assert "not valid for 'localhost'" in failure.reason


@pytest.mark.parametrize(
    "options",
    [
        {"client_cert": "client.pem", "client_key": "client.key"},
        {"client_cert": "both.pem"},
        {"client_cert": "client.pem", "client_key": "encrypted.key", "client_key_password": "pa55"},
    ],
)
async def test_a_client_presents_its_certificate(secure, files, write, options):
    server = secure("127.0.0.1", demanding=True)
    password = {name: Secret("text", value) for name, value in options.items() if name.endswith("password")}
    paths = {name: str(files / value) for name, value in options.items() if name not in password}
    await write("1", url=server.url, ca_file=str(files / "ca.pem"), **paths, **password)
    assert len(server.got) == 1


async def test_a_server_that_demands_a_certificate_gets_none(secure, files, failing):
    server = secure("127.0.0.1", demanding=True)
    failure = await failing(url=server.url, ca_file=str(files / "ca.pem"))
    assert failure.on_error == "pause"
    assert "the server rejects our client certificate: " in failure.reason
    assert server.got == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ca_file": "nowhere.pem"}, r"ca_file: .*nowhere\.pem: No such file or directory"),
        ({"ca_file": "empty.pem"}, r"ca_file: .*empty\.pem holds no certificate in PEM form"),
        ({"client_cert": "nowhere.pem"}, r"client_cert: .*nowhere\.pem: No such file"),
        ({"client_cert": "client.pem", "client_key": "nowhere.key"}, r"client_key: .*nowhere\.key: No such file"),
        ({"client_cert": "client.pem"}, r"client_cert: cannot use .*client\.pem.*must be PEM and belong together"),
        ({"client_cert": "empty.pem"}, r"client_cert: cannot use .*empty\.pem"),
        (
            {"client_cert": "client.pem", "client_key": "other.key"},
            r"the key in .*other\.key \(KEY_VALUES",
        ),
        ({"client_cert": "client.pem", "client_key": "encrypted.key"}, "needs its client_key_password"),
        (
            {"client_cert": "client.pem", "client_key": "encrypted.key", "client_key_password": "hunter2"},
            "needs its client_key_password",
        ),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_a_fault_of_the_configuration(files, options, message):
    password = {name: Secret("text", value) for name, value in options.items() if name.endswith("password")}
    paths = {name: str(files / value) for name, value in options.items() if name not in password}
    with pytest.raises(ValueError, match=message) as caught:
        Http("https://crm.example/", **paths, **password)
    assert "hunter2" not in str(caught.value)


async def test_a_file_that_is_gone_when_the_sink_is_opened_is_reported_as_such(files, tmp_path, write):
    path = tmp_path / "ca.pem"
    path.write_bytes((files / "ca.pem").read_bytes())
    options = Http("https://crm.example/", ca_file=str(path))
    path.unlink()
    with pytest.raises(DeliveryError, match=r"ca_file: .*ca\.pem: No such file"):
        async with options.open():
            pytest.fail("it opened")


def test_without_any_file_servers_are_verified_all_the_same():
    context = client_context(None, None, None, None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
