"""From the journal to one sink, by a pipeline of its own: a slow or dead sink delays no other sink and no feed.

A pipeline reads on from its cursor and deals what is routed to its sink out to partitions, by what joins events:
events of one correlation go to the same partition, which keeps their order, while partitions deliver beside
each other. The cursor follows the first event that is not done with.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import attrs
import trio

from jackfield._delivery.breaker import Breaker
from jackfield._delivery.partition import Partition
from jackfield._delivery.pieces import key_of
from jackfield._delivery.progress import Progress
from jackfield._delivery.sink_runner import FenceOf, SinkRunner
from jackfield._routing.route_spans import RouteSpan, RouteSpans
from jackfield.config import DeliveryOptions
from jackfield.events import Event, Record
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.sink import OpenSink
from jackfield.reports import EventDeadLettered, EventsDropped, Report
from jackfield.reports._counters import SinkCounters
from jackfield.reports._thinning import is_due
from jackfield.reports.stats import SinkStats

__all__ = ["SinkPipeline"]

# Read-ahead limit behind an undeliverable event, in batches for each partition, counted in events and in bytes: what
# is delivered behind that event is sent again after a crash, and what waits is kept in memory.
WINDOW = 10
# Events of a first read; the next reads are as large as what came lets expect.
FIRST_READ = 16
# Failures in a row before a sink is asked by single probes only.
THRESHOLD = 5


class ReadCursor(Protocol):
    """How far a sink has come in what it is to get; a journal's `Cursor`, or a `Replay`."""

    @property
    def committed(self) -> int:
        """The first number that the sink is not done with."""
        ...

    @property
    def lag(self) -> int:
        """How many events the sink is not done with."""
        ...

    @property
    def oldest_at(self) -> datetime | None:
        """When the first of them came, or about then; ``None`` where there is none, or it is not known."""
        ...

    @property
    def durable(self) -> bool:
        """Whether what is not committed comes again at another time."""
        ...

    def position_of(self, number: int) -> str:
        """The position by which the sink knows the event with that number."""
        ...

    async def read(self, most: int) -> tuple[list[Record], int]:
        """The next events with ascending numbers, and how many before them were lost; none at the end."""
        ...

    def commit(self, upcoming: int) -> None:
        """Be done with everything before that number."""
        ...

    def dead_letter(self, seq: int, event: Event, reason: str, attempts: int) -> None:
        """Make an event a dead letter."""
        ...

    def rest(self) -> tuple[list[Record], int]:
        """What was not read and will be lost, with its numbers, and how many before that are lost already."""
        ...


