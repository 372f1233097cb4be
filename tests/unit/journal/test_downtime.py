"""`jackfield._journal.downtime`: what the journal of the last run tells about each feed."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from jackfield._feed.stream_events import stream_event
from jackfield._journal import downtime as _absence
from jackfield._journal.downtime import last_received_at
from jackfield._journal.store import Store
from jackfield._journal.store.records import Row
from jackfield.addresses import Source

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    store = Store.open(tmp_path / "journal")
    yield store
    store.close()


def fill(store, feeds):
    for number, feed in enumerate(feeds):
        at = AT + timedelta(seconds=number)
        event = attrs.evolve(stream_event(Source("v", "s", "i"), feed, "connected", at), received=at)
        store.commit([Row(b"", event.to_json(), int(at.timestamp() * 1_000_000))])


def test_a_feed_was_last_heard_of_when_its_last_event_was_received(store):
    fill(store, "abacaa")
    assert last_received_at(store, ["a", "b"]) == {"a": AT + timedelta(seconds=5), "b": AT + timedelta(seconds=1)}


def test_a_feed_that_was_never_there_has_missed_nothing(store):
    assert last_received_at(store, ["a"]) == {}
    fill(store, "aaa")
    assert last_received_at(store, ["new"]) == {}


def test_a_feed_that_was_quiet_for_longer_than_is_looked_at_gets_too_long_a_gap_and_not_none(store, monkeypatch):
    monkeypatch.setattr(_absence, "MOST", 3)
    fill(store, "baaaa")
    assert last_received_at(store, ["a", "b"]) == {"a": AT + timedelta(seconds=4), "b": AT + timedelta(seconds=2)}


def test_a_feed_that_was_down_at_the_end_has_missed_events_since_before_that_was_seen(store):
    fill(store, "ab")
    for feed, data in (("a", {"since": AT - timedelta(seconds=30)}), ("b", {}), ("c", {"since": "soon"})):
        event = stream_event(Source("v", "s", "i"), feed, "disconnected", AT, reason="cut", **data)
        store.commit([Row(b"", event.to_json(), int(AT.timestamp() * 1_000_000))])
    assert last_received_at(store, "abc") == {"a": AT - timedelta(seconds=30), "b": AT, "c": AT}


def test_what_is_no_event_is_passed_over(store):
    fill(store, "a")
    store.commit([Row(b"", b"nonsense", 0)])
    assert last_received_at(store, ["a"]) == {"a": AT}
