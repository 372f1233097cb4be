"""`jackfield._delivery`: a pipeline takes a sink's events from the journal, and moves its cursor when they are done."""

import math
import random
from datetime import UTC, datetime, timedelta

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from jackfield._delivery.pipeline import FIRST_READ, WINDOW, SinkPipeline
from jackfield._feed.stream_events import stream_event
from jackfield._journal import Journal
from jackfield._journal.log import Bounds
from jackfield._journal.retention import Limits
from jackfield._journal.store import MemoryStore, SegmentStore
from jackfield._routing.route_spans import RouteSpans
from jackfield.addresses import Source
from jackfield.config import DeliveryOptions
from jackfield.errors import DeliveryError
from jackfield.reports import EventDeadLettered, EventsDropped
from jackfield.selectors import Selector

AT = datetime(2026, 1, 1, tzinfo=UTC)


def make(number, word="connected", key=None):
    return attrs.evolve(stream_event(Source("v", "s", "i"), str(number), word, AT), correlation=key)


@attrs.define
class Receiver:
    """Takes what it is sent, at its own pace, except what it never takes and whom it keeps waiting."""

    script: list = attrs.field(factory=list)
    never: frozenset = frozenset()
    stuck: frozenset = frozenset()
    pace: dict = attrs.field(factory=dict)
    got: list = attrs.field(factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def write(self, batch):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await trio.sleep(self.pace.get(batch.events[0].correlation, 0))
            if self.script and (outcome := self.script.pop(0)) is not None:
                raise outcome
            for place, event in enumerate(batch.events):
                if event.correlation in self.stuck:
                    raise DeliveryError("down", delivered=place)
                if int(event.feed) in self.never:
                    raise DeliveryError("no", delivered=place, on_error="dead_letter", rejected_count=1)
                self.got.append((event.correlation, int(event.feed)))
        finally:
            self.at_once -= 1

    @property
    def numbers(self):
        return [number for _, number in self.got]


@attrs.define
class Bench:
    """A pipeline with everything around it."""

    sink: Receiver = attrs.field(factory=Receiver)
    options: DeliveryOptions = attrs.field(factory=DeliveryOptions)
    select: str = "**"
    store: SegmentStore | MemoryStore | None = None
    capacity: int = 10_000
    reports: list = attrs.field(factory=list)
    journal: Journal = attrs.field(init=False)
    pipeline: SinkPipeline = attrs.field(init=False)

    def __attrs_post_init__(self):
        self.store = self.store or MemoryStore(self.capacity, self.reports.append)
        self.journal = Journal(Bounds(self.capacity), self.store, self.reports.append, Limits(every=math.inf))
        index = RouteSpans.of([Selector.parse(self.select)])
        cursor = self.journal.cursor("s")
        self.pipeline = SinkPipeline("s", self.sink, cursor, index, self.options, self.reports.append, random.Random(1))

    async def run(self, events, limit=1000.0):
        assert len(self.journal.admit(events)) == len(events)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.journal.run)
            self.journal.close()
            with trio.move_on_after(limit):
                await self.pipeline.run()
            self.pipeline.abandon("closed")
            self.journal.finish()
        return self.pipeline.snapshot()


def of(kind, reports):
    return [report for report in reports if isinstance(report, kind)]


async def test_events_arrive_once_in_order():
    bench = Bench()
    stats = await bench.run([make(n) for n in range(250)])
    assert bench.sink.numbers == list(range(250))
    assert (stats.delivered, stats.dropped, stats.dead, stats.failures, stats.lag) == (250, 0, 0, 0, 0)


async def test_only_what_is_selected_arrives():
    bench = Bench(select="stream.disconnected")
    stats = await bench.run([make(1), make(2, "disconnected"), make(3)])
    assert bench.sink.numbers == [2]
    assert stats.lag == 0


KEYS = st.sampled_from([None, "a", "b", "c", "d", "e"])
FAILURES = st.builds(DeliveryError, st.just("x"), on_error=st.sampled_from(["retry", "pause"]))


