"""`jackfield._delivery`: retries, losses that are counted, one sink's trouble that is its own."""

import random
from datetime import UTC, datetime
from itertools import pairwise

import attrs
import pytest
import trio

from jackfield._delivery import BATCH, Lane
from jackfield._index import SelectorIndex
from jackfield._journal import Journal
from jackfield._stream import stream_event
from jackfield.addresses import Source
from jackfield.errors import DeliveryError
from jackfield.reports import DeliveryFailed, DeliveryResumed, EventsDropped
from jackfield.selectors import Selector

AT = datetime(2026, 1, 1, tzinfo=UTC)


def make(number, word="connected"):
    return stream_event(Source("v", "s", "i"), str(number), word, AT)


def numbers(events):
    return [int(event.feed) for event in events]


@attrs.define
class Scripted:
    """A sink whose next writes end as the script says; then all succeed."""

    script: list = attrs.field(factory=list)
    got: list = attrs.field(factory=list)
    tried_at: list = attrs.field(factory=list)

    async def write(self, batch):
        await trio.lowlevel.checkpoint()
        self.tried_at.append(trio.current_time())
        outcome = self.script.pop(0) if self.script else None
        if isinstance(outcome, DeliveryError):
            self.got += numbers(batch.events[: outcome.delivered])
        if outcome is not None:
            raise outcome
        self.got += numbers(batch.events)


@attrs.define
class Bench:
    """A lane with everything around it."""

    sink: Scripted = attrs.field(factory=Scripted)
    reports: list = attrs.field(factory=list)
    journal: Journal = attrs.field(factory=lambda: Journal(1000))
    select: str = "**"
    lane: Lane = attrs.field(init=False)

    def __attrs_post_init__(self):
        index = SelectorIndex()
        index.add(Selector.parse(self.select), "s")
        self.lane = Lane("s", self.sink, self.journal.cursor(), index, self.reports.append, random.Random(1))

    async def run(self, events, patience=1000.0):
        self.journal.append(events)
        self.journal.close()
        with trio.move_on_after(patience):
            await self.lane.run()
        self.lane.abandon("closed")
        return self.lane.snapshot()


def of(kind, reports):
    return [report for report in reports if isinstance(report, kind)]


async def test_events_arrive_once_in_order_in_batches():
    bench = Bench()
    stats = await bench.run([make(n) for n in range(BATCH + 5)])
    assert bench.sink.got == list(range(BATCH + 5))
    assert len(bench.sink.tried_at) == 2
    assert (stats.delivered, stats.dropped, stats.failures, stats.lag) == (BATCH + 5, 0, 0, 0)


async def test_only_what_is_selected_arrives():
    bench = Bench(select="stream.disconnected")
    await bench.run([make(1), make(2, "disconnected"), make(3)])
    assert bench.sink.got == [2]


async def test_a_failed_batch_is_tried_again_with_growing_pauses_until_it_arrives(autojump_clock):
    bench = Bench(Scripted([DeliveryError("down")] * 6))
    stats = await bench.run([make(1), make(2)])
    assert bench.sink.got == [1, 2]
    assert (stats.delivered, stats.failures, stats.dropped) == (2, 6, 0)
    failed = of(DeliveryFailed, bench.reports)
    assert [each.attempt for each in failed] == [1, 2, 3, 4, 5, 6]
    assert [each.retry_in for each in failed] == pytest.approx(
        [after - before for before, after in pairwise(bench.sink.tried_at)]
    )
    assert all(each.retry_in <= min(2 ** (each.attempt - 1), 30) for each in failed)
    assert of(DeliveryResumed, bench.reports) == [DeliveryResumed("s", 7)]


async def test_the_sinks_own_word_on_when_to_come_again_is_kept(autojump_clock):
    bench = Bench(Scripted([DeliveryError("busy", retry_after=120.0)]))
    await bench.run([make(1)])
    assert bench.sink.tried_at[1] - bench.sink.tried_at[0] == pytest.approx(120)


async def test_what_a_failed_batch_did_deliver_is_not_sent_again(autojump_clock):
    bench = Bench(Scripted([DeliveryError("cut", delivered=2), DeliveryError("cut", delivered=1)]))
    stats = await bench.run([make(n) for n in range(5)])
    assert bench.sink.got == [0, 1, 2, 3, 4]
    assert stats.delivered == 5


async def test_what_can_never_be_delivered_is_dropped_alone_counted_and_told(autojump_clock):
    bench = Bench(Scripted([DeliveryError("no", delivered=1, remedy="refuse"), DeliveryError("no", remedy="refuse")]))
    stats = await bench.run([make(n) for n in range(4)])
    assert bench.sink.got == [0, 2, 3]
    assert (stats.delivered, stats.dropped) == (3, 1)
    assert of(EventsDropped, bench.reports) == [EventsDropped("sink s", 1, "no", 1)]


async def test_a_sinks_bug_is_a_failure_like_another(autojump_clock):
    bench = Bench(Scripted([KeyError("oops")]))
    await bench.run([make(1)])
    assert bench.sink.got == [1]
    assert "the sink failed: KeyError: 'oops'" in str(of(DeliveryFailed, bench.reports)[0])


async def test_what_a_slow_sink_misses_is_counted_and_told():
    bench = Bench(journal=Journal(3))
    stats = await bench.run([make(n) for n in range(10)])
    assert bench.sink.got == [7, 8, 9]
    assert stats.dropped == 7
    (report,) = of(EventsDropped, bench.reports)
    assert report.count == 7 and "too slow" in report.reason


async def test_what_is_left_at_the_end_is_counted_and_told(autojump_clock):
    bench = Bench(
        Scripted([DeliveryError("down", delivered=1), *[DeliveryError("down")] * 99]), select="stream.connected"
    )
    events = [make(n) for n in range(BATCH)] + [make(n) for n in range(3)] + [make(9, "disconnected")]
    stats = await bench.run(events, patience=20.0)
    assert bench.sink.got == [0]
    assert (stats.delivered, stats.dropped) == (1, BATCH - 1 + 3)
    assert of(EventsDropped, bench.reports)[-1].reason == "closed"


async def test_losses_are_told_at_each_doubling_and_counted_each():
    bench = Bench(Scripted([DeliveryError("no", remedy="refuse")] * 10))
    stats = await bench.run([make(n) for n in range(12)])
    assert stats.dropped == 10
    assert [report.total for report in of(EventsDropped, bench.reports)] == [1, 2, 4, 8]
