"""`jackfield._delivery.partition`: a share of a sink's events goes out in order, or to the dead letters."""

import random
from datetime import UTC, datetime
from itertools import pairwise

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from jackfield._delivery.breaker import Breaker
from jackfield._delivery.partition import ENVELOPE, Partition
from jackfield._delivery.sink_runner import SinkRunner
from jackfield._feed.stream_events import stream_event
from jackfield.addresses import Source
from jackfield.config import DeliveryOptions
from jackfield.errors import DeliveryError
from jackfield.reports import DeliveryFailed, DeliveryResumed, SinkPaused

AT = datetime(2026, 1, 1, tzinfo=UTC)


def make(number, **data):
    return stream_event(Source("v", "s", "i"), str(number), "connected", AT, **data)


@attrs.define
class Receiver:
    """Takes what it is sent, except for the next outcomes and what it will never take."""

    script: list
    never: frozenset = frozenset()
    says_which: bool = True
    got: list = attrs.field(factory=list)
    batches: list = attrs.field(factory=list)
    tried_at: list = attrs.field(factory=list)

    async def write(self, batch):
        await trio.lowlevel.checkpoint()
        self.tried_at.append(trio.current_time())
        numbers = [int(event.feed) for event in batch.events]
        self.batches.append(numbers)
        outcome = self.script.pop(0) if self.script else None
        if outcome is not None:
            takable = next((place for place, number in enumerate(numbers) if number in self.never), len(numbers))
            outcome.delivered = min(outcome.delivered, takable)
            self.got += numbers[: outcome.delivered]
            raise outcome
        for place, number in enumerate(numbers):
            if number in self.never:
                if not self.says_which:
                    raise DeliveryError("no", on_error="dead_letter")
                self.got += numbers[:place]
                raise DeliveryError("no", delivered=place, on_error="dead_letter", rejected_count=1)
        self.got += numbers


@attrs.define
class Bench:
    receiver: Receiver
    options: DeliveryOptions = attrs.field(factory=lambda: DeliveryOptions(batch_events=10))
    reports: list = attrs.field(factory=list)
    finished: list = attrs.field(factory=list)
    dead_lettered: list = attrs.field(factory=list)
    partition: Partition = attrs.field(init=False)

    def __attrs_post_init__(self):
        rng = random.Random(1)
        runner = SinkRunner("s", self.receiver, 60.0, Breaker(5, rng), self.reports.append, rng)
        self.partition = Partition(runner, self.options, self.finished.extend, self._dead_letter)

    def _dead_letter(self, number, event, reason, attempts):
        assert event.feed == str(number)
        self.dead_lettered.append((number, reason, attempts))

    async def run(self, count):
        for number in range(count):
            self.partition.put([(number, make(number))])
        self.partition.close()
        await self.partition.run()


OUTCOMES = st.one_of(
    st.none(),
    st.builds(
        DeliveryError,
        st.just("x"),
        delivered=st.integers(0, 3),
        on_error=st.sampled_from(["retry", "pause"]),
        retry_after=st.sampled_from([None, 0.0, 5.0]),
    ),
)


@given(
    st.integers(0, 40),
    st.lists(OUTCOMES, max_size=12),
    st.frozensets(st.integers(0, 40), max_size=6),
    st.booleans(),
    st.integers(1, 12),
)
def test_whatever_happens_every_event_is_delivered_once_in_order_or_is_a_dead_letter(
    count, script, never, says_which, most
):
    bench = Bench(Receiver(script, never, says_which), DeliveryOptions(batch_events=most))

    async def main():
        await bench.run(count)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    refused = sorted(number for number in never if number < count)
    assert bench.receiver.got == [number for number in range(count) if number not in refused]
    assert [number for number, _, _ in bench.dead_lettered] == refused
    assert bench.finished == list(range(count))
    assert all(len(batch) <= most for batch in bench.receiver.batches)


