"""Work on the journal's file is done in a thread, and done again until the disk allows it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs
import trio

from jackfield._journal.segments import JournalGone
from jackfield._net.backoff import backoff
from jackfield.errors import JournalError
from jackfield.reports import JournalRecovered, JournalWriteFailed, Report
from jackfield.reports._thinning import is_due

__all__ = ["RetryingWorker"]

T = TypeVar("T")

# Somebody who has made room on a disk should not wait long to see it work.
FIRST_DELAY, MOST_DELAY = 0.2, 5.0


@attrs.define(eq=False)
class RetryingWorker:
    """Runs store calls in a thread, one at a time, with backoff; reports the first failure and each doubling."""

    _report: Callable[[Report], None]
    _rng: random.Random
    _gone: Callable[[JournalGone], Awaitable[object]]
    """Called where the files are not there any more."""
    _turn: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1))

    problem: str = ""
    """Why what is being done again and again did not succeed the last time; empty where it did."""

    @property
    def failing(self) -> bool:
        """Whether it did not succeed the last time."""
        return bool(self.problem)

    async def once(self, work: Callable[[], T]) -> T:
        """Do it; `JournalError` where it cannot be done now."""
        return await trio.to_thread.run_sync(work, limiter=self._turn)

    async def until_done(
        self, work: Callable[[], T], waiting: Callable[[], int], failed: Callable[[], object] = lambda: None
    ) -> T:
        """Do it, again and again until it succeeds; `waiting` says how many events wait for it.

        `failed` is called each time that it does not succeed.
        """
        delays = backoff(self._rng, first=FIRST_DELAY, most=MOST_DELAY)
        began = trio.current_time()
        attempt = 0
        while True:
            attempt += 1
            try:
                result = await self.once(work)
            except JournalError as error:
                self.problem = str(error)
                failed()
                if isinstance(error, JournalGone):
                    await self._gone(error)
                delay = next(delays)
                if is_due(attempt):
                    self._report(JournalWriteFailed(str(error), waiting(), delay))
                await trio.sleep(delay)
            else:
                self.problem = ""
                if attempt > 1:
                    self._report(JournalRecovered(trio.current_time() - began))
                return result
