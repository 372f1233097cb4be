"""`jackfield._gateway.cluster.standby`: copies are kept until they are known to be written, within bounds."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jackfield._gateway.cluster.standby import OVERLAP_SECONDS, StandbyBuffer
from jackfield.addresses import Address
from jackfield.events import Event

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(name, at=0.0):
    moment = NOON + timedelta(seconds=at)
    return Event(str(name), "call.updated", Address("v", "s", "i", "call", "n", "w"), moment, moment, "office", "c")


def ids(buffer):
    return [each.id for copies in buffer.take() for each in copies.events]


def test_what_is_being_written_is_not_dropped_for_its_age_and_what_is_taken_is_whole_copies_in_order():
    buffer = StandbyBuffer(1_000_000, 10.0)
    buffer.put([event("a"), event("b")], {}, None, 0.0)
    buffer.ages = False
    assert buffer.put([event("c")], {}, None, 99.0) is None
    assert [[each.id for each in copies.events] for copies in buffer.take(events=1)] == [["a", "b"]]
    assert [[each.id for each in copies.events] for copies in buffer.take(events=1)] == [["c"]]
    assert buffer.is_empty
    assert (len(buffer), buffer.bytes, buffer.take()) == (0, 0, [])


def test_what_is_taken_comes_in_its_order_and_nothing_is_left():
    buffer = StandbyBuffer(1_000_000, 60.0)
    for number in range(5):
        buffer.put([event(number)], {}, None, float(number))
    assert len(buffer) == 5
    assert ids(buffer) == ["0", "1", "2", "3", "4"]
    assert (len(buffer), buffer.bytes, ids(buffer)) == (0, 0, [])


def test_what_came_well_before_the_newest_event_that_is_written_is_let_go():
    buffer = StandbyBuffer(1_000_000, 600.0)
    for number in range(100):
        buffer.put([event(number)], {}, None, float(number))
    buffer.written("50")
    buffer.written("of nobody here")
    assert ids(buffer)[0] == str(50 - int(OVERLAP_SECONDS))


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 4)), max_size=60), st.integers(1, 20), st.floats(1, 30))
def test_it_stays_within_its_bounds_and_counts_each_event_that_it_drops(steps, most, seconds):
    size = 2500
    buffer, now, number, holes = StandbyBuffer(most * size, seconds), 0.0, 0, []
    for pause, count in steps:
        now += pause
        batch = [event(number + each, now) for each in range(count)]
        number += count
        if hole := buffer.put(batch, {}, None, now):
            holes.append(hole)
        assert buffer.bytes <= max(most, 0) * size
    assert bool(holes) == bool(buffer.dropped)
    kept = ids(buffer)
    assert len(kept) + buffer.dropped == number
    assert kept == [str(each) for each in range(buffer.dropped, number)]


def test_what_is_known_to_be_written_is_not_counted_when_it_is_dropped():
    buffer = StandbyBuffer(1_000_000, 10.0)
    buffer.put([event("a")], {}, None, 0.0)
    buffer.written("a")
    assert buffer.put([event("b")], {}, None, 100.0) is None
    assert buffer.dropped == 0


def test_that_copies_are_dropped_is_said_at_each_doubling():
    said = []
    buffer = StandbyBuffer(2500, 60.0, on_drop=said.append)
    for number in range(9):
        buffer.put([event(number)], {}, None, 0.0)
    assert said == [1, 2, 4, 8]
