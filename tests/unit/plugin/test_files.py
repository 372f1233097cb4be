"""`jackfield.plugin._files`: what has no end is named, and waited for by nobody."""

import os
import socket
from pathlib import Path

import pytest

from jackfield._journal.copying import import_events
from jackfield._net.tls import TLSFileError, client_context, server_context
from jackfield.config import read_toml
from jackfield.errors import ConfigError, JournalError, SecretError
from jackfield.plugin.posting._tls import client_context as posting_context
from jackfield.plugin.secrets import Secret


@pytest.fixture(params=["pipe", "device", "folder", "socket"])
def endless(request, tmp_path):
    path = tmp_path / request.param
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "device":
        path.symlink_to("/dev/zero")
    elif request.param == "folder":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    return path


@pytest.mark.parametrize(
    ("read", "error"),
    [
        (lambda path: Secret("file", str(path)).reveal(), SecretError),
        (server_context, TLSFileError),
        (lambda path: client_context(str(path)), TLSFileError),
        (lambda path: posting_context(str(path), None, None, None), ValueError),
        (lambda path: posting_context(None, str(path), None, None), ValueError),
    ],
)
def test_a_secret_and_a_certificate_are_files(endless, read, error):
    with pytest.raises(error, match=endless.name):
        read(endless)


def test_a_configuration_and_an_import_are_files_or_folders(endless, tmp_path):
    with pytest.raises(ConfigError, match=endless.name):
        read_toml(endless)
    with pytest.raises(JournalError, match=endless.name):
        import_events(tmp_path / "journal", [endless], [], print)


def test_a_pipe_into_which_a_shell_writes_is_a_configuration():
    reading, writing = os.pipe()
    os.write(writing, b"[gateway]\nfsync = true\n")
    os.close(writing)
    assert read_toml(Path(f"/dev/fd/{reading}")) == {"gateway": {"fsync": True}}
    os.close(reading)
