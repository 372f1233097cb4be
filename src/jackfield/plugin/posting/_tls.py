"""The TLS that a sink speaks: whom it trusts, and as whom it presents itself."""

from __future__ import annotations

import ssl

from jackfield.plugin._files import open_file
from jackfield.plugin.secrets import Secret

__all__ = ["client_context"]


def client_context(
    ca_file: str | None, certificate: str | None, key: str | None, password: Secret | None
) -> ssl.SSLContext:
    """A context that verifies servers; `ValueError` says which file is not what it should be."""
    for option, path in (("ca_file", ca_file), ("client_cert", certificate), ("client_key", key)):
        _check_readable(option, path)
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise ValueError(f"ca_file: {ca_file} holds no certificate in PEM form") from None
    if certificate is None:
        return context
    # A password is always given: OpenSSL would ask for it on the terminal.
    revealed = password.reveal() if password else ""
    try:
        context.load_cert_chain(certificate, key, lambda: revealed)
    except ssl.SSLError as error:
        where = certificate if key is None else f"{certificate} with the key in {key}"
        why = f" ({error.reason})" if error.reason else ""
        hint = "they must be PEM and belong together, and an encrypted key needs its client_key_password"
        raise ValueError(f"client_cert: cannot use {where}{why}; {hint}") from None
    return context


def _check_readable(option: str, path: str | None) -> None:
    """Python's own errors about these files do not say which file they mean."""
    if path is None:
        return
    try:
        with open_file(path):
            pass
    except OSError as error:
        raise ValueError(f"{option}: {path}: {error.strerror}") from None
