"""The operating system's own words for a failure, whatever it is wrapped in."""

from __future__ import annotations

import os
import socket
import ssl

__all__ = ["explain_file_error", "explain_os_error"]


def explain_os_error(error: BaseException) -> str:
    """One line for an operator, without the address: messages name that themselves."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(dict.fromkeys(explain_os_error(each) for each in error.exceptions))
    # httpcore2's pool removes the cause of what it raises, but not the argument.
    wrapped = error.__cause__ or next((each for each in error.args if isinstance(each, BaseException)), None)
    if wrapped is not None:
        return explain_os_error(wrapped)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError | socket.gaierror) and (error.errno or 0) > 0:
        return os.strerror(error.errno or 0)  # trio puts the address into strerror
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def explain_file_error(error: BaseException) -> str:
    """One line that names the file, where it is one that the error is about."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error)
