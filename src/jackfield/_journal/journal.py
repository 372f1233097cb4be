"""The ordered log between feeds and sinks: events go in at once, each sink reads on from its own cursor.

In a folder an event can be read as soon as it is committed, and from then on reaches every sink at least once, whatever
becomes of this process. In memory the oldest events make room for the newest, and a sink that has not read them by then
has lost them, and gets their number. Events that come while one commit is under way make up the next.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import attrs
import trio

from jackfield._journal.committing import Committing
from jackfield._journal.cursor import Cursor
from jackfield._journal.dedup import SeenIds
from jackfield._journal.downtime import Account, AccountNotes
from jackfield._journal.durable import DurableSubscriptions
from jackfield._journal.figures import journal_stats
from jackfield._journal.intake import Intake
from jackfield._journal.log import Batch, Bounds, Log
from jackfield._journal.pending import PendingNotes
from jackfield._journal.receipts import Receipts, Tokens
from jackfield._journal.rescue import Rescue
from jackfield._journal.retention import Limits, Retention, count_loss
from jackfield._journal.retrying import RetryingWorker
from jackfield._journal.segments import JournalGone
from jackfield._journal.store import Store
from jackfield._journal.timelines import events_with_id, timelines_of
from jackfield.errors import JournalError
from jackfield.events import Event, Record
from jackfield.events.record import records_of
from jackfield.reports import JournalCorrupted, JournalRescued, Report
from jackfield.reports.stats import JournalStats
from jackfield.state.timeline import Timeline

__all__ = ["Journal"]


@attrs.define(eq=False)
class Journal:
    """Admits events, commits them, and has a cursor for each sink."""

    _bounds: Bounds
    _store: Store
    _report: Callable[[Report], None]
    _limits: Limits = attrs.field(factory=Limits)
    _rng: random.Random = attrs.field(factory=random.Random)
    _clock: Callable[[], float] = time.time  # the wall clock
    committed: list[Callable[[list[Record]], object]] = attrs.field(factory=list)  # each gets each commit
    durable: DurableSubscriptions = attrs.field(init=False)
    log: Log = attrs.field(init=False)
    _intake: Intake = attrs.field(init=False)
    _committing: Committing = attrs.field(init=False)
    _pending: PendingNotes = attrs.field(init=False)
    _receipts: Receipts = attrs.field(init=False)
    _accounts: AccountNotes = attrs.field(init=False)
    _retention: Retention = attrs.field(init=False)
    _known: dict[str, int] = attrs.field(init=False)  # where sinks stood that have no cursor here
    _cursors: list[Cursor] = attrs.field(factory=list)
    _rescued: Rescue | None = None  # what was saved when the files were found to be gone
    _rescuing: trio.Lock = attrs.field(factory=trio.Lock)
    _running: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _over: bool = False  # whether nothing will be committed any more

    def __attrs_post_init__(self) -> None:
        store, report = self._store, self._report
        appending, saving, reading = (RetryingWorker(report, self._rng, self._rescue) for _ in range(3))
        self.log = Log(self._bounds, store, report, reading, self._needed, store.next)
        self._pending = PendingNotes(store, self._bounds.events, saving, self._clock)
        self.durable = DurableSubscriptions(self._pending, self.log)
        self._known = dict(self._pending.known)
        self._receipts = Receipts(self._pending.acknowledge)
        self._accounts = AccountNotes(self._pending.account)
        seen = SeenIds(self._limits.ids)
        seen.refill(store.newest_keys(self._limits.ids))
        self._intake = Intake(self._bounds, store, self.log, seen, self._receipts, report)
        self._committing = Committing(self._intake, store, appending, self._bounds, self._committed, self._clock)
        self._retention = Retention(store, self._limits, self._pending, self._cursors, report, appending, self._clock)
        for finding in store.findings:
            report(JournalCorrupted(finding))

    def admit(self, events: Sequence[Event], tokens: Tokens | None = None) -> list[Event]:
        """Take events, in order, without waiting; those that are no copies of earlier ones, and were taken.

        What cannot be taken is counted and reported: the newest, when as many as the bounds say wait to be
        committed already; any, when the journal is closed; one that is not valid JSON.
        """
        taken = self._intake.admit(events, self._intake.drop, tokens)
        self._committing.stir()
        return taken

    async def publish(self, events: Sequence[Event], hand_over: Callable[[list[Event]], object] | None = None) -> int:
        """Admit events and wait until they are committed, for callers that confirm them; returns how many were new.

        `hand_over` gets the new ones at once, as what `admit` returns. A copy of an event that was taken before
        counts as taken, and its commit is waited for too. `JournalError` where any was not taken or not committed; the
        others are there, so all may be published again, and what had no room is not counted as dropped.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._check_files()
        intake = self._intake
        dropped = intake.dropped
        no_room: list[str] = []
        taken = intake.admit(events, lambda _count, reason: no_room.append(reason))
        self._committing.stir()
        if hand_over is not None:
            hand_over(taken)
        if lost := intake.dropped - dropped + len(no_room):
            why = f"{no_room[-1]}; try again later" if no_room else intake.dropped_for
            raise JournalError(f"{lost} of {len(events)} events were not taken: {why}")
        with self._committing.urgent():
            end = intake.upcoming
            while self.log.end < end:
                if self._over:
                    raise JournalError("the journal ended before the events were committed; try again later")
                self._check_files()
                await self.log.news()
        return len(taken)

    @property
    def _gone(self) -> bool:
        return self._rescued is not None and self._committing.failing

    async def room(self) -> tuple[int, int]:
        """How many events, and about how many bytes, a source that can wait may bring; waits until it is something."""
        while not all(room := self._intake.room) and not self._over:
            await self.log.news()
        return room

    async def settled(self) -> None:
        """Wait until all that was admitted so far is committed, or will never be."""
        end = self._intake.upcoming
        with self._committing.urgent():
            while self.log.end < end and not self._over:
                await self.log.news()

    def _check_files(self) -> None:
        """Confirm nothing while the files are not there."""
        if self._gone:
            raise JournalError("the journal's files are not there any more; try again later")

    async def _rescue(self, error: JournalGone) -> None:
        """Save what memory holds of a journal that is gone; again for what has come since."""
        async with self._rescuing:  # the files are written by several tasks, and each finds out
            if self._rescued is None:
                self._rescued = Rescue.beside(self._store.path, datetime.fromtimestamp(self._clock(), UTC))
            records, _ = self.log.newest(0)
            events = [record.event for record in records] + self._intake.waiting
            first = self._intake.upcoming - len(events)
            try:
                saved = await trio.to_thread.run_sync(self._rescued.save, first, events)
                if saved:
                    self._report(JournalRescued(str(self._rescued.path), self._rescued.events, str(error)))
            except OSError as problem:
                self._report(JournalRescued(str(self._rescued.path), 0, f"{error}; {problem.strerror}"))
            self.log.wake()

    async def _rescue_rest(self) -> int:
        """Save what waits for files that did not come back; how many of the events that wait are saved."""
        with trio.CancelScope(shield=True):
            await self._rescue(JournalGone("the journal ended while its files were not there"))
        assert self._rescued is not None
        return min(len(self._intake.waiting), max(0, self._rescued.until - self.log.end))

    def cursor(self, name: str) -> Cursor:
        """A sink's place: where it stood, or for a new sink the next event."""
        end = self.log.end
        cursor = Cursor(name, self.log, self._pending, start := min(self._known.get(name, end), end))
        if lost := count_loss(self._store, self._pending, name, start, self._store.trimmed):
            cursor.lost(lost)
        cursor.commit(self._store.trimmed)
        self._cursors.append(cursor)
        self._pending.known[name] = cursor.committed
        self._pending.move(name, cursor.committed)
        return cursor

    def release(self, cursor: Cursor) -> None:
        """Let a sink's place be: another cursor of that name begins where this one is."""
        self._cursors.remove(cursor)
        self._known[cursor.name] = cursor.committed

    def accounts(self) -> Mapping[str, Account]:
        """The account of each feed when the journal was opened."""
        return {feed: Account.of(row) for feed, row in self._store.saved().accounts.items()}

    def note(self, feed: str, account: Account) -> None:
        """Keep a feed's account, once everything that was admitted so far is committed."""
        if self._store.survives:
            self._accounts.expect(feed, account.row(self._intake.upcoming))
            self._accounts.settle(self.log.end)

    def token(self, feed: str) -> str | None:
        """The newest token of a feed whose events are committed; ``None`` where it has none."""
        return (token := self._pending.tokens.get(feed)) and token.text

    @property
    def upcoming(self) -> int:
        """The position that the next event to be taken will get."""
        return self._intake.upcoming

    def copies_of(self, feed: str) -> int:
        """How many events of a feed were copies of others."""
        return self._intake.duplicates[feed]

    @property
    def first(self) -> int:
        """The position of the oldest event that is kept."""
        return self.log.first

    @property
    def end(self) -> int:
        """The position behind the newest committed event."""
        return self.log.end

    async def read(self, position: int, most: int) -> Batch:
        """The committed events at the next `most` positions from there on, as far as there are any."""
        return await self.log.read(position, most)

    async def with_id(self, id: str) -> list[Record]:
        """The events in the files that have this id, of whatever sources, the oldest first."""
        return await trio.to_thread.run_sync(events_with_id, self._store, id)

    async def timelines(self, what: str, most: int) -> list[Timeline]:
        """The newest contacts of a correlation or a number; `JournalError` for a journal in memory."""
        return await trio.to_thread.run_sync(timelines_of, self._store, what, most)

    async def save_checkpoint(self, pieces: Sequence[bytes]) -> None:
        """Save the gateway's state; `JournalError` where the disk refuses it."""
        if self._store.survives:
            await trio.to_thread.run_sync(self._store.save_checkpoint, pieces)

    async def checkpoint(self) -> list[bytes]:
        """The state that was saved, in its pieces; nothing where there is none."""
        return await trio.to_thread.run_sync(self._store.checkpoint) if self._store.survives else []

    @property
    def id(self) -> str:
        """The journal's id: one that is made anew has another."""
        return self._store.journal

    def snapshot(self) -> JournalStats:
        """What happened so far, counted."""
        parts = self._intake, self.log, self._committing, self._retention, self._pending, self._store
        return journal_stats(*parts, 0 if self._rescued is None else self._rescued.events)

    def close(self) -> None:
        """Take no more events: cursors end when they have read what is there and committed."""
        self._intake.closed = True
        if not self._intake.waiting:
            self.log.close()

    def finish(self) -> None:
        """Let `run` save everything and return; to be called when the sinks are done."""
        self.close()
        self._retention.stop()
        self._committing.finish()
        if self._gone:  # what waits is rescued, and not written any more
            self._running.cancel()

    async def run(self) -> None:
        """Commit what comes, and keep the files within their limits, until `finish` is called.

        Whatever the disk refuses is tried again; what is not committed when this is cancelled is lost, counted
        and reported.
        """
        try:
            with self._running:
                await self._run()
        finally:
            self._over = True
            saved = await self._rescue_rest() if self._rescued is not None and self._intake.waiting else 0
            self._intake.abandon("the journal ended before they could be committed", saved)
            self.log.close()

    async def _run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._retention.run)
            nursery.start_soon(self._committing.make_way)
            async with trio.open_nursery() as writing:
                writing.start_soon(self._pending.run)
                await self._committing.run()
                self._pending.finish()
            nursery.cancel_scope.cancel()

    def _committed(self, end: int, events: Sequence[Event]) -> None:
        """These are committed, and `end` is the position behind them."""
        self._receipts.settle(end)
        self._accounts.settle(end)
        if self.committed:
            records = records_of(end - len(events), events)
            for callback in self.committed:
                callback(records)

    def _needed(self) -> int:
        return min((*(each.committed for each in self._cursors), *self.durable.in_memory), default=self.log.end)
