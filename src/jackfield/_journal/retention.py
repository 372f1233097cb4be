"""How long events are kept: the oldest segments are deleted by age and by size, and what sinks lose is counted once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import attrs
import trio

from jackfield._journal.cursor import Cursor
from jackfield._journal.pending import PendingNotes
from jackfield._journal.retrying import RetryingWorker
from jackfield._journal.store import Store
from jackfield.errors import JournalError
from jackfield.reports import EventsDropped, JournalWriteFailed, Report
from jackfield.reports._thinning import is_due

__all__ = ["Limits", "Retention"]

FOREVER = 1e11  # an infinite age is a configuration's way to say so


@attrs.frozen
class Limits:
    """What may be kept."""

    seconds: float = 7 * 86_400.0
    """Events younger than that; older ones as long as a sink has not passed them."""
    bytes: int = 1_000_000_000
    """Maximum size of stored events, read or not."""
    dead_bytes: int = 100_000_000
    """So much of dead letters."""
    ids: int = 100_000
    """So many of the newest ids."""
    every: float = 1.0
    """Seconds between one trim and the next."""


@attrs.define(eq=False)
class Retention:
    """Keeps a store within limits, and accounts for what was deleted unread."""

    _store: Store
    limits: Limits
    _pending: PendingNotes
    _cursors: Sequence[Cursor]
    _report: Callable[[Report], None]
    _worker: RetryingWorker
    _clock: Callable[[], float] = time.time
    unread: int = 0
    """Events that were deleted before every sink had read them."""
    _dead: int = 0
    _failures: int = 0

    async def run(self) -> None:
        """Trim every so often, and make indexes beside that, without end."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._repeat, self._keep_limits)
            nursery.start_soon(self._repeat, self._maintain)

    async def _keep_limits(self) -> None:
        await self._worker.until_done(self._store.verify, lambda: 0)
        await self.trim()

    async def _maintain(self) -> None:
        await trio.to_thread.run_sync(_maintain, self._store)  # neither a commit nor a trim waits for it

    async def _repeat(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await trio.sleep(self.limits.every)
            try:
                await work()
                self._failures = 0
            except JournalError as error:
                self._failures += 1
                if is_due(self._failures):
                    reason = f"old events cannot be deleted or indexed: {error}"
                    self._report(JournalWriteFailed(reason, 0, self.limits.every))

    def stop(self) -> None:
        """Count what sinks lose with this process: deleted events that memory has held for them."""
        for cursor in self._cursors:
            cursor.stop(self._store.trimmed)

    async def trim(self) -> None:
        """Trim once."""
        limits = self.limits
        await self.trim_to(self._clock() - min(limits.seconds, FOREVER), limits.bytes)
        for sink, count in (await self._worker.once(partial(self._store.trim_dead, limits.dead_bytes))).items():
            self._dead += count
            if is_due(self._dead, count):
                reason = f"there is more than retain_dead_bytes = {limits.dead_bytes} of them"
                self._report(EventsDropped(f"dead letters of sink {sink}", count, reason, self._dead))

    async def trim_to(self, keep_after: float, keep_bytes: int) -> None:
        """Delete the oldest events that were received before that moment, or are more than that size."""
        # A crash forgets what a sink has passed and is not saved.
        floor = min(self._pending.known.values(), default=self._store.next)
        cut = partial(self._store.cut, keep_after=keep_after, keep_bytes=keep_bytes, floor=floor)
        position = await self._worker.once(cut)
        self._account(max(position, self._store.trimmed))  # memory may have held what was deleted before, till now
        if position > self._store.trimmed:
            await self._pending.flush()  # so that no crash makes a loss of what a sink has accepted
            await self._worker.once(partial(self._store.delete_before, position))

    def _account(self, first: int) -> None:
        """Events before `first` are about to be deleted: count them for each sink that has not read them."""
        losses = [cursor.lose(first) for cursor in self._cursors]
        for sink in self._pending.known.keys() - {cursor.name for cursor in self._cursors}:
            losses.append(count_loss(self._store, self._pending, sink, self._pending.known[sink], first))
            if losses[-1]:
                self._pending.move(sink, first)
                reason = "retention deleted them, and the sink is not configured: 'jackfield journal forget-sink'"
                self._report(EventsDropped(f"sink {sink}", losses[-1], reason, self._pending.losses[sink].down))
        if lost := max(losses, default=0):
            self.unread += lost
            if is_due(self.unread, lost):
                reason = "the journal has reached retain_bytes before every sink had read them"
                self._report(EventsDropped("journal", lost, reason, self.unread))


def _maintain(store: Store) -> None:
    for _ in store.maintain():
        time.sleep(0)  # lets a thread go on that waits for the interpreter


def count_loss(store: Store, pending: PendingNotes, sink: str, position: int, first: int) -> int:
    """Count what a sink that did not run has lost, as far as it is not counted already; how many events it is."""
    ahead = pending.losses[sink].ahead if sink in pending.losses else 0
    lost = max(0, store.count(position, first) - ahead)
    if lost or ahead:
        pending.lose(sink, lost, slow=False)
    return lost
