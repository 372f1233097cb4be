"""The newest events, one row each, and those of them that a viewer with a selector has not seen yet."""

from __future__ import annotations

from collections import deque

import attrs

from jackfield._dashboard.labels import address_of, clip
from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.selectors import Selector

__all__ = ["KEPT", "EventRow", "News", "Tail"]

KEPT = 2000
"""Number of kept events, without their payloads, which may be of any size and hold customers' words."""


@attrs.frozen
class EventRow:
    """One event as the page shows it."""

    serial: int
    at: float
    """When it happened, in seconds since the epoch; when it was received, if the vendor does not say."""
    feed: str
    kind: str
    address: Address
    origin: str


@attrs.frozen
class News:
    """The events that a viewer has not seen yet."""

    rows: list[EventRow]
    """Oldest first."""
    hidden: int
    """Number of events left out: matching ones above the limit, and all that have left the ring."""


@attrs.define(eq=False)
class Tail:
    """A ring of the newest events."""

    last: int = 0
    """The serial number of the newest event."""
    _ring: deque[EventRow] = attrs.field(factory=lambda: deque(maxlen=KEPT))

    def add(self, event: Event) -> None:
        """Append an event."""
        self.last += 1
        at = (event.time or event.received).timestamp()
        self._ring.append(
            EventRow(self.last, at, clip(event.feed), clip(event.kind), address_of(event), event.origin),
        )

    def news(self, selector: Selector, after: int, most: int) -> News:
        """The newest matching events after a serial number, at most `most` of them."""
        rows: list[EventRow] = []
        hidden = max(0, self.last - len(self._ring) - after)
        for row in reversed(self._ring):
            if row.serial <= after:
                break
            if selector.matches(row):
                if len(rows) < most:
                    rows.append(row)
                else:
                    hidden += 1
        return News(rows[::-1], hidden)

    def history(self, selector: Selector, most: int) -> News:
        """The newest matching events for a new viewer; none counts as hidden."""
        return News(self.news(selector, 0, most).rows, 0)
