"""`jackfield._feed.stream_events`: facts about our own connection, as events."""

from datetime import UTC, datetime, timedelta

from jackfield._feed.stream_events import stream_event
from jackfield.addresses import Source
from jackfield.events import Event
from jackfield.kinds import KIND_NAMES

SOURCE = Source("voipbin", "customer", "abc")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_fact_is_an_event_at_the_feeds_own_address():
    event = stream_event(
        SOURCE, "head-office", "gap_suspected", AT, since=AT - timedelta(seconds=3), until=AT, cause="cut"
    )
    assert event.kind == "stream.gap_suspected" and event.kind in KIND_NAMES
    assert str(event.address) == "voipbin/customer/abc/stream/head-office/gap_suspected"
    assert event.data == {"since": "2025-12-31T23:59:57Z", "until": "2026-01-01T00:00:00Z", "cause": "cut"}
    assert Event.from_cloudevent(event.to_json()) == event


def test_two_facts_have_two_ids():
    facts = [
        stream_event(SOURCE, "a", "connected", AT),
        stream_event(SOURCE, "b", "connected", AT),
        stream_event(SOURCE, "a", "disconnected", AT),
        stream_event(SOURCE, "a", "connected", AT + timedelta(microseconds=1)),
        stream_event(SOURCE, "a", "connected", AT, url="x"),
    ]
    assert len({fact.id for fact in facts}) == len(facts)
