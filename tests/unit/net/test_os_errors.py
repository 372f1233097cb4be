"""`jackfield._net.os_errors`: failures in the operating system's words."""

import errno
import os
import socket
import ssl

import pytest
import trio

from jackfield._net.os_errors import explain_os_error

REFUSED = os.strerror(errno.ECONNREFUSED)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ECONNREFUSED, "[Errno 111] connect to 127.0.0.1:1"), REFUSED),
        (trio.BrokenResourceError(OSError(errno.ECONNREFUSED, "x")), REFUSED),
        (ExceptionGroup("x", [OSError(errno.ECONNREFUSED, "a"), OSError(errno.ECONNREFUSED, "b")]), REFUSED),
        (ExceptionGroup("x", [OSError(errno.ECONNREFUSED, "a"), ValueError("b")]), f"{REFUSED}; b"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "[SSL: WRONG_VERSION_NUMBER]"),
        (OSError(), "OSError"),
        (ValueError("just a text"), "just a text"),
    ],
)
def test_each_failure_has_the_words_of_what_is_at_its_bottom(error, words):
    assert explain_os_error(error).startswith(words)


def test_the_cause_of_a_failure_says_more_than_the_failure():
    error = OSError("all attempts to connect to 127.0.0.1:1 failed")
    error.__cause__ = OSError(errno.ECONNREFUSED, "x")
    assert explain_os_error(error) == REFUSED
