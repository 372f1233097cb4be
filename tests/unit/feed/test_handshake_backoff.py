"""`jackfield._feed.handshake_backoff`: the longer wait counts, and a provider's bug is a loss like any other."""

import pytest

from jackfield._feed.handshake_backoff import with_handshake_backoff
from jackfield.errors import HandshakeRefused


class Knowing:
    def retry_after(self, status):
        return 60.0


class Broken:
    def retry_after(self, status):
        raise ZeroDivisionError


@pytest.mark.parametrize(("asked", "seconds"), [(None, 60.0), (5.0, 60.0), (90.0, 90.0)])
def test_the_longer_of_two_waits_is_kept(asked, seconds):
    refused = HandshakeRefused(429, "too many", retry_after=asked)
    assert with_handshake_backoff(refused, Knowing()).retry_after == seconds


def test_a_provider_that_knows_nothing_changes_nothing():
    refused = HandshakeRefused(429, "too many", retry_after=5.0)
    assert with_handshake_backoff(refused, object()) is refused
    assert refused.retry_after == 5.0


def test_a_provider_that_fails_is_named():
    assert "ZeroDivisionError" in with_handshake_backoff(HandshakeRefused(429, "too many"), Broken()).reason
