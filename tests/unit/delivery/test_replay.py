"""`jackfield._delivery.replay`: the past, selected, and on its way to a sink once more."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from jackfield._delivery.replay import EventFilter, Replay, letters, past
from jackfield._feed.stream_events import stream_event
from jackfield._journal.store import SegmentStore
from jackfield._journal.store.records import DeadLetterRow, Notes
from jackfield.addresses import Source
from jackfield.selectors import Selector

AT = datetime(2026, 1, 1, tzinfo=UTC)


def make(number):
    return stream_event(Source("v", "s", "i"), str(number), "connected", AT + timedelta(seconds=number))


@given(
    st.lists(st.lists(st.integers(1, 9), max_size=5), max_size=6),
    st.integers(1, 4),
    st.frozensets(st.integers(0, 30)),
)
def test_what_is_read_and_not_refused_again_is_reported_as_delivered_once_when_it_is_done_with(gaps, most, refused):
    ascending = accumulate(gap for page in gaps for gap in page)
    pages = [[(number, make(number)) for number in islice(ascending, len(page))] for page in gaps]
    wanted = [number for page in pages for number, _ in page]
    delivered = []
    replay = Replay(iter(pages), delivered.extend)

    async def main():
        read = []
        while True:
            batch, lost = await replay.read(most)
            assert lost == 0 and len(batch) <= most
            if not batch:
                return read
            assert all(event.origin == "replay" for _, event in batch)
            read += [number for number, _ in batch]
            for number, event in batch:
                if number in refused:
                    replay.dead_letter(number, event, "no", 1)
            assert replay.lag == len(batch)
            replay.commit(batch[-1][0] + 1)
            assert replay.lag == 0

    assert trio.run(main) == wanted
    assert delivered == [number for number in wanted if number not in refused]
    assert replay.rest() == ([], 0)


@pytest.fixture
def store(tmp_path):
    store = SegmentStore.open(tmp_path / "journal")
    events = [make(number) for number in range(5)]
    lines = [event.to_json() for event in events]
    received = [int(event.received.timestamp() * 1_000_000) for event in events]
    store.append([*lines[:3], b"not an event", *lines[3:]], [*received[:3], received[2], *received[3:]], 0)
    dead = [DeadLetterRow(sink, number, 0, 1, "no", events[number]) for sink, number in (("s", 1), ("s", 2), ("t", 3))]
    store.save(Notes(dead=tuple(dead)))
    yield store
    store.close()


def test_the_past_is_what_was_received_in_the_span_and_selected_and_what_cannot_be_read_is_reported(store):
    unreadable = []

    def found(**wanted):
        return [
            int(event.feed)
            for page in past(store, EventFilter(**wanted), unreadable.append, unreadable.append)
            for _, event in page
        ]

    assert found() == [0, 1, 2, 3, 4]
    assert unreadable == [4]
    assert found(since=AT + timedelta(seconds=3)) == [3, 4]
    assert found(until=AT + timedelta(seconds=1)) == [0]
    assert found(selectors=(Selector.parse("v/s/i/stream/2/**"), Selector.parse("contact.*"))) == [2]


def test_letters_are_those_of_a_sink_or_of_all_within_the_same_limits(store):
    def found(sink, **wanted):
        pages = letters(store, sink, EventFilter(**wanted), lambda _: None)
        return [(each.sink, int(each.event.feed)) for page in pages for each in page]

    assert found(None) == [("s", 1), ("s", 2), ("t", 3)]
    assert found("s") == [("s", 1), ("s", 2)]
    assert found(None, since=AT + timedelta(seconds=2)) == [("s", 2), ("t", 3)]
