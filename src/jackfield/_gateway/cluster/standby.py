"""Copies of events that another member writes, kept until they are known to be written; pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import attrs

from jackfield._feed.recorder import Committed
from jackfield.events import Event

__all__ = ["OVERLAP_SECONDS", "Copies", "StandbyBuffer"]

# Two connections bring a vendor's events in slightly different order: what came so shortly before the newest event that
# is known to be written may not be written yet.
OVERLAP_SECONDS = 5.0
# An event as objects, beside its texts.
EVENT_BYTES = 2500


class Copies(NamedTuple):
    """The events of one read."""

    number: int
    at: float
    size: int
    events: list[Event]
    tokens: Mapping[str, str]
    committed: Committed | None


def _size(events: Sequence[Event]) -> int:
    return sum(EVENT_BYTES + len(event.data_json or b"") + len(event.raw) for event in events)


@attrs.define(eq=False)
class StandbyBuffer:
    """Bounded by bytes and by seconds; what does not fit is dropped, the oldest first, counted, and a hole."""

    _most_bytes: int
    _most_seconds: float
    _held: deque[Copies] = attrs.field(factory=deque)
    _numbers: dict[str, int] = attrs.field(factory=dict)
    """In which copies each event is."""
    _next: int = 0
    ages: bool = True
    """Whether what is older than so many seconds is dropped; not while it is being written."""
    _written: int = -1
    """Everything up to the copies with this number is written."""
    bytes: int = 0
    dropped: int = 0
    """Events that were dropped although they may not have been written."""
    on_drop: Callable[[int], object] = lambda _: None
    """Called with their number when that is worth a report."""

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._held

    @property
    def oldest_at(self) -> datetime | None:
        """When the oldest came."""
        return self._held[0].events[0].received if self._held else None

    def put(
        self, events: list[Event], tokens: Mapping[str, str], committed: Committed | None, now: float
    ) -> tuple[datetime, datetime] | None:
        """Keep some more; between which moments events were dropped for them, if any were."""
        copies = Copies(self._next, now, _size(events), events, tokens, committed)
        self._next += 1
        self._held.append(copies)
        self.bytes += copies.size
        for event in events:
            self._numbers[event.id] = copies.number
        since: datetime | None = None
        until: datetime | None = None
        oldest = now - self._most_seconds if self.ages else -math.inf
        while self._held and (self.bytes > self._most_bytes or self._held[0].at < oldest):
            gone = self._pop()
            if gone.number > self._written:
                before, self.dropped = self.dropped, self.dropped + len(gone.events)
                if before.bit_length() != self.dropped.bit_length():
                    self.on_drop(self.dropped)
                since, until = since or gone.events[0].received, gone.events[-1].received
        return None if since is None or until is None else (since, until)

    def written(self, newest: str) -> None:
        """Everything before this event is written, as far as another member has got it in the same order."""
        number = self._numbers.get(newest)
        if number is None:
            return
        self._written = max(self._written, number)
        at = next(each.at for each in self._held if each.number == number)
        while self._held and self._held[0].at < at - OVERLAP_SECONDS:
            self._pop()

    def take(self, events: float = math.inf, size: float = math.inf) -> list[Copies]:
        """The oldest, in order, as many as have room; one at least, where there are any."""
        taken: list[Copies] = []
        while self._held:
            events -= len(self._held[0].events)
            size -= self._held[0].size
            if taken and (events < 0 or size < 0):
                break
            taken.append(self._pop())
        return taken

    def _pop(self) -> Copies:
        copies = self._held.popleft()
        self.bytes -= copies.size
        for event in copies.events:
            if self._numbers.get(event.id) == copies.number:
                del self._numbers[event.id]
        return copies
