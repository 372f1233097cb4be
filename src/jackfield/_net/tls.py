"""TLS contexts from PEM files, for servers and for clients."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Literal

from jackfield._net.os_errors import explain_os_error
from jackfield.plugin._files import open_file

__all__ = ["TLSFileError", "client_context", "server_context"]


class TLSFileError(ValueError):
    """A certificate or key cannot be used; `file` says which one the problem is about."""

    def __init__(self, file: Literal["cert", "key", "ca"], problem: str) -> None:
        self.file = file
        super().__init__(problem)


def server_context(cert: str | Path, key: str | Path | None = None) -> ssl.SSLContext:
    """A context for a server; `TLSFileError` if its files cannot be used. Without `key`, `cert` holds it too."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load_chain(context, cert, key)
    return context


def client_context(
    ca_file: str | None = None, cert: str | Path | None = None, key: str | Path | None = None
) -> ssl.SSLContext:
    """A context that verifies servers by this file's authorities, or the system's; `TLSFileError` for a bad file.

    With `cert` it authenticates us to the server.
    """
    if ca_file is not None:
        _check_readable("ca", ca_file)
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise TLSFileError("ca", f"{ca_file} holds no certificate in PEM form") from None
    if cert is not None:
        _load_chain(context, cert, key)
    return context


def _check_readable(file: Literal["cert", "key", "ca"], path: str | Path) -> None:
    """Python's own errors about these files do not say which file they mean."""
    try:
        with open_file(path):
            pass
    except OSError as error:
        raise TLSFileError(file, f"{path} cannot be read: {error.strerror}") from None


def _load_chain(context: ssl.SSLContext, cert: str | Path, key: str | Path | None) -> None:
    _check_readable("cert", cert)
    if key is not None:
        _check_readable("key", key)
    encrypted: list[bool] = []

    def no_password() -> str:
        encrypted.append(True)
        return ""

    files = str(cert) if key is None else f"{cert} with the key {key}"
    try:
        # Without a callback OpenSSL would ask for the password of an encrypted key at the terminal, and wait.
        context.load_cert_chain(cert, key, password=no_password)
    except (ssl.SSLError, OSError) as error:
        if encrypted:
            problem = f"the key in {key or cert} is encrypted; store it without a password, readable by its owner only"
            raise TLSFileError("cert" if key is None else "key", problem) from None
        why = getattr(error, "reason", None) or explain_os_error(error)
        raise TLSFileError("cert", f"{files} cannot be used: {why}; both must be PEM and belong together") from None
