"""What is committed, as sinks read it: the newest events from memory, older ones from the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import attrs
import trio

from jackfield._journal.retrying import RetryingWorker
from jackfield._journal.store import Store
from jackfield.errors import EventError
from jackfield.events import Event, Record
from jackfield.reports import JournalCorrupted, Report
from jackfield.reports._thinning import is_due

__all__ = ["Batch", "Log"]


# So much more than the capacity may be in memory before the oldest are let go, all at once.
SLACK = 1.25


@attrs.frozen
class Batch:
    """Some records in order."""

    records: list[Record]
    next: int
    """Where to read on."""
    lost: int
    """How many before that are not there any more."""
    problem: str = ""
    """Why the last of those that were lost could not be read; empty where they were only deleted."""
    damaged: int = 0
    """How many of the lost were not deleted but could not be read."""


@attrs.define(eq=False)
class Log:
    """Committed events by sequence number: a ring of `capacity` events in memory, or the store."""

    _capacity: int
    _store: Store | None
    _report: Callable[[Report], None]
    _worker: RetryingWorker
    _needed: Callable[[], int]
    """The number of the first event that some sink is not done with; the end where all are, or there is none."""
    end: int = 1
    """The number that the next event gets."""
    closed: bool = False
    """Whether nothing more will come."""
    damaged: int = 0
    """How often an event could not be read that should have been there."""
    _newest: list[Event] = attrs.field(factory=list)
    """In order; a few more than the capacity, so that they need not be moved for each that goes."""
    _news: trio.Event = attrs.field(factory=trio.Event)

    @property
    def first(self) -> int:
        """The number of the oldest event that can be read."""
        return self._oldest if self._store is None else self._store.first_seq

    @property
    def _oldest(self) -> int:
        return self.end - min(len(self._newest), self._capacity)

    @property
    def durable(self) -> bool:
        """Whether what is not read yet can still be read after a restart."""
        return self._store is not None

    def extend(self, events: Sequence[Event]) -> None:
        """Make events readable."""
        self._newest.extend(events)
        self.end += len(events)
        kept = len(self._newest)
        if kept > self._capacity * SLACK:
            del self._newest[: -self._capacity]
        # What nobody will read is let go while it is still in the processor's cache.
        elif (passed := self._needed() - self.end + kept) * 2 >= kept > 0:
            del self._newest[:passed]
        self.wake()

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
        batch = self._in_memory(position, self._capacity)
        return batch.records, batch.lost

    async def read(self, position: int, most: int) -> Batch:
        """The events at the next `most` numbers from there on, as far as there are any."""
        in_memory = self._oldest
        if self._store is None or position >= in_memory or self._store.first_seq >= in_memory:
            return self._in_memory(position, most)
        work = partial(_load, self._store, position, min(most, in_memory - position))
        batch = await self._worker.until_done(work, lambda: self.end - position)
        if batch.damaged:
            self.damaged += batch.damaged
            if is_due(self.damaged, batch.damaged):
                self._report(JournalCorrupted(batch.problem, self.damaged))
        return batch

    def _in_memory(self, position: int, most: int) -> Batch:
        start = max(position, self._oldest)
        stop = max(start, min(start + most, self.end))
        shift = len(self._newest) - self.end
        events = self._newest[start + shift : stop + shift]
        return Batch(list(map(Record, range(start, stop), events)), stop, start - position)


def _load(store: Store, position: int, most: int) -> Batch:
    """Read and decode; in a thread."""
    page = store.read(position, most)
    damaged = len(page.damaged)
    problem = f"event {page.damaged[-1]} is not what was written" if damaged else ""
    records = []
    for seq, _, body in page.rows:
        try:
            records.append(Record(seq, Event.from_cloudevent(body)))
        except EventError as error:
            damaged += 1
            problem = f"event {seq} cannot be read: {error}"
    return Batch(records, page.next, page.trimmed + damaged, problem, damaged)
