"""The ordered log between feeds and sinks: events go in at once, each sink reads on from its own cursor.

This is the one seam between receiving and delivering. With a store an event can be read as soon as
it is committed, and from then on reaches every sink at least once, whatever becomes of this process.
Without one the log lives in memory: the oldest events make room for the newest, and whoever has
not read them by then has lost them, and gets their number.

Admitting an event never waits. Events that come while one commit is under way make up the next, so
the groups grow as the load does.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from types import MappingProxyType

import attrs
import trio

from jackfield._journal.cursor import Cursor, DeadLetter, PendingWrites
from jackfield._journal.dedup import SeenIds, key_of
from jackfield._journal.log import Log
from jackfield._journal.retention import Limits, Retention
from jackfield._journal.retrying import RetryingWorker
from jackfield._journal.store import Store
from jackfield._journal.store.records import Row
from jackfield.errors import JournalError
from jackfield.events import Event
from jackfield.reports import EventsDropped, JournalCorrupted, Report
from jackfield.reports._thinning import is_due
from jackfield.reports.stats import JournalStats

__all__ = ["Journal"]

# Groups are cut here so that those who wait for a commit do not wait for all that came after them.
GROUP = 2000
# What share of the buffer may wait before the writing thread comes first, and for how long it does: so many
# slices of so many seconds for each commit, since a disk that hangs must not hold up everything else.
CROWDED = 1 / 10
SLICES, SLICE_SECONDS = 50, 0.002
# How long a sink's progress may stay unsaved while no event takes it along.
SAVE_SECONDS = 0.25


@attrs.define(eq=False)
class Journal:
    """Admits events, commits them, and has a cursor for each sink."""

    _capacity: int
    """How many events may wait to be committed, and how many of the newest are kept in memory."""
    _store: Store | None
    _report: Callable[[Report], None]
    _limits: Limits = attrs.field(factory=Limits)
    _rng: random.Random = attrs.field(factory=random.Random)
    _clock: Callable[[], float] = time.time
    """The wall clock."""
    _log: Log = attrs.field(init=False)
    _pending: PendingWrites = attrs.field(init=False)
    _writing: RetryingWorker = attrs.field(init=False)
    _retention: Retention | None = None
    _window: SeenIds = attrs.field(init=False)
    _known: dict[str, int] = attrs.field(factory=dict)
    """Where sinks stood when the journal was opened."""
    _cursors: list[Cursor] = attrs.field(factory=list)
    _waiting: deque[tuple[Event, Row]] = attrs.field(factory=deque)
    _stirred: trio.Event = attrs.field(factory=trio.Event)
    _crowded: trio.Event = attrs.field(factory=trio.Event)
    _slices: int = 0
    """Remaining GIL yields for the running commit."""
    _closed: bool = False
    _finishing: bool = False
    _over: bool = False
    """Whether nothing will be committed any more."""
    _taken: int = 0
    _duplicates: int = 0
    _dropped: int = 0

    def __attrs_post_init__(self) -> None:
        store = self._store
        self._writing = RetryingWorker(self._report, self._rng)
        self._log = Log(self._capacity, store, self._report, RetryingWorker(self._report, self._rng), self._needed)
        self._pending = PendingWrites(self._capacity, store is not None, self._report, self._stir, self._clock)
        self._window = SeenIds(self._limits.ids)
        if store is not None:
            self._log.end = store.next_seq
            self._known = store.cursors()
            self._window.refill(store.recent_keys(self._limits.ids))
            self._retention = Retention(store, self._limits, self._floor, self._report, self._writing, self._clock)
            for finding in store.findings:
                self._report(JournalCorrupted(finding))

    def admit(self, events: Sequence[Event]) -> list[Event]:
        """Take events, in order, without waiting; those that are no copies of earlier ones, and were taken.

        What cannot be taken is counted and reported: the newest, when as many as the capacity says wait to be
        committed already; any, when the journal is closed; one that is not valid JSON.
        """
        return self._admit(events, self._drop)

    def _admit(self, events: Sequence[Event], drop: Callable[[int, str], object]) -> list[Event]:
        """The same, where `drop` is called with how many have no room, and why."""
        taken: list[Event] = []
        window, store, waiting = self._window, self._store, self._waiting
        at = received = None  # one read's events have the same moment, and often the same object for it
        for event in events:
            key = key_of(event)
            if key in window:
                self._duplicates += 1
            elif self._closed:
                drop(1, "the journal is closed")
            elif store is None:
                window.add(key, 0)
                taken.append(event)
            elif len(waiting) >= self._capacity:
                drop(1, f"{self._capacity} events wait for the journal's file, and more have no room")
            elif (body := self._encode(event)) is not None:
                if event.received is not at or received is None:
                    at = event.received
                    received = int(at.timestamp() * 1_000_000)
                window.add(key, self._log.end + len(waiting))
                waiting.append((event, Row(key, body, received)))
                taken.append(event)
        if taken:
            self._taken += len(taken)
            if store is None:
                self._log.extend(taken)
                window.forget(self._log.end)
            else:
                self._stirred.set()
                if len(self._waiting) >= self._capacity * CROWDED:
                    self._crowded.set()
        return taken

    async def publish(self, events: Sequence[Event], hand_over: Callable[[list[Event]], object] | None = None) -> int:
        """Admit events and wait until they are committed, for callers that confirm them; returns how many were new.

        `hand_over` gets the new ones at once, as what `admit` returns. A copy of an event that was taken before
        counts as taken, and its commit is waited for too. `JournalError` where any was not taken or not
        committed; the others are there, so all may be published again, and what had no room is not
        counted as dropped.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        dropped = self._dropped
        no_room: list[str] = []
        taken = self._admit(events, lambda _count, reason: no_room.append(reason))
        if hand_over is not None:
            hand_over(taken)
        if lost := self._dropped - dropped + len(no_room):
            raise JournalError(f"{lost} of {len(events)} events were not taken; try again later")
        end = self._log.end + len(self._waiting)
        while self._log.end < end:
            if self._over:
                raise JournalError("the journal ended before the events were committed; try again later")
            await self._log.news()
        return len(taken)

    def cursor(self, name: str) -> Cursor:
        """A sink's place: where it stood, or for a new sink the next event."""
        end = self._log.end
        cursor = Cursor(name, self._log, self._pending, min(self._known.get(name, end), end))
        self._cursors.append(cursor)
        self._pending.known[name] = cursor.committed
        self._pending.move(name, cursor.committed)
        return cursor

    @property
    def upcoming(self) -> int:
        """The number that the next event to be taken will get."""
        return self._log.end + len(self._waiting)

    @property
    def dead(self) -> tuple[DeadLetter, ...]:
        """The dead letters of a journal in memory; with a store, they are there."""
        return tuple(self._pending.dead)

    def snapshot(self) -> JournalStats:
        """What happened so far, counted."""
        return JournalStats(
            taken=self._taken,
            duplicates=self._duplicates,
            dropped=self._dropped,
            waiting=len(self._waiting),
            kept=self._log.end - self._log.first,
            damaged=self._log.damaged,
            unread=self._retention.unread if self._retention else 0,
            dead_lettered=MappingProxyType(dict(self._pending.dead_lettered)),
        )

    def close(self) -> None:
        """Take no more events: cursors end when they have read what is there, once that is committed."""
        self._closed = True
        if not self._waiting:
            self._log.close()

    def finish(self) -> None:
        """Let `run` save everything and return; to be called when the sinks are done."""
        self.close()
        self._finishing = True
        self._stir()

    async def run(self) -> None:
        """Commit what comes, and keep the file within its limits, until `finish` is called.

        Whatever the disk refuses is tried again; what is not committed when this is cancelled is lost, counted
        and reported.
        """
        try:
            async with trio.open_nursery() as nursery:
                if self._retention is not None:
                    nursery.start_soon(self._retention.run)
                    nursery.start_soon(self._make_way)
                await self._commit_all()
                nursery.cancel_scope.cancel()
        finally:
            self._over = True
            if self._waiting:
                self._drop(len(self._waiting), "the journal ended before they could be committed")
                self._waiting.clear()
            self._log.close()

    async def _commit_all(self) -> None:
        pending = self._pending
        while not (self._finishing and not self._waiting and not pending.cursors and not pending.dead_rows):
            if not self._waiting and not self._finishing:
                if pending.cursors or pending.dead_rows:
                    with trio.move_on_after(SAVE_SECONDS):
                        while not self._waiting and not self._finishing:
                            await self._news()
                else:
                    await self._news()
                    continue
            await self._commit_group()

    async def _commit_group(self) -> None:
        assert self._store is not None  # without one, nothing ever waits
        group = list(islice(self._waiting, GROUP))
        cursors, dead_rows = dict(self._pending.cursors), list(self._pending.dead_rows)
        work = partial(self._store.commit, [row for _, row in group], cursors, dead_rows)
        self._slices = SLICES
        await self._writing.until_done(work, lambda: len(self._waiting))
        self._slices = 0
        for _ in group:
            self._waiting.popleft()
        self._pending.saved(cursors, dead_rows)
        if group:
            self._log.extend([event for event, _ in group])
            self._window.forget(self._log.end)
        if self._closed and not self._waiting:
            self._log.close()

    async def _make_way(self) -> None:
        """Let the writing thread have the interpreter, in turn with everything else, when much waits for it.

        A thread that calls a database gives Python's lock away at each call, and a busy trio thread then keeps it
        for 5 ms each time: without this, the busier the feeds are the slower the journal would become.
        """
        while True:
            await self._crowded.wait()
            while self._slices and len(self._waiting) >= self._capacity * CROWDED and not self._writing.failing:
                self._slices -= 1
                _give_way()
                await trio.lowlevel.checkpoint()
            self._crowded = trio.Event()

    async def _news(self) -> None:
        self._stirred = trio.Event()
        await self._stirred.wait()

    def _stir(self) -> None:
        self._stirred.set()

    def _needed(self) -> int:
        return min((cursor.committed for cursor in self._cursors), default=self._log.end)

    def _floor(self) -> int:
        return min(self._pending.known.values(), default=self._log.end)

    def _encode(self, event: Event) -> bytes | None:
        try:
            return event.to_json()
        except Exception as error:  # noqa: BLE001  # a provider's own objects may fail in any way
            self._drop(1, f"event {event.id!r} of feed {event.feed} is not valid JSON: {type(error).__name__}: {error}")
            return None

    def _drop(self, count: int, reason: str) -> None:
        """Count a loss, and report it when it is due."""
        self._dropped += count
        if is_due(self._dropped, count):
            self._report(EventsDropped("journal", count, reason, self._dropped))


def _give_way() -> None:
    time.sleep(SLICE_SECONDS)