@given(
    st.lists(KEYS, max_size=60),
    st.integers(1, 4),
    st.integers(1, 7),
    st.lists(st.one_of(st.none(), FAILURES), max_size=8),
    st.dictionaries(KEYS, st.floats(0, 3)),
    st.frozensets(st.integers(0, 60), max_size=5),
)
def test_however_slow_and_broken_a_receiver_is_each_keys_events_arrive_once_in_order(
    keys, concurrency, most, script, pace, never
):
    events = [make(number, key=key) for number, key in enumerate(keys)]
    bench = Bench(Receiver(script, never, pace=pace), DeliveryOptions(batch_events=most, concurrency=concurrency))

    async def main():
        return await bench.run(events, limit=1e6)

    stats = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    refused = {number for number in never if number < len(events)}
    for key in {*keys}:
        wanted = [number for number, each in enumerate(keys) if each == key and number not in refused]
        got = [number for each, number in bench.sink.got if each == key]
        # These events without a correlation are each about a thing of its own.
        assert (sorted(got) if key is None else got) == wanted
    assert bench.sink.most_at_once <= concurrency
    assert (stats.delivered, stats.dead, stats.dropped, stats.lag) == (len(events) - len(refused), len(refused), 0, 0)
    assert {letter.position - 1 for letter in bench.store.dead} == refused


async def test_one_key_that_is_stuck_holds_up_no_other_within_the_window(autojump_clock):
    bench = Bench(Receiver(stuck=frozenset("a")), DeliveryOptions(batch_events=10, concurrency=8))
    events = [make(0, key="a"), *[make(n, key=str(n % 50)) for n in range(1, 600)]]
    stats = await bench.run(events, limit=300.0)
    waiting = [[event for _, event in partition.waiting] for partition in bench.pipeline._partitions]
    (held_up,) = [share for share in waiting if events[0] in share]
    others = [int(event.feed) for event in events if event not in held_up]
    assert set(others) <= set(bench.sink.numbers)
    assert stats.lag == 600
    assert stats.dropped == 600 - stats.delivered


async def test_no_more_is_read_ahead_of_a_stuck_event_than_the_window_holds(autojump_clock):
    bench = Bench(Receiver(stuck=frozenset("a")), DeliveryOptions(batch_events=2, concurrency=2))
    bench.journal.admit([make(n, key="a") for n in range(500)])
    with trio.move_on_after(100):
        await bench.pipeline.run()
    assert bench.pipeline._progress.span <= WINDOW * 2 * 2 + 2


async def test_what_can_never_be_delivered_is_a_dead_letter_and_told_at_each_doubling(autojump_clock):
    bench = Bench(Receiver(never=frozenset(range(10))))
    stats = await bench.run([make(n) for n in range(12)])
    assert bench.sink.numbers == [10, 11]
    assert (stats.delivered, stats.dead, stats.dropped) == (2, 10, 0)
    assert [report.total for report in of(EventDeadLettered, bench.reports)] == [1, 2, 4, 8]
    assert [(letter.position, letter.reason) for letter in bench.store.dead] == [(n + 1, "no") for n in range(10)]


async def test_what_a_slow_sink_misses_in_memory_is_counted_and_told():
    bench = Bench(capacity=3)
    stats = await bench.run([make(n) for n in range(10)])
    assert bench.sink.numbers == [7, 8, 9]
    assert stats.dropped == 7
    (report,) = of(EventsDropped, bench.reports)
    assert report.count == 7 and "too slow" in report.reason


async def test_what_is_left_in_memory_at_the_end_is_counted_and_told(autojump_clock):
    bench = Bench(Receiver([DeliveryError("down")] * 99), select="stream.connected")
    stats = await bench.run([*[make(n) for n in range(103)], make(9, "disconnected")], limit=20.0)
    assert (stats.delivered, stats.dropped) == (0, 103)
    assert of(EventsDropped, bench.reports)[-1].reason == "closed"


async def test_what_made_room_while_a_sink_was_stuck_is_counted_at_the_end_too(autojump_clock):
    bench = Bench(Receiver([DeliveryError("down")] * 99), DeliveryOptions(batch_events=1), capacity=20)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.pipeline.run)
        for number in range(100):
            bench.journal.admit([make(number)])
            await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    bench.pipeline.abandon("closed")
    stats = bench.pipeline.snapshot()
    assert (stats.delivered, stats.dropped) == (0, 100)


async def test_what_is_left_in_a_file_is_not_lost_and_comes_at_the_next_start(tmp_path):
    events = [make(n) for n in range(30)]
    store = SegmentStore.open(tmp_path / "journal")
    bench = Bench(Receiver([None, *[DeliveryError("down")] * 99]), DeliveryOptions(batch_events=10), store=store)
    stats = await bench.run(events, limit=0.3)
    store.close()
    assert (bench.sink.numbers, stats.dropped, stats.lag) == (list(range(10)), 0, 20)

    store = SegmentStore.open(tmp_path / "journal")
    bench = Bench(store=store)
    stats = await bench.run([])
    store.close()
    assert bench.sink.numbers == list(range(10, 30))
    assert stats.lag == 0


