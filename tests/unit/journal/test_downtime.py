"""`jackfield._journal.downtime`: since when a feed may have missed events if nothing comes after an event."""

from datetime import UTC, datetime, timedelta

import pytest

from jackfield._feed.stream_events import stream_event
from jackfield._journal.downtime import heard_until
from jackfield.addresses import Source

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_feed_was_last_heard_when_its_last_event_was_received():
    assert heard_until(stream_event(Source("v", "s", "i"), "a", "connected", AT)) == AT


@pytest.mark.parametrize(
    ("data", "moment"),
    [({"since": AT - timedelta(seconds=30)}, AT - timedelta(seconds=30)), ({}, AT), ({"since": "soon"}, AT)],
)
def test_a_feed_that_was_down_has_missed_events_since_before_that_was_seen(data, moment):
    assert heard_until(stream_event(Source("v", "s", "i"), "a", "disconnected", AT, reason="cut", **data)) == moment
