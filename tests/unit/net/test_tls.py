"""`jackfield._net.tls`: contexts from PEM files, and clear words where there is none."""

import os
import pty
import subprocess
import sys

import pytest
import trio
import trio.testing
import trustme
from cryptography.hazmat.primitives import serialization

from jackfield._net.tls import TLSFileError, client_context, server_context


@pytest.fixture
def files(tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key"))
    issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both"))
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"a password"),
    )
    (tmp_path / "encrypted").write_bytes(encrypted)
    (tmp_path / "both_encrypted").write_bytes(encrypted + issued.cert_chain_pems[0].bytes())
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("not PEM")
    trustme.CA().issue_cert("127.0.0.1").private_key_pem.write_to_path(str(tmp_path / "other"))
    return tmp_path


@pytest.mark.parametrize(("cert", "key"), [("cert", "key"), ("both", None)])
async def test_a_client_that_trusts_the_authority_and_a_server_shake_hands(files, cert, key):
    ours, theirs = trio.testing.memory_stream_pair()
    server = trio.SSLStream(ours, server_context(files / cert, key and files / key), server_side=True)
    client = trio.SSLStream(theirs, client_context(str(files / "ca")), server_hostname="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.do_handshake)
        await client.do_handshake()
    assert client.version().startswith("TLSv1.")


@pytest.mark.parametrize(
    ("cert", "key", "file", "problem"),
    [
        ("none", "key", "cert", "none cannot be read: No such file or directory"),
        ("cert", "none", "key", "none cannot be read: No such file or directory"),
        (".", "key", "cert", "cannot be read: Is a directory"),
        ("empty", "key", "cert", "cannot be used: .*; both must be PEM and belong together"),
        ("text", None, "cert", "text cannot be used: "),
        ("cert", None, "cert", "cert cannot be used: "),
        ("cert", "other", "cert", "cert with the key .*other cannot be used: KEY_VALUES_MISMATCH"),
        ("cert", "encrypted", "key", "the key in .*encrypted is encrypted; store it without a password"),
        ("both_encrypted", None, "cert", "the key in .*both_encrypted is encrypted"),
    ],
)
def test_files_that_a_server_cannot_use_are_named_with_what_is_wrong(files, cert, key, file, problem):
    with pytest.raises(TLSFileError, match=problem) as caught:
        server_context(files / cert, key and files / key)
    assert caught.value.file == file


@pytest.mark.parametrize(
    ("name", "problem"), [("none", "cannot be read: No such file"), ("text", "holds no certificate in PEM form")]
)
def test_a_file_of_authorities_that_cannot_be_used_is_named(files, name, problem):
    with pytest.raises(TLSFileError, match=f"{files / name} {problem}") as caught:
        client_context(str(files / name))
    assert caught.value.file == "ca"


def test_a_server_never_asks_for_a_password_at_the_terminal(files):
    """OpenSSL asks on the controlling terminal and waits; in a service, for ever."""
    ours, theirs = pty.openpty()
    code = (
        "from jackfield._net.tls import server_context, TLSFileError\n"
        f"try: server_context({str(files / 'cert')!r}, {str(files / 'encrypted')!r})\n"
        "except TLSFileError as error: print('refused:', error)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert ran.returncode == 0
    assert said.startswith("refused: the key in ")
