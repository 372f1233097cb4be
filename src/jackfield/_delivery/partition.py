"""A share of one sink's events, delivered one batch after the other, so that their order is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import attrs
import trio

from jackfield._delivery.failure import Failure
from jackfield._delivery.pieces import Piece, Pieces, key_of
from jackfield._delivery.sink_runner import SinkRunner
from jackfield._net.backoff import backoff
from jackfield.config import DeliveryOptions
from jackfield.events import Event, Record
from jackfield.reports import DeliveryFailed, DeliveryResumed

__all__ = ["Partition", "size_of"]

DeadLetterCallback = Callable[[int, Event, str, int], None]

# What an event needs beside its payload; a batch's limit in bytes need not be exact.
ENVELOPE = 500


def size_of(records: Sequence[Record]) -> int:
    """About how many bytes events have, in a batch and in memory."""
    payloads = [event.to_json() if event.data_json is None else event.data_json for _, event in records]
    return ENVELOPE * len(records) + sum(map(len, payloads))


@attrs.define(eq=False)
class Partition:
    """Events of some correlations, in order, on their way to one sink."""

    _runner: SinkRunner
    _options: DeliveryOptions
    _finish: Callable[[list[int]], None]
    """Called with the sequence numbers of events that are done with."""
    _dead_letter: DeadLetterCallback
    """Called with an event that can never be delivered: its number, itself, why, after how many attempts."""
    _queue: deque[Record] = attrs.field(factory=deque)
    _queued_bytes: int = 0
    held_bytes: int = 0
    """About how much of memory the events need that are not done with."""
    _since: float = 0.0
    """When the first event of the queue came."""
    _pieces: Pieces = attrs.field(factory=Pieces)
    _fruitless: int = 0
    """Attempts since the last progress."""
    _failures: int = 0
    """Failed attempts since the last that delivered everything."""
    _delays: Iterator[float] = attrs.field(init=False)
    _closed: bool = False
    _news: trio.Event = attrs.field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self._delays = backoff(self._runner.rng)

    @property
    def waiting(self) -> Iterable[Record]:
        """What is not done with, with its numbers."""
        yield from self._pieces
        yield from self._queue

    @property
    def heads(self) -> Iterable[Record]:
        """Some of what is not done with, the oldest among them."""
        yield from self._pieces.heads
        yield from islice(self._queue, 1)

    def put(self, events: Sequence[Record]) -> None:
        """Some more events, with their numbers."""
        if not self._queue:
            self._since = trio.current_time()
        self._queue.extend(events)
        more = size_of(events)
        self._queued_bytes += more
        self.held_bytes += more
        self._news.set()

    def close(self) -> None:
        """No more will come."""
        self._closed = True
        self._news.set()

    async def run(self) -> None:
        """Deliver until it is closed and empty."""
        while await self._filled():
            await self._runner.admitted()
            self._settle_suspects()
            if self._runner.suspicion.paused:
                self._pieces.retry_suspects()
                await self._send(self._pieces.probe())
            else:
                await self._send(self._pieces.front())

    async def _filled(self) -> bool:
        """Wait until there is a batch to send; whether there is any."""
        if self._pieces.suspects and not self._pieces and not self._queue:
            await self._wait_with_suspects()
        if self._pieces:
            return True
        while not self._closed and not self._queue:
            await self._next_news()
        while not self._closed and not self._is_full():
            left = self._since + self._options.batch_seconds - trio.current_time()
            if left <= 0:
                break
            with trio.move_on_after(left):
                await self._next_news()
        if self._queue:
            self._pieces.add(*self._cut())
        return bool(self._pieces)

    async def _wait_with_suspects(self) -> None:
        """Another event may show what is at fault; where none comes, ask again."""
        self._news = trio.Event()
        with trio.move_on_after(next(self._delays)):
            await self._news.wait()
        self._settle_suspects()
        if not self._queue:
            self._pieces.retry_suspects()

    async def _next_news(self) -> None:
        self._news = trio.Event()
        await self._news.wait()

    def _is_full(self) -> bool:
        return len(self._queue) >= self._options.batch_events or self._queued_bytes >= self._options.batch_bytes

    def _cut(self) -> tuple[list[Record], int]:
        """The next batch: at least one event, within the limits of number and bytes; and its size."""
        if len(self._queue) <= self._options.batch_events and self._queued_bytes <= self._options.batch_bytes:
            batch, size = list(self._queue), self._queued_bytes
            self._queue.clear()
        else:
            batch, size = [], 0
            while self._queue and len(batch) < self._options.batch_events:
                more = size_of([self._queue[0]])
                if batch and size + more > self._options.batch_bytes:
                    break
                size += more
                batch.append(self._queue.popleft())
        self._queued_bytes -= size
        self._since = trio.current_time()
        return batch, size

    async def _send(self, piece: Piece) -> None:
        """Send a piece once, and decide about what did not arrive."""
        records = list(piece.records)
        gone: set[int] = set()

        def arrived(indexes: list[int]) -> None:
            self._fruitless = 0
            if len(indexes) == len(records):
                piece.records = []
                self._done(records, piece.size)
                return
            gone.update(indexes)
            self._done([records[index] for index in indexes])

        piece.attempts += 1
        self._fruitless += 1
        try:
            failure = await self._runner.attempt(records, piece.attempts, arrived)
        finally:
            piece.remove(gone)
        if not self._fruitless:
            self._delays = backoff(self._runner.rng)
        delay = 0.0
        if failure is not None:
            self._failures += 1
            if piece.records:
                delay = self._decide(piece, failure, _rejected(records, failure, gone))
        elif self._failures:
            self._runner.report(DeliveryResumed(self._runner.name, self._failures + 1))
            self._failures = 0
        self._pieces.drop_empty(piece)
        if delay:
            await trio.sleep(delay)

    def _decide(self, piece: Piece, failure: Failure, rejected: list[int] | None) -> float:
        """Do what a failure asks for; for how many seconds nothing is sent then."""
        runner, name = self._runner, self._runner.name
        if failure.on_error == "dead_letter" and not failure.endpoint_suspected:
            self._reject(piece, failure, rejected)
            return 0.0
        if failure.on_error == "dead_letter":
            concerned = piece.records if rejected is None else [piece.records[index] for index in rejected]
            verdict = runner.suspect([key_of(event) for _, event in concerned], failure.reason)
            if verdict == "event":
                self._settle_suspects(everything=True)
                self._reject(piece, failure, rejected)
            elif verdict == "endpoint":
                self._pieces.retry_suspects()
            elif rejected is None:
                self._pieces.split(piece)
            else:
                attempts, successes = piece.attempts, runner.suspicion.successes
                self._pieces.suspect(piece.remove(rejected), attempts, failure.reason, successes)
                if runner.suspicion.row == 1:
                    runner.report(DeliveryFailed(name, failure.reason, attempts, runner.breaker.wait(0.0)))
            return 0.0
        most = self._options.max_attempts
        if failure.on_error == "retry" and 0 < most <= self._fruitless:
            self._reject(piece, failure, list(range(len(piece.records))))
            self._fruitless = 0
            return 0.0
        delay = next(self._delays)
        held = runner.breaker.wait(trio.current_time())
        runner.report(DeliveryFailed(name, failure.reason, piece.attempts, max(delay, held)))
        return delay

    def _reject(self, piece: Piece, failure: Failure, rejected: list[int] | None) -> None:
        """Make the rejected events dead letters, or search for them."""
        if not rejected and len(piece.records) > 1:
            self._pieces.split(piece)
        else:
            self._give_up(piece.remove(rejected or [0]), piece.attempts, failure.reason)

    def _settle_suspects(self, *, everything: bool = False) -> None:
        successes = self._runner.suspicion.successes
        for record, attempts, reason in self._pieces.settled_suspects(successes + everything):
            self._give_up([record], attempts, reason)

    def _give_up(self, records: list[Record], attempts: int, reason: str) -> None:
        for number, event in records:
            self._dead_letter(number, event, reason, attempts)
        self._done(records)

    def _done(self, records: list[Record], size: int = 0) -> None:
        self.held_bytes -= size or size_of(records)
        self._finish([number for number, _ in records])


def _rejected(records: list[Record], failure: Failure, gone: set[int]) -> list[int] | None:
    """The indexes of the rejected events among those of `records` that are left."""
    if failure.rejected is None:
        return None
    left = [index for index in range(len(records)) if index not in gone]
    return [place for place, index in enumerate(left) if index in failure.rejected]
