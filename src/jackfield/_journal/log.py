"""What is committed, as sinks read it: the newest events from memory, older ones from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

import attrs
import trio

from jackfield._journal.retrying import RetryingWorker
from jackfield._journal.store import Store
from jackfield.errors import EventError
from jackfield.events import Event, Record
from jackfield.events.record import records_of
from jackfield.reports import JournalCorrupted, Report
from jackfield.reports._thinning import is_due

__all__ = ["Batch", "Bounds", "Log"]


# So much more than the capacity may be in memory before the oldest are let go, all at once.
SLACK = 1.25
# An event is in memory as the frame that came, as its payload's text, as objects, and as the line that sinks write.
COPIES = 4


@attrs.frozen
class Bounds:
    """What may be in memory, of what waits to be committed and of what is committed each."""

    events: int
    bytes: int = 256_000_000
    """Of memory, about."""

    @property
    def json(self) -> int:
        """How many bytes the events' JSON may have."""
        return self.bytes // COPIES


@attrs.frozen
class Batch:
    """Some records in order."""

    records: list[Record]
    next: int
    """Where to read on."""
    deleted: int = 0
    """How many before that are not kept any more."""
    lost: int = 0
    """How many should be there and could not be read."""
    problem: str = ""
    """Why the last of the lost could not be read."""


@attrs.define(eq=False)
class Log:
    """Committed events by position: the newest in memory, the others in the store."""

    _bounds: Bounds
    _store: Store
    _report: Callable[[Report], None]
    _worker: RetryingWorker
    _needed: Callable[[], int]
    """The position of the first event that some sink is not done with; the end where all are, or there is none."""
    end: int = 1
    """The position that the next event gets."""
    closed: bool = False
    """Whether nothing more will come."""
    damaged: int = 0
    """How often an event could not be read that should have been there."""
    _newest: list[Event] = attrs.field(factory=list)
    """In order; a few more than the bounds allow, so that they need not be moved for each that goes."""
    _sizes: list[int] = attrs.field(factory=list)
    _bytes: int = 0
    _news: trio.Event = attrs.field(factory=trio.Event)

    @property
    def journal(self) -> str:
        """The journal's id."""
        return self._store.journal

    @property
    def first(self) -> int:
        """The position of the oldest event that can be read."""
        return min(self._store.first, self.oldest)

    @property
    def oldest(self) -> int:
        """The position of the oldest event in memory."""
        return self.end - min(len(self._newest), self._bounds.events)

    @property
    def durable(self) -> bool:
        """Whether what is not read yet can still be read after a restart."""
        return self._store.survives

    def count(self, start: int, stop: int) -> int:
        """How many of the positions from `start` to before `stop` events have or had."""
        return self._store.count(start, stop)

    def knows(self, position: int) -> bool:
        """Whether that can be the position up to which a reader has everything.

        It is not in a journal that was set back: not committed yet, or among those that were skipped. The last one of
        these is where a reader stands that has read all before them.
        """
        return position < self.end and self.count(position, position + 2) > 0

    def received_at(self, position: int) -> datetime | None:
        """When the event at a position came; of one that is not in memory, when the oldest of its file did."""
        position = max(position, self.first)
        if position >= self.end:
            return None
        if position >= self.oldest:
            return self._newest[position - self.end].received
        at = self._store.received_at(position)
        return None if at is None else datetime.fromtimestamp(at / 1_000_000, UTC)

    def extend(self, events: Sequence[Event], sizes: Sequence[int]) -> None:
        """Make events readable; `sizes` are those of their JSON."""
        self._newest.extend(events)
        self._sizes.extend(sizes)
        self._bytes += sum(sizes)
        self.end += len(events)
        kept = len(self._newest)
        if kept > self._bounds.events * SLACK:
            self._let_go(kept - self._bounds.events)
        # What nobody will read is let go while it is still in the processor's cache.
        elif (passed := self._needed() - self.end + kept) * 2 >= kept > 0:
            self._let_go(passed)
        if self._bytes > (most := self._bounds.json) * SLACK:
            count, left = 0, self._bytes
            while left > most and count < len(self._sizes) - 1:
                left -= self._sizes[count]
                count += 1
            self._let_go(count)
        self.wake()

    def _let_go(self, count: int) -> None:
        self._bytes -= sum(self._sizes[:count])
        del self._newest[:count], self._sizes[:count]

    def close(self) -> None:
        """Nothing more will come."""
        self.closed = True
        self.wake()

    def wake(self) -> None:
        """Wake all readers that wait for news."""
        self._news.set()
        self._news = trio.Event()

    async def news(self) -> None:
        """Wait until there is more to read, or it is closed."""
        await self._news.wait()

    def newest(self, position: int) -> tuple[list[Record], int]:
        """The records from there on that are in memory, and how many are not there any more."""
        batch = self._in_memory(position, self._bounds.events)
        return batch.records, batch.deleted

    async def read(self, position: int, most: int) -> Batch:
        """The events at the next `most` positions from there on, as far as there are any."""
        in_memory = self.oldest
        if position >= in_memory or self._store.first >= in_memory:
            return self._in_memory(position, most)
        work = partial(_load, self._store, position, min(most, in_memory - position))
        batch = await self._worker.until_done(work, lambda: self.count(position, self.end))
        if batch.lost:
            self.damaged += batch.lost
            if is_due(self.damaged, batch.lost):
                self._report(JournalCorrupted(batch.problem, self.damaged))
        return batch

    def _in_memory(self, position: int, most: int) -> Batch:
        start = max(position, self.oldest)
        stop = max(start, min(start + most, self.end))
        shift = len(self._newest) - self.end
        events = self._newest[start + shift : stop + shift]
        return Batch(records_of(start, events), stop, self._store.count(position, start))


def _load(store: Store, position: int, most: int) -> Batch:
    """Read and decode; in a thread."""
    page = store.read(position, most)
    lost = page.lost
    problem = page.problem
    records = []
    for line in page.lines:
        try:
            records.append(Record(line.position, Event.from_cloudevent(line.body)))
        except EventError as error:
            lost += 1
            problem = f"event {line.position} cannot be read: {error}"
    return Batch(records, page.next, page.deleted, lost, problem)
