"""How long events are kept: the journal's file is cut back by age and by size, a little at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import attrs
import trio

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
    _limits: Limits
    _floor: Callable[[], int]
    """The number that every sink has passed, as far as the file knows: a crash forgets what it does not."""
    _report: Callable[[Report], None]
    _worker: RetryingWorker
    _clock: Callable[[], float] = time.time
    unread: int = 0
    """Events that were deleted before every sink had passed them."""
    dead: int = 0
    """Dead letters that were deleted."""
    _failures: int = 0

    async def run(self) -> None:
        """Trim every so often, without end."""
        while True:
            await trio.sleep(self._limits.every)
            try:
                while await self._trim():
                    pass
                self._failures = 0
            except JournalError as error:
                self._failures += 1
                if is_due(self._failures):
                    reason = f"old events cannot be deleted: {error}"
                    self._report(JournalWriteFailed(reason, 0, self._limits.every))

    async def _trim(self) -> bool:
        limits = self._limits
        work = partial(
            self._store.trim,
            keep_after=int((self._clock() - min(limits.seconds, FOREVER)) * 1_000_000),
            keep_bytes=limits.bytes,
            keep_keys=limits.ids,
            floor_seq=self._floor(),
        )
        trimmed = await self._worker.once(work)
        if trimmed.unread:
            reason = f"the file has reached retain_bytes = {limits.bytes} before every sink had passed them"
            self.unread = self._lose("journal", trimmed.unread, reason, self.unread)
        gone = await self._worker.once(partial(self._store.trim_dead, limits.dead_bytes))
        for sink, count in gone.items():
            reason = f"there is more than retain_dead_bytes = {limits.dead_bytes} of them"
            self.dead = self._lose(f"dead letters of sink {sink}", count, reason, self.dead)
        return trimmed.more or bool(gone)

    def _lose(self, where: str, count: int, reason: str, before: int) -> int:
        """Report a loss at each doubling of the total; the new total."""
        total = before + count
        if is_due(total, count):
            self._report(EventsDropped(where, count, reason, total))
        return total
