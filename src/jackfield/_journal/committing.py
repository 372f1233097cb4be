"""The one task that writes events: group after group, the larger the busier it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import attrs
import trio

from jackfield._journal.intake import Intake
from jackfield._journal.log import Bounds
from jackfield._journal.retrying import RetryingWorker
from jackfield._journal.store import Store
from jackfield.events import Event
from jackfield.reports.latency import LatencyCounter

__all__ = ["Committing"]

# While events are that frequent, a group waits for the next ones, as long as no caller waits for its commit.
PAUSE_SECONDS = 0.010
# What share of the bounds may wait before the writing thread comes first, and for how long it does: so many
# slices of so many seconds for each commit, since a disk that hangs must not hold up everything else.
CROWDED = 1 / 10
SLICES, SLICE_SECONDS = 50, 0.002


@attrs.define(eq=False)
class Committing:
    """Commits what waits in an intake."""

    _intake: Intake
    _store: Store
    _worker: RetryingWorker
    _bounds: Bounds
    _committed: Callable[[int, Sequence[Event]], None]
    """Called with the position behind a group, and its events."""
    _clock: Callable[[], float]
    """The wall clock."""
    _stirred: trio.Event = attrs.field(factory=trio.Event)
    _crowded: trio.Event = attrs.field(factory=trio.Event)
    _urgent: int = 0
    """How many callers wait for a commit."""
    _hurry: trio.Event = attrs.field(factory=trio.Event)
    _slices: int = 0
    """Remaining GIL yields for the running commit."""
    _finishing: bool = False
    latency: LatencyCounter = attrs.field(factory=LatencyCounter)
    """Of each commit."""

    def stir(self) -> None:
        """There may be something to commit."""
        if not self._intake.waiting:
            return
        if self._store.instant:
            self._commit_now()
            return
        self._stirred.set()
        if len(self._intake.waiting) >= self._bounds.events * CROWDED:
            self._crowded.set()
            self._hurry.set()

    @property
    def failing(self) -> bool:
        """Whether the last attempt to write did not succeed."""
        return self._worker.failing

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """Somebody waits for the next commit."""
        self._urgent += 1
        self._hurry.set()
        try:
            yield
        finally:
            self._urgent -= 1

    def finish(self) -> None:
        """Let `run` return when everything is committed."""
        self._finishing = True
        self._stirred.set()
        self._hurry.set()

    async def run(self) -> None:
        """Commit what comes until `finish` is called."""
        last = -1.0
        while True:
            while not self._intake.waiting and not self._finishing:
                self._stirred = trio.Event()
                await self._stirred.wait()
            if not self._intake.waiting:
                return
            await self._gather(last + PAUSE_SECONDS - trio.current_time())
            await self._commit_group()
            last = trio.current_time()

    async def _gather(self, seconds: float) -> None:
        """Wait for more, unless somebody waits for the commit or much is there already."""
        if seconds <= 0 or self._urgent or self._finishing:
            return
        self._hurry = trio.Event()
        if len(self._intake.waiting) < self._bounds.events * CROWDED:
            with trio.move_on_after(seconds):
                await self._hurry.wait()

    async def _commit_group(self) -> None:
        group = self._intake.group()
        at = int(self._clock() * 1_000_000)
        append = partial(self._store.append, group.lines, group.received, at, (group.events, group.keys))
        self._slices, began = SLICES, trio.current_time()
        await self._worker.until_done(append, lambda: len(self._intake.waiting))
        self._slices = 0
        self.latency.observe(trio.current_time() - began)
        self._intake.committed(group)
        self._committed(self._store.next, group.events)

    def _commit_now(self) -> None:
        while self._intake.waiting:
            group = self._intake.group()
            self._store.append(group.lines, group.received, 0)
            self.latency.observe(0.0)
            self._intake.committed(group)
            self._committed(self._store.next, group.events)

    async def make_way(self) -> None:
        """Let the writing thread have the interpreter, in turn with everything else, when much waits for it.

        A thread that writes gives Python's lock away at each call, and a busy trio thread then keeps it
        for 5 ms each time: without this, the busier the feeds are the slower the journal would become.
        """
        while True:
            await self._crowded.wait()
            many = self._bounds.events * CROWDED
            while self._slices and len(self._intake.waiting) >= many and not self._worker.failing:
                self._slices -= 1
                _give_way()
                await trio.lowlevel.checkpoint()
            self._crowded = trio.Event()


def _give_way() -> None:
    time.sleep(SLICE_SECONDS)
