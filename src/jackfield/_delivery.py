"""From the journal to one sink: batches, retries, and an account of whatever could not be delivered.

Each sink has a lane, a task of its own with its own cursor, so a slow or dead sink delays no other
sink and no feed.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs
import trio

from jackfield._backoff import backoff
from jackfield._index import SelectorIndex
from jackfield._journal import Cursor
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.reports import DeliveryFailed, DeliveryResumed, EventsDropped, Report
from jackfield.sinks import Batch, OpenSink

__all__ = ["Lane", "SinkStats"]

# Batches of 100 make any HTTP client carry 150,000 events a second, and a write to a file
# six times cheaper than one by one; more gains little and makes a retry repeat more.
BATCH = 100


@attrs.define
class SinkStats:
    """What one sink has got since it was opened."""

    delivered: int = 0
    dropped: int = 0
    """Events that were routed here and lost."""
    failures: int = 0
    """Attempts that failed."""
    lag: int = 0
    """Events in the journal behind this sink's cursor, routed here or not."""


@attrs.define
class Lane:
    """Moves events from a cursor to a sink."""

    name: str
    _sink: OpenSink
    _cursor: Cursor
    selects: SelectorIndex[str]
    _report: Callable[[Report], None]
    _rng: random.Random
    _stats: SinkStats = attrs.field(factory=SinkStats)
    _read: int = 0
    """How many events of the journal are in hand: read, and not done with."""
    _undelivered: int = 0
    """How many of those are routed here and not delivered yet."""

    def snapshot(self) -> SinkStats:
        """What the sink has got so far."""
        return attrs.evolve(self._stats, lag=self._cursor.lag)

    async def run(self) -> None:
        """Deliver until the journal is closed and read to its end."""
        while True:
            events, lost = await self._cursor.read(BATCH)
            if lost:
                self._drop(lost, "it was too slow, and the journal in memory is full")
            if not events:
                return
            wanted = [event for event in events if self.selects.match(event)]
            self._read, self._undelivered = len(events), len(wanted)
            while wanted:
                del wanted[: await self._attempt(wanted)]
                self._undelivered = len(wanted)
            self._cursor.commit(len(events))
            self._read = 0

    def abandon(self, reason: str) -> None:
        """Account for what will not be delivered any more, after `run` was cancelled."""
        waiting = sum(1 for event in self._cursor.rest(self._read) if self.selects.match(event))
        if left := self._undelivered + waiting:
            self._drop(left, reason)

    async def _attempt(self, events: list[Event]) -> int:
        """Deliver with retries; how many events from the front are done with, delivered or given up."""
        delays = backoff(self._rng)
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._sink.write(Batch(tuple(events)))
            except DeliveryError as error:
                failure = error
            except Exception as error:  # noqa: BLE001  # a sink's bug must not end the other sinks
                failure = DeliveryError(f"the sink failed: {type(error).__name__}: {error}")
            else:
                self._stats.delivered += len(events)
                if attempt > 1:
                    self._report(DeliveryResumed(self.name, attempt))
                return len(events)
            self._stats.failures += 1
            self._stats.delivered += failure.delivered
            if failure.delivered:
                return failure.delivered
            if failure.remedy == "refuse":
                refused = failure.refused or 1
                self._drop(refused, failure.reason)
                return refused
            delay = max(next(delays), failure.retry_after or 0.0)
            self._report(DeliveryFailed(self.name, failure.reason, attempt, delay))
            await trio.sleep(delay)

    def _drop(self, count: int, reason: str) -> None:
        """Count a loss, and tell it at each doubling of the total, so as not to flood."""
        stats = self._stats
        stats.dropped += count
        if stats.dropped.bit_length() != (stats.dropped - count).bit_length():
            self._report(EventsDropped(f"sink {self.name}", count, reason, stats.dropped))
