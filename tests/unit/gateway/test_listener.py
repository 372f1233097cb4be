"""`jackfield._gateway.listener`: a bounded buffer that never waits and never loses silently."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import get_args

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from jackfield._gateway import listener as listener_module
from jackfield._gateway.listener import Listener, Overflow
from jackfield.addresses import Address
from jackfield.errors import ListenerOverflow
from jackfield.events import Event
from jackfield.reports import EventsDropped
from jackfield.selectors import Selector

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Bench:
    def __init__(self, capacity=10, overflow="drop_oldest"):
        self.reports, self.detached = [], []
        selectors = (Selector.parse("contact.*"),)
        self.listener = Listener(selectors, capacity, self.reports.append, self.detached.append, overflow)


async def test_events_come_out_in_order_and_the_loop_ends_with_the_listener():
    bench = Bench()
    for number in range(3):
        bench.listener._put(number)
    bench.listener.close()
    assert [event async for event in bench.listener] == [0, 1, 2]
    assert bench.detached == [bench.listener]


async def test_a_loop_waits_for_the_next_event(autojump_clock):
    bench = Bench()

    async def later():
        await trio.sleep(3)
        bench.listener._put("x")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        assert await anext(bench.listener) == "x"
    assert trio.current_time() == pytest.approx(3)


async def test_a_full_buffer_lets_the_oldest_go_counts_and_tells():
    bench = Bench(capacity=2)
    for number in range(7):
        bench.listener._put(number)
    assert bench.listener.dropped == 5
    assert [report.total for report in bench.reports] == [1, 2, 4]
    assert bench.reports[0] == EventsDropped("listener contact.*", 1, "nobody reads its events", 1)
    bench.listener.close()
    assert [event async for event in bench.listener] == [5, 6]


def large(number, size=1_000_000):
    address = Address("v", "s", "i", "call", str(number), "updated")
    return Event(str(number), "call.updated", address, None, AT, "f", raw=bytes(size))


@pytest.mark.parametrize("overflow", get_args(Overflow))
async def test_a_buffer_is_full_by_bytes_too(overflow, monkeypatch):
    monkeypatch.setattr(listener_module, "BUFFER_BYTES", 10_000_000)
    bench = Bench(capacity=1000, overflow=overflow)
    events = [large(number) for number in range(30)]
    for event in events:
        bench.listener._put(event, len(event.raw))
        assert sum(len(each.raw) for each in bench.listener._events) <= 10_000_000
    assert bench.listener.dropped == (1 if overflow == "error" else 20)
    kept = bench.listener.take_nowait()
    assert kept == (events[20:] if overflow == "drop_oldest" else events[:10])


async def test_what_a_loop_has_read_is_not_counted_and_one_event_always_fits(monkeypatch):
    monkeypatch.setattr(listener_module, "BUFFER_BYTES", 10_000_000)
    bench = Bench(capacity=1000)
    for number in range(100):
        bench.listener._put(event := large(number, 3_000_000), len(event.raw))
        if number > 1:
            assert (await anext(bench.listener)).id == str(number - 2)
    assert bench.listener.dropped == 0
    bench.listener.take_nowait()
    bench.listener._put(huge := large(100, 20_000_000), len(huge.raw))
    assert bench.listener.take_nowait() == [huge]


async def test_a_full_buffer_may_keep_what_was_there_first():
    bench = Bench(capacity=2, overflow="drop_newest")
    for number in range(7):
        bench.listener._put(number)
    assert bench.listener.dropped == 5
    assert [report.total for report in bench.reports] == [1, 2, 4]
    assert await bench.listener.take() == [0, 1]
    bench.listener._put(7)
    assert await bench.listener.take() == [7]


async def test_a_listener_that_must_miss_nothing_ends_with_an_error_where_its_stream_would_have_a_hole():
    bench = Bench(capacity=2, overflow="error")
    for number in range(7):
        bench.listener._put(number)
    assert bench.listener.dropped == 1
    assert bench.reports == [EventsDropped("listener contact.*", 1, "nobody reads its events", 1)]
    assert bench.detached == [bench.listener]
    seen = []
    with pytest.raises(ListenerOverflow, match=r"listener contact\.\*: 2 events or 64 MB waited"):
        async for event in bench.listener:
            seen.append(event)  # noqa: PERF401  # what came before the error counts
    assert seen == [0, 1]
    with pytest.raises(ListenerOverflow):
        await bench.listener.take()


@given(st.integers(1, 5), st.sampled_from(get_args(Overflow)), st.lists(st.sampled_from(["put", "take", "next"])))
def test_whatever_is_put_is_taken_once_in_order_or_counted(capacity, overflow, steps):
    async def follow():
        bench, put, got = Bench(capacity, overflow), 0, []
        listener = bench.listener
        for step in steps:
            if step == "put":
                refused = bool(bench.detached)  # who has detached is given nothing
                listener._put(put)
                put += not refused
            elif listener._state().waiting:
                got += await listener.take() if step == "take" else [await anext(listener)]
            assert listener._state().waiting <= capacity
        with suppress(ListenerOverflow):
            got += listener.take_nowait()
        assert got == sorted(set(got))
        assert len(got) + listener.dropped == put
        if overflow == "error":
            assert got == list(range(len(got)))

    trio.run(follow)


async def test_batches_come_whole_and_the_last_is_empty(autojump_clock):
    bench = Bench()

    async def later():
        await trio.sleep(1)
        bench.listener._put(1)
        bench.listener._put(2)
        await trio.sleep(1)
        bench.listener.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        assert await bench.listener.take() == [1, 2]
        assert await bench.listener.take() == []
    assert trio.current_time() == pytest.approx(2)


@pytest.mark.parametrize(
    ("bounds", "message"), [((0, "error"), "buffer: must be 1 or more, not 0"), ((1, "wait"), "'wait' is none of 'dro")]
)
def test_a_buffer_that_holds_nothing_and_an_unknown_policy_are_refused(bounds, message):
    with pytest.raises(ValueError, match=message):
        Bench(*bounds)


async def test_leaving_the_with_block_closes_it_once():
    bench = Bench()
    with bench.listener as listener:
        listener.close()
    assert bench.detached == [listener]


async def test_closing_wakes_a_loop_that_waits(autojump_clock):
    bench = Bench()

    async def later():
        await trio.sleep(1)
        bench.listener.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        assert [event async for event in bench.listener] == []


async def test_a_loop_over_a_full_buffer_can_be_cancelled():
    bench = Bench(capacity=1000)
    for number in range(1000):
        bench.listener._put(number)
    seen = 0
    with trio.CancelScope() as scope:
        async for _ in bench.listener:
            seen += 1
            if seen == 5:
                scope.cancel()
    assert seen == 5


@given(
    st.integers(1, 9), st.sampled_from(get_args(Overflow)), st.lists(st.lists(st.integers(0, 50_000_000), max_size=5))
)
def test_events_of_one_read_are_buffered_as_they_would_be_one_by_one(capacity, overflow, reads):
    together, singly = Bench(capacity, overflow), Bench(capacity, overflow)
    for sizes in reads:
        together.listener._put_all([f"{number}" for number in range(len(sizes))], sizes)
        for number, size in enumerate(sizes):
            singly.listener._put(f"{number}", size)
        for slot in ("_events", "_sizes", "_bytes", "dropped", "_closed", "_overflown"):
            assert getattr(together.listener, slot) == getattr(singly.listener, slot)
    assert together.reports == singly.reports
