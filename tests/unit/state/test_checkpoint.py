"""The checkpoint: the same state after it was written and read, whatever happened meanwhile."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from jackfield.state import State
from jackfield.state.checkpoint import read_checkpoint, write_checkpoint

STREAM = {"topics": ["t"]}
KINDS = ("contact.created", "contact.queued", "offer.created", "contact.connected", "contact.ended")


@pytest.fixture(name="day")
def _day(happened):
    events = [happened("stream.subscribed", 0, data=STREAM)]
    for number in range(600):
        queue, agent = f"q{number % 3}", f"a{number % 7}"
        for step, kind in enumerate(KINDS[: 1 + number % 5]):
            named = {"queue_id": queue, "caller": f"+49{number}"} | ({"agent_id": agent} if step >= 2 else {})
            events.append(happened(kind, number + step, f"c{number}", **named))
        events.append(happened("call.connected", number, f"l{number}", correlation=f"c{number}"))
        if number % 2:
            events.append(happened("call.cleared", number + 5, f"l{number}", correlation=f"c{number}"))
    return events


def reduced(events, state=None):
    state = state or State()
    for event in events:
        state.apply(event)
    return state


def restored(pieces, **options):
    state = State(**options)
    return state, read_checkpoint(list(pieces), state, "J")


def test_what_was_written_is_read(day, at):
    before = reduced(day)
    after, position = restored(write_checkpoint(before, "J", 77))
    assert position == 77
    assert after.snapshot(at(700)) == before.snapshot(at(700))


def test_events_after_it_count_once_even_if_it_has_parts_of_them(day, at):
    whole, some = reduced(day), reduced(day[:1000])
    pieces = []
    more = iter(day[1000:])
    for piece in write_checkpoint(some, "J", 1000):
        pieces.append(piece)
        for event, _ in zip(more, range(200), strict=False):  # while it is being written
            some.apply(event)
    after, position = restored(pieces)
    assert reduced(day[position:], after).snapshot(at(900)) == whole.snapshot(at(900))


def test_totals_of_what_was_forgotten_stay(day, at):
    state = reduced(day, State(most=100))
    after, _ = restored(write_checkpoint(state, "J", 1), most=100)
    assert after.snapshot(at(700)) == state.snapshot(at(700))
    assert after.tables.forgotten == state.tables.forgotten > 0


@pytest.mark.parametrize(
    ("journal", "options"),
    [("another", {}), ("J", {"zone": ZoneInfo("Europe/Berlin")}), ("J", {"answer_seconds": 30.0})],
)
def test_one_of_another_journal_or_with_other_options_is_none(day, journal, options):
    state = State(**options)
    assert read_checkpoint(list(write_checkpoint(reduced(day[:9]), "J", 9)), state, journal) is None
    assert state.snapshot(day[0].received.astimezone(UTC)).contacts == {}


@pytest.mark.parametrize("pieces", [[], [b""], [b"\xc1"], [b"\x80"]])
def test_a_damaged_one_is_none(pieces):
    assert restored(pieces)[1] is None


def test_half_of_a_surrogate_pair_of_a_vendor_does_not_stop_it(happened):
    odd = "x\ud800"
    state = reduced([happened("contact.queued", 0, odd, correlation=odd, caller=odd, queue_id=odd, agent_id=odd)])
    assert read_checkpoint(list(write_checkpoint(state, "J", 1)), State(), "J") == 1
