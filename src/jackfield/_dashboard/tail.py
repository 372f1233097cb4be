"""The newest events, one line each, and what of them a viewer with a selector has not seen yet."""

from __future__ import annotations

from collections import deque

import attrs

from jackfield._dashboard.labels import address_of, clip
from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.selectors import Selector

__all__ = ["KEPT", "Line", "News", "Tail"]

KEPT = 2000
"""Events that are kept, without their payloads: those may be of any size, and say what customers wrote."""


@attrs.frozen
class Line:
    """What is shown of one event."""

    serial: int
    at: float
    """When it happened, in seconds of the epoch; when it came, where the vendor does not say."""
    feed: str
    kind: str
    address: Address
    origin: str


@attrs.frozen
class News:
    """What a viewer has not seen yet."""

    lines: list[Line]
    """Oldest first."""
    hidden: int
    """Events that are left out: of those that match, the ones too many; and all that nobody can look at any more."""


@attrs.define(eq=False)
class Tail:
    """A ring of lines."""

    last: int = 0
    """The serial number of the newest."""
    _ring: deque[Line] = attrs.field(factory=lambda: deque(maxlen=KEPT))

    def add(self, event: Event) -> None:
        """Take an event."""
        self.last += 1
        at = (event.time or event.received).timestamp()
        self._ring.append(
            Line(self.last, at, clip(event.feed), clip(event.kind), address_of(event), event.origin),
        )

    def news(self, selector: Selector, after: int, most: int) -> News:
        """The newest events after a serial number that the selector matches, at most so many."""
        lines: list[Line] = []
        hidden = max(0, self.last - len(self._ring) - after)
        for line in reversed(self._ring):
            if line.serial <= after:
                break
            if selector.matches(line):
                if len(lines) < most:
                    lines.append(line)
                else:
                    hidden += 1
        return News(lines[::-1], hidden)

    def history(self, selector: Selector, most: int) -> News:
        """The newest events that the selector matches, for who has just come: nothing counts as left out."""
        return News(self.news(selector, 0, most).lines, 0)
