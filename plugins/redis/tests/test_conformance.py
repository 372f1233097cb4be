"""The kit: both halves are gold, the sink against a real server."""

import pytest

from jackfield.testing._rules import Level
from jackfield.testing._scorecard import run_suite
from jackfield_redis.conformance import ProviderConformance, SinkConformance
from jackfield_redis.local_server import find_server

needs_server = pytest.mark.skipif(find_server() is None, reason="no redis-server: no wheel of it, and not the system's")


@needs_server
def test_the_sink_is_gold():
    card = run_suite(SinkConformance, examples=10)
    assert card.failures == ()
    assert card.level is Level.GOLD


def test_the_provider_is_gold():
    card = run_suite(ProviderConformance, examples=10)
    assert card.failures == ()
    assert card.level is Level.GOLD
