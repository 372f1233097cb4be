"""Tests of the keys by which copies are known."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from jackfield._journal.dedup import SeenIds, key_of, keys_of
from jackfield.addresses import Address
from jackfield.events import Event

NOW = datetime(2026, 8, 20, tzinfo=UTC)
DIGESTS = st.binary(min_size=16, max_size=16).map(bytes.hex)
IDS = DIGESTS | DIGESTS.map(str.upper) | DIGESTS.map(lambda text: f" {text[:31]}") | st.text(max_size=40)


def make(event_id, kind="call.connected", scope_id="c1"):
    return Event(event_id, kind, Address("v", "s", scope_id, "call", "7", "status"), NOW, NOW, "office")


@given(st.lists(DIGESTS, max_size=20) | st.lists(IDS, max_size=20))
def test_the_keys_of_one_read_are_those_of_its_events_one_by_one(ids):
    events = [make(event_id) for event_id in ids]
    assert keys_of(events) == [key_of(event) for event in events]


@given(st.lists(st.builds(make, DIGESTS, st.sampled_from(("call.ended", "stream.connected")), st.sampled_from("ab"))))
def test_events_of_several_sources_and_facts_about_the_stream_have_their_own_keys(events):
    assert keys_of(events) == [key_of(event) for event in events]


def test_ids_are_taken_together_only_where_each_is_new_and_there():
    window = SeenIds(10)
    assert window.took_all([b"a", b"b"])
    assert not window.took_all([b"c", b"b"])
    assert not window.took_all([b"c", b"c"])
    assert not window.took_all([b"c", b""])
    assert (window.known, len(window)) == ({b"a", b"b"}, 2)
