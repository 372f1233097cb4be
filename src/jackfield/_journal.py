"""The ordered log between feeds and sinks: events go in at once, each sink reads on from its own cursor.

This is the one seam between receiving and delivering. The log here lives in memory and is bounded:
the oldest events make room for the newest, whoever has not read them by then has lost them, and is
told how many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

import attrs
import trio

from jackfield.events import Event

__all__ = ["Cursor", "Journal"]


@attrs.define
class Journal:
    """Events with sequence numbers that count from 0."""

    _capacity: int
    _events: deque[Event] = attrs.field(factory=deque)
    _end: int = 0
    """The sequence number that the next event gets."""
    _news: trio.Event = attrs.field(factory=trio.Event)
    _closed: bool = False

    def append(self, events: Sequence[Event]) -> None:
        """Take events, in order, without waiting."""
        self._events.extend(events)
        self._end += len(events)
        for _ in range(len(self._events) - self._capacity):
            self._events.popleft()
        self._wake()

    def close(self) -> None:
        """Nothing more will come: cursors end when they have read what is there."""
        self._closed = True
        self._wake()

    def cursor(self) -> Cursor:
        """A reader that starts with the next event."""
        return Cursor(self, self._end)

    def _wake(self) -> None:
        self._news.set()
        self._news = trio.Event()


@attrs.define
class Cursor:
    """How far one sink has come."""

    _journal: Journal
    _next: int

    @property
    def lag(self) -> int:
        """How many events wait to be read."""
        return self._journal._end - self._next

    async def read(self, most: int) -> tuple[list[Event], int]:
        """The next events, at least one, and how many before them were lost; none at the end.

        What was read stays the reader's duty: call `commit` when it is delivered or given up.
        """
        journal = self._journal
        while self.lag == 0:
            if journal._closed:
                return [], 0
            await journal._news.wait()
        first = journal._end - len(journal._events)
        lost = max(0, first - self._next)
        self._next += lost
        start = self._next - first
        return list(islice(journal._events, start, start + most)), lost

    def rest(self, skip: int) -> list[Event]:
        """What is left behind the next `skip` events; for the account of a reader that gives up."""
        journal = self._journal
        first = journal._end - len(journal._events)
        return list(islice(journal._events, max(0, self._next + skip - first), None))

    def commit(self, count: int) -> None:
        """Move on behind so many of the events that were read."""
        self._next += count