async def test_a_receiver_that_wants_no_more_ends_the_pipeline_and_its_events_wait(tmp_path):
    store = SegmentStore.open(tmp_path / "journal")
    bench = Bench(
        Receiver([None, DeliveryError("gone", on_error="disable")]), DeliveryOptions(batch_events=5), store=store
    )
    with trio.fail_after(5):
        stats = await bench.run([make(n) for n in range(20)])
    assert (stats.state, stats.delivered, stats.dropped, stats.lag) == ("disabled", 5, 0, 15)
    assert store.cursors() == {"s": 6}
    store.close()


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_cancelling_a_pipeline_leaves_its_cursor_at_the_first_event_that_is_not_delivered(
    concurrency, autojump_clock
):
    bench = Bench(Receiver(pace={"slow": 1e9}), DeliveryOptions(batch_events=1, concurrency=concurrency, timeout=1e10))
    bench.journal.admit([make(0, key="x"), make(1, key="slow"), make(2, key="slow"), make(3, key="y")])
    with trio.move_on_after(50):
        await bench.pipeline.run()
    assert bench.pipeline._cursor.committed == 2


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_what_waits_for_a_stuck_sink_is_bounded_in_bytes(concurrency, autojump_clock):
    options = DeliveryOptions(batch_events=1000, batch_bytes=100_000, concurrency=concurrency)
    bench = Bench(Receiver(stuck=frozenset("a")), options)
    text = b'"%b"' % (b"x" * 20_000)
    bench.journal.admit([attrs.evolve(make(n, key="a"), data=None, data_json=text) for n in range(2000)])
    with trio.move_on_after(100):
        await bench.pipeline.run()
    waiting = [event for partition in bench.pipeline._partitions for _, event in partition.waiting]
    size = sum(len(event.data_json) for event in waiting)
    window = WINDOW * 100_000 * concurrency
    assert window / 2 < size <= window + FIRST_READ * 20_000


async def test_the_bound_in_bytes_lets_everything_through_that_is_larger_than_itself(autojump_clock):
    bench = Bench(options=DeliveryOptions(batch_bytes=10))
    stats = await bench.run([make(n) for n in range(300)])
    assert bench.sink.numbers == list(range(300))
    assert stats.lag == 0
    assert all(partition.held_bytes == 0 for partition in bench.pipeline._partitions)


async def test_a_position_is_never_that_of_an_event_of_another_journal():
    """A sink that stores positions would leave the other journal's event out, for it has that position already."""
    seen = []
    for _ in range(2):
        bench = Bench()
        cursor = bench.pipeline._cursor
        seen += [cursor.position_of(number) for number in (1, 2, 10)]
        assert seen[-3:] == sorted(seen[-3:])
    assert len(set(seen)) == 6


async def test_its_figures_say_how_old_what_waits_is_how_long_batches_took_and_what_was_sent_again(autojump_clock):
    sink = Receiver([DeliveryError("down"), DeliveryError("down")], stuck=frozenset("b"), pace={"a": 0.3, "b": 0.3})
    bench = Bench(sink, DeliveryOptions(batch_events=2, concurrency=1), capacity=100)
    times = [AT + timedelta(minutes=minute) for minute in range(4)]
    sent = [attrs.evolve(make(n, key="aabb"[n]), received=times[n]) for n in range(4)]
    seen = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.pipeline.run)
        nursery.start_soon(bench.journal.run)
        assert bench.pipeline.snapshot().waiting_since is None
        bench.journal.admit(sent)
        await trio.sleep(0.1)
        seen.append(bench.pipeline.snapshot())
        await trio.sleep(100)
        seen.append(bench.pipeline.snapshot())
        nursery.cancel_scope.cancel()
    first, last = seen
    assert (first.waiting_since, first.retried, first.batches.count, first.breaker_open) == (times[0], 0, 0, False)
    assert first.held_bytes > last.held_bytes > 0
    assert (last.waiting_since, last.breaker_open, last.lag, last.delivered) == (times[2], True, 2, 2)
    assert last.retried == 2 * (last.batches.count - 2)  # each batch but the first of either
    assert last.batches.seconds == pytest.approx(0.3 * last.batches.count)