async def test_a_failed_batch_is_tried_again_with_growing_pauses_until_it_arrives(autojump_clock):
    bench = Bench(Receiver([DeliveryError("down") for _ in range(6)]))
    await bench.run(2)
    assert bench.receiver.got == [0, 1]
    failed = [report for report in bench.reports if isinstance(report, DeliveryFailed)]
    assert [each.attempt for each in failed] == [1, 2, 3, 4, 5, 6]
    assert [each.retry_in for each in failed] == pytest.approx(
        [after - before for before, after in pairwise(bench.receiver.tried_at)]
    )
    assert bench.reports[-1] == DeliveryResumed("s", 7)


async def test_the_one_that_is_refused_is_found_by_halving(autojump_clock):
    bench = Bench(Receiver([], frozenset({5}), says_which=False))
    await bench.run(10)
    assert bench.receiver.batches[:4] == [list(range(10)), list(range(5)), list(range(5, 10)), [5, 6]]
    assert bench.dead_lettered == [(5, "no", 4)]
    assert len(bench.receiver.batches) < 10


async def test_after_so_many_attempts_as_configured_events_are_given_up(autojump_clock):
    bench = Bench(Receiver([DeliveryError("down")] * 3), DeliveryOptions(max_attempts=3))
    await bench.run(2)
    assert bench.dead_lettered == [(0, "down", 3), (1, "down", 3)]


async def test_refused_credentials_are_never_a_reason_to_give_up(autojump_clock):
    bench = Bench(Receiver([DeliveryError("401", on_error="pause")] * 9), DeliveryOptions(max_attempts=3))
    await bench.run(2)
    assert (bench.receiver.got, bench.dead_lettered) == ([0, 1], [])


