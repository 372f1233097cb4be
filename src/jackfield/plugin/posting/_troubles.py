"""What went wrong before there was an answer, in words, and what is to be done about it."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator

from jackfield.errors import OnError
from jackfield.plugin.posting._networks import Forbidden

__all__ = ["explain"]

# How a server that wants another certificate from us, or any, says so.
_OUR_CERTIFICATE = re.compile(r"ALERT.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)")

# A name or an address that the certificate is not of, and one that is not valid yet, or any more: of X509_V_ERR_….
_NO_MATTER_OF_TRUST = frozenset({9, 10, 62, 63, 64})


def explain(error: BaseException, ca_option: str = "ca_file") -> tuple[str, OnError]:
    """The deepest cause that says something, and the on_error.

    A certificate that is not trusted, on either side, and an address that is not allowed are for somebody to
    mend, and no other event would fare better: ``pause``. All else may pass: ``retry``.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, Forbidden):
            return f"{cause}; allow_private = true would allow it", "pause"
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "" if cause.verify_code in _NO_MATTER_OF_TRUST else f"; {ca_option} names the authorities to trust"
            return f"the server's certificate is not trusted: {cause.verify_message}{hint}", "pause"
        if isinstance(cause, ssl.SSLError) and _OUR_CERTIFICATE.search(cause.reason or ""):
            return f"the server rejects our client certificate: {cause.reason}; client_cert names it", "pause"
    reasons = (_words(cause) for cause in reversed(causes))
    return next(filter(None, reasons), type(error).__name__), "retry"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it came from, and so on; of a group all members, since each is an attempt of its own."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
            return
        error = error.__cause__ or _wrapped(error)


def _wrapped(error: BaseException) -> BaseException | None:
    """What httpcore2 made an error of its own from: its pool takes the cause away, but not the argument."""
    inner = error.args[0] if error.args else None
    return inner if isinstance(inner, BaseException) else None


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {error.reason or error}"
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)  # trio puts the address into strerror, which the message has already
    return getattr(error, "strerror", None) or str(error)
