"""`jackfield.plugin.posting._troubles`: the cause in words, dug out of what several libraries wrapped it in."""

import ssl

import httpcore2
import pytest
import trio

from jackfield.plugin.posting._networks import Forbidden
from jackfield.plugin.posting._troubles import explain


async def test_a_server_that_is_not_there(server, failing):
    server.server_close()
    failure = await failing()
    assert failure.on_error == "retry"
    assert failure.reason == f"{server.origin}/events: Connection refused"


async def test_a_server_that_speaks_no_tls(server, failing):
    failure = await failing(url=server.url.replace("http:", "https:"))
    assert failure.on_error == "retry"
    assert failure.reason.startswith(f"https://127.0.0.1:{server.server_port}/events: no TLS: ")


async def test_a_server_that_closes_without_an_answer(server, failing, reply):
    server.script = [reply(cut=True)]
    failure = await failing()
    assert failure.on_error == "retry"
    assert "Server disconnected without sending a response" in failure.reason


def wrapped(error):
    """As httpcore2 and trio do it: the cause stays in the arguments only."""
    try:
        try:
            raise trio.BrokenResourceError from error
        except trio.BrokenResourceError as broken:
            raise httpcore2.ReadError(broken) from broken
    except httpcore2.ReadError as outer:
        outer.__cause__ = None
        return outer


def tls_error(reason):
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("reason", "on_error"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "pause"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "pause"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "pause"),
        ("TLSV1_ALERT_UNKNOWN_CA", "pause"),
        ("TLSV1_ALERT_ACCESS_DENIED", "pause"),
        ("TLSV1_ALERT_INTERNAL_ERROR", "retry"),
        ("WRONG_VERSION_NUMBER", "retry"),
    ],
)
def test_what_a_server_says_of_our_certificate_is_for_somebody_to_mend(reason, on_error):
    seen, found = explain(wrapped(tls_error(reason)))
    assert (found, reason in seen) == (on_error, True)


def test_an_address_that_is_not_allowed_is_reported_with_what_would_allow_it():
    assert explain(Forbidden("x leads to 10.0.0.1")) == (
        "x leads to 10.0.0.1; allow_private = true would allow it",
        "pause",
    )


def test_of_several_attempts_one_is_reported_and_of_none_the_kind_of_error():
    group = OSError("all attempts to connect failed")
    group.__cause__ = ExceptionGroup("attempts", [ConnectionRefusedError(111, "x"), TimeoutError(110, "y")])
    assert explain(group) == ("Connection timed out", "retry")
    assert explain(httpcore2.ReadError()) == ("ReadError", "retry")