async def test_a_batch_is_waited_for_as_long_as_configured_and_no_longer(autojump_clock):
    bench = Bench(Receiver([]), DeliveryOptions(batch_events=3, batch_seconds=2.0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.partition.run)
        await trio.sleep(1)
        for number in range(4):
            bench.partition.put([(number, make(number))])
            await trio.sleep(0.5)
        await trio.sleep(5)
        bench.partition.close()
    assert bench.receiver.batches == [[0, 1, 2], [3]]
    assert bench.receiver.tried_at == [2.0, 4.5]


async def test_a_batch_is_no_larger_than_its_limit_in_bytes_unless_one_event_is(autojump_clock):
    bench = Bench(Receiver([]), DeliveryOptions(batch_bytes=2000))
    for number, size in enumerate([100, 100, 100, 9000, 100]):
        bench.partition.put([(number, make(number, text="x" * size))])
    bench.partition.close()
    await bench.partition.run()
    assert bench.receiver.batches == [[0, 1, 2], [3], [4]]


async def test_a_batch_leaves_no_sooner_than_batch_seconds_although_events_keep_coming(autojump_clock):
    bench = Bench(Receiver([]), DeliveryOptions(batch_events=100, batch_seconds=5.0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.partition.run)
        for number in range(3):
            bench.partition.put([(number, make(number))])
            await trio.sleep(2)
        await trio.sleep(20)
        bench.partition.close()
    assert bench.receiver.tried_at == [5.0]
    assert bench.receiver.batches == [[0, 1, 2]]


def sized(number, size):
    """An event that counts as so many bytes."""
    event = make(number, text="")
    return attrs.evolve(event, data=None, data_json=b" " * (size - ENVELOPE))


@pytest.mark.parametrize(("limit", "batches"), [(3000, [[0, 1, 2]]), (2999, [[0, 1], [2]])])
async def test_a_batch_of_exactly_the_limit_in_bytes_is_one_batch(limit, batches, autojump_clock):
    bench = Bench(Receiver([]), DeliveryOptions(batch_bytes=limit))
    bench.partition.put([(number, sized(number, 1000)) for number in range(3)])
    bench.partition.close()
    await bench.partition.run()
    assert bench.receiver.batches == batches


async def test_as_many_bytes_as_a_batch_may_have_do_not_wait_for_batch_seconds(autojump_clock):
    bench = Bench(Receiver([]), DeliveryOptions(batch_bytes=3000, batch_seconds=60.0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.partition.run)
        bench.partition.put([(number, sized(number, 1000)) for number in range(3)])
        await trio.sleep(1)
        assert bench.receiver.tried_at == [0.0]
        bench.partition.close()


async def test_what_is_sent_again_is_the_same_batch_although_more_has_come(autojump_clock):
    bench = Bench(Receiver([DeliveryError("down"), DeliveryError("cut", delivered=1), DeliveryError("down")]))
    bench.partition.put([(number, make(number)) for number in range(3)])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.partition.run)
        await trio.testing.wait_all_tasks_blocked()
        bench.partition.put([(number, make(number)) for number in range(3, 6)])
        bench.partition.close()
    assert bench.receiver.batches == [[0, 1, 2], [0, 1, 2], [1, 2], [1, 2], [3, 4, 5]]


@attrs.define
class Endpoint:
    """An HTTP endpoint: takes one event a request, and answers 404 as the test says."""

    wrong: bool = False
    poison: frozenset = frozenset()
    got: list = attrs.field(factory=list)
    tried: list = attrs.field(factory=list)

    async def write(self, batch):
        for event in batch.events:
            await trio.lowlevel.checkpoint()
            number = int(event.feed)
            self.tried.append(number)
            if self.wrong or number in self.poison:
                raise DeliveryError("HTTP 404", on_error="dead_letter", rejected_count=1, endpoint_suspected=True)
            self.got.append(number)
            batch.delivered(batch.events.index(event) + 1)


def keyed(number, keys):
    return attrs.evolve(make(number), correlation=f"key-{number % keys}")


async def test_an_endpoint_that_is_wrong_makes_no_dead_letters_and_each_probe_is_another_event(autojump_clock):
    endpoint = Endpoint(wrong=True)
    bench = Bench(endpoint)
    bench.partition.put([(number, keyed(number, 7)) for number in range(111)])
    bench.partition.close()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.partition.run)
        await trio.sleep(400)
        assert endpoint.tried[:10] == list(range(10))
        assert endpoint.tried[10:17] == list(range(7)), "each probe is the first of another correlation"
        assert len(endpoint.tried) < 40
        assert (bench.dead_lettered, bench.finished) == ([], [])
        endpoint.wrong = False
    assert sorted(endpoint.got) == list(range(111))
    for key in range(7):
        mine = [number for number in endpoint.got if number % 7 == key]
        assert mine == sorted(mine)
    assert [type(report) for report in bench.reports if not isinstance(report, DeliveryFailed)] == [
        SinkPaused,
        DeliveryResumed,
    ]


async def test_a_poisonous_event_among_others_is_a_dead_letter_and_blocks_nothing(autojump_clock):
    endpoint = Endpoint(poison=frozenset({0, 5, 6, 30, 39}))
    bench = Bench(endpoint)
    bench.partition.put([(number, keyed(number, 3)) for number in range(40)])
    bench.partition.close()
    await bench.partition.run()
    assert endpoint.got == [number for number in range(40) if number not in endpoint.poison]
    assert [number for number, _, _ in bench.dead_lettered] == sorted(endpoint.poison)
    # The last has nothing behind it that could show whose fault it is: it is asked for a while.
    assert len(endpoint.tried) <= 40 + 10


async def test_a_poisonous_event_does_not_block_a_sink_that_comes_back(autojump_clock):
    endpoint = Endpoint(wrong=True, poison=frozenset({0, 1}))
    bench = Bench(endpoint)
    bench.partition.put([(number, keyed(number, 5)) for number in range(50)])
    bench.partition.close()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.partition.run)
        await trio.sleep(100)
        endpoint.wrong = False
    assert sorted(endpoint.got) == list(range(2, 50))
    assert sorted(number for number, _, _ in bench.dead_lettered) == [0, 1]


async def test_failure_for_each_event_settles_the_others_at_once(autojump_clock):
    bench = Bench(
        Receiver([DeliveryError("two", failed={1, 4}), DeliveryError("one", failed={0}, on_error="dead_letter")])
    )
    bench.receiver.script[0].delivered = 0
    bench.partition.put([(number, make(number)) for number in range(6)])
    bench.partition.close()
    await bench.partition.run()
    assert bench.receiver.batches == [[0, 1, 2, 3, 4, 5], [1, 4]]
    assert bench.dead_lettered == [(1, "one", 2)]
    assert sorted(bench.finished) == list(range(6))
