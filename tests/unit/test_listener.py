"""`jackfield._listener`: a bounded buffer that never waits and never loses silently."""

import pytest
import trio

from jackfield._listener import Listener
from jackfield.reports import EventsDropped
from jackfield.selectors import Selector


class Bench:
    def __init__(self, capacity=10):
        self.reports, self.detached = [], []
        self.listener = Listener((Selector.parse("contact.*"),), capacity, self.reports.append, self.detached.append)


async def test_events_come_out_in_order_and_the_loop_ends_with_the_listener():
    bench = Bench()
    for number in range(3):
        bench.listener.put(number)
    bench.listener.close()
    assert [event async for event in bench.listener] == [0, 1, 2]
    assert bench.detached == [bench.listener]


async def test_a_loop_waits_for_the_next_event(autojump_clock):
    bench = Bench()

    async def later():
        await trio.sleep(3)
        bench.listener.put("x")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        assert await anext(bench.listener) == "x"
    assert trio.current_time() == pytest.approx(3)


async def test_a_full_buffer_lets_the_oldest_go_counts_and_tells():
    bench = Bench(capacity=2)
    for number in range(7):
        bench.listener.put(number)
    assert bench.listener.dropped == 5
    assert [report.total for report in bench.reports] == [1, 2, 4]
    assert bench.reports[0] == EventsDropped("listener contact.*", 1, "nobody takes its events", 1)
    bench.listener.close()
    assert [event async for event in bench.listener] == [5, 6]


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
        bench.listener.put(number)
    seen = 0
    with trio.CancelScope() as scope:
        async for _ in bench.listener:
            seen += 1
            if seen == 5:
                scope.cancel()
    assert seen == 5
