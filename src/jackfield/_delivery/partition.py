"""A share of one sink's events, delivered one batch after the other, so that their order is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import attrs
import trio

from jackfield._delivery.sink_runner import SinkRunner
from jackfield._net.backoff import backoff
from jackfield.config import DeliveryOptions
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.reports import DeliveryFailed, DeliveryResumed

__all__ = ["Partition"]

DeadLetterCallback = Callable[[int, Event, str, int], None]

# What an event takes beside its payload; a batch's limit in bytes need not be exact.
ENVELOPE = 500


@attrs.define(eq=False)
class Partition:
    """Events of some correlations, in order, on their way to one sink."""

    _runner: SinkRunner
    _options: DeliveryOptions
    _finish: Callable[[list[int]], None]
    """Called with the sequence numbers of events that are done with, in order."""
    _dead_letter: DeadLetterCallback
    """Called with an event that can never be delivered: its number, itself, why, after how many attempts."""
    _queue: deque[tuple[int, Event]] = attrs.field(factory=deque)
    _since: float = 0.0
    """When the first event of the queue came."""
    _limit: int = attrs.field(init=False)
    """How many events the next batch may have: fewer while the one that is refused is searched for."""
    _closed: bool = False
    _news: trio.Event = attrs.field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self._limit = self._options.batch_events

    @property
    def waiting(self) -> Iterable[tuple[int, Event]]:
        """What is not done with, with its numbers."""
        return self._queue

    def put(self, events: Iterable[tuple[int, Event]]) -> None:
        """Some more events, with their numbers."""
        if not self._queue:
            self._since = trio.current_time()
        self._queue.extend(events)
        self._news.set()

    def close(self) -> None:
        """No more will come."""
        self._closed = True
        self._news.set()

    async def run(self) -> None:
        """Deliver until it is closed and empty."""
        while await self._filled():
            await self._deliver()

    async def _filled(self) -> bool:
        """Wait for an event, and for as many as make a batch while there is time; whether there is any."""
        while not self._closed and not self._queue:
            await self._next_news()
        while not self._closed and len(self._queue) < self._limit:
            left = self._since + self._options.batch_seconds - trio.current_time()
            if left <= 0:
                break
            with trio.move_on_after(left):
                await self._next_news()
        return bool(self._queue)

    async def _next_news(self) -> None:
        self._news = trio.Event()
        await self._news.wait()

    def _front(self) -> list[tuple[int, Event]]:
        """The next batch: at least one event, within the limits of number and bytes."""
        batch: list[tuple[int, Event]] = []
        size = 0
        for item in self._queue:
            size += ENVELOPE + len(item[1].data_json or b"")
            if len(batch) == self._limit or (batch and size > self._options.batch_bytes):
                break
            batch.append(item)
        return batch

    async def _deliver(self) -> None:
        """Send what is at the front until its first event is done with."""
        delays = backoff(self._runner.rng)
        attempts = 0
        while True:
            batch = self._front()
            attempts += 1
            failure = await self._runner.attempt([event for _, event in batch])
            if failure is None:
                self._done(len(batch))
                self._limit = min(self._limit * 2, self._options.batch_events)
                if attempts > 1:
                    self._runner.report(DeliveryResumed(self._runner.name, attempts))
                return
            if failure.delivered:
                self._done(failure.delivered)
                return
            if dead := self._undeliverable(failure, len(batch), attempts):
                for number, event in batch[:dead]:
                    self._dead_letter(number, event, failure.reason, attempts)
                self._done(dead)
                return
            if failure.on_error == "dead_letter":
                self._limit = max(1, len(batch) // 2)
                continue
            delay = next(delays)
            held = self._runner.breaker.wait(trio.current_time())
            self._runner.report(DeliveryFailed(self._runner.name, failure.reason, attempts, max(delay, held)))
            await trio.sleep(delay)

    def _undeliverable(self, failure: DeliveryError, count: int, attempts: int) -> int:
        """Number of leading events to dead-letter."""
        if failure.on_error == "dead_letter":
            return min(count, failure.rejected_count or (1 if count == 1 else 0))
        most = self._options.max_attempts
        return count if failure.on_error == "retry" and 0 < most <= attempts else 0

    def _done(self, count: int) -> None:
        self._finish([self._queue.popleft()[0] for _ in range(count)])
        self._since = trio.current_time()