@attrs.define(eq=False)
class SinkPipeline:
    """Moves events from a cursor to a sink."""

    name: str
    _sink: OpenSink
    _cursor: ReadCursor
    selects: RouteSpans
    _options: DeliveryOptions
    _report: Callable[[Report], None]
    _rng: random.Random
    _redact: Redactor = attrs.field(factory=Redactor)
    _fence_of: FenceOf | None = None
    _runner: SinkRunner = attrs.field(init=False)
    _partitions: list[Partition] = attrs.field(init=False)
    _progress: Progress = attrs.field(init=False)
    _moved: trio.Event = attrs.field(factory=trio.Event)
    _reading: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    def __attrs_post_init__(self) -> None:
        breaker = Breaker(THRESHOLD, self._rng)
        self._runner = SinkRunner(
            self.name,
            self._sink,
            self._options.timeout,
            breaker,
            self._report,
            self._rng,
            self._redact,
            self._cursor.position_of,
            self._fence_of,
        )
        self._partitions = [
            Partition(self._runner, self._options, self._finish, self._dead_letter)
            for _ in range(self._options.concurrency)
        ]
        self._progress = Progress(self._cursor.committed)

    def snapshot(self) -> SinkStats:
        """What the sink has got so far."""
        runner = self._runner
        held, is_open = self._held_bytes(), runner.breaker.is_open
        return runner.counters.snapshot(self._cursor.lag, self._waiting_since(), held, breaker_open=is_open)

    async def run(self) -> None:
        """Deliver until the journal is closed and read to its end, or the receiver wants no more."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._end_if_disabled, nursery.cancel_scope)
            async with trio.open_nursery() as delivering:
                for partition in self._partitions:
                    delivering.start_soon(partition.run)
                with self._reading:
                    await self._deal()
                for partition in self._partitions:
                    partition.close()
            nursery.cancel_scope.cancel()

    def stop(self) -> None:
        """Read no more, and let `run` return once what was read is delivered."""
        self._reading.cancel()

    @property
    def counters(self) -> SinkCounters:
        """What it has counted so far; it goes on changing."""
        return self._runner.counters

    def count_on(self, counters: SinkCounters) -> None:
        """Take over the counts of the pipeline in whose place this one is."""
        self._runner.counters = counters
        counters.state = "delivering"

    def is_down(self) -> bool:
        """Whether the sink accepts nothing at the moment."""
        return self._runner.counters.state != "delivering"

    def abandon(self, reason: str) -> None:
        """Account for what will not be delivered any more, after `run` has ended."""
        if not self._cursor.durable:
            rest, gone = self._cursor.rest()
            waiting = self.selects.choose(rest)
            if left := self._progress.in_hand + gone + len(waiting):
                self.drop(left, reason)

    async def forget(self, reason: str) -> None:
        """Account for what the file keeps and the next start will not send, since its route is not configured.

        To be called after `run` has ended; when it is cancelled it reports what it has found until then.
        """
        if not (self._cursor.durable and self.selects.fleeting):
            return
        found = [each for partition in self._partitions for each in partition.waiting]
        left = 0
        try:
            while True:
                left += sum(self.selects.forgets(number, event) for number, event in found)
                found, _ = await self._cursor.read(self._options.batch_events)
                if not found:
                    break
        finally:
            if left:
                self.drop(left, reason)

    def end(self, span: RouteSpan, until: int) -> None:
        """Let a route lead here no more from that event on."""
        self.selects.end(span, until, self._progress.position)

    async def _deal(self) -> None:
        most, average = FIRST_READ, 1
        while True:
            while (room := self._room()) <= 0:
                self._moved = trio.Event()
                await self._moved.wait()
            most = max(1, min(most, room // average, self._options.batch_events))
            records, lost = await self._cursor.read(most)
            if lost:
                durable = self._cursor.durable  # retention has its own report then
                reason = "the journal cannot read them" if durable else "it was too slow, and memory holds no more"
                self.drop(lost, reason)
            if not records:
                return
            if chosen := self.selects.choose(records):
                held = self._held_bytes()
                self._progress.take([number for number, _ in chosen])
                self._share(chosen)
                average = (self._held_bytes() - held) // len(chosen)
            most *= 2
            self._progress.read_to(records[-1].position + 1)
            self._follow()

    def _room(self) -> int:
        """How many bytes more may be read ahead."""
        window = WINDOW * self._options.concurrency
        if self._progress.span >= window * self._options.batch_events:
            return 0
        return window * self._options.batch_bytes - self._held_bytes()

    def _waiting_since(self) -> datetime | None:
        """When the oldest event came that the sink is not done with, which nothing is read for."""
        heads = [head for partition in self._partitions for head in partition.heads]
        return min(heads).event.received if heads else self._cursor.oldest_at

    def _held_bytes(self) -> int:
        return sum([partition.held_bytes for partition in self._partitions])

    def _share(self, records: list[Record]) -> None:
        """Deal events out, those of one correlation to one partition."""
        count = len(self._partitions)
        if count == 1:
            self._partitions[0].put(records)
            return
        shares: list[list[Record]] = [[] for _ in self._partitions]
        for record in records:
            shares[hash(key_of(record.event)) % count].append(record)
        for partition, share in zip(self._partitions, shares, strict=True):
            if share:
                partition.put(share)

    def _finish(self, numbers: list[int]) -> None:
        self._progress.finish(numbers)
        self._follow()

    def _follow(self) -> None:
        self._cursor.commit(self._progress.position)
        self._moved.set()

    async def _end_if_disabled(self, scope: trio.CancelScope) -> None:
        await self._runner.disabled.wait()
        scope.cancel()

    def _dead_letter(self, number: int, event: Event, reason: str, attempts: int) -> None:
        self._cursor.dead_letter(number, event, reason, attempts)
        counters = self._runner.counters
        counters.dead += 1
        if is_due(counters.dead):
            self._report(EventDeadLettered(self.name, reason, attempts, counters.dead))

    def drop(self, count: int, reason: str) -> None:
        """Count a loss, and report it when it is due."""
        counters = self._runner.counters
        counters.dropped += count
        if is_due(counters.dropped, count):
            self._report(EventsDropped(f"sink {self.name}", count, reason, counters.dropped))
