"""`jackfield.simulation._outbox`: what waits for one client."""

import math

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from jackfield.simulation._outbox import Outbox


class Bench:
    def __init__(self):
        self.lost = 0
        self.outbox = Outbox(self._lose)

    def _lose(self):
        self.lost += 1

    async def taken(self, seconds=math.inf):
        """What comes out in so many seconds, each with its time."""
        began, out = trio.current_time(), []
        with trio.move_on_after(seconds):
            while len(self.outbox):
                item = await self.outbox.take()
                out.append((round(trio.current_time() - began, 6), item))
        return out


@given(st.lists(st.floats(0, 100).map(lambda delay: round(delay, 3)), max_size=30))
def test_everything_comes_in_its_time_and_what_is_due_together_in_order(delays):
    async def main():
        bench = Bench()
        for number, delay in enumerate(delays):
            bench.outbox.put(number, 1000, delay)
        return await bench.taken(), bench.lost

    out, lost = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert out == [(delays[n], n) for n in sorted(range(len(delays)), key=lambda n: (delays[n], n))]
    assert lost == 0


async def test_what_finds_it_full_is_lost_and_counted_the_newest_first(autojump_clock):
    bench = Bench()
    for number in range(7):
        bench.outbox.put(number, 5)
    assert [item for _, item in await bench.taken()] == [0, 1, 2, 3, 4]
    assert bench.lost == 2


async def test_what_is_not_due_takes_no_place_until_it_is(autojump_clock):
    bench = Bench()
    for number in range(7):
        bench.outbox.put(number, 5, delay=1.0)
    assert (len(bench.outbox), bench.lost) == (7, 0)
    await trio.sleep(2)
    bench.outbox.put("now", 5)
    assert [item for _, item in await bench.taken()] == [0, 1, 2, 3, 4]
    assert bench.lost == 3


async def test_something_can_go_before_everything_else(autojump_clock):
    bench = Bench()
    bench.outbox.put("a", 1)
    bench.outbox.put_first("b")
    assert [item for _, item in await bench.taken()] == ["b", "a"]


@pytest.mark.parametrize("later", [0.0, 3.0])
async def test_who_waits_for_something_late_gets_what_comes_sooner(later, nursery, autojump_clock):
    bench = Bench()
    if later:
        bench.outbox.put("late", 10, later)

    async def put():
        await trio.sleep(1)
        bench.outbox.put("soon", 10)

    nursery.start_soon(put)
    assert await bench.outbox.take() == "soon"
    assert trio.current_time() == pytest.approx(1.0)
