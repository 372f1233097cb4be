"""When a connection last brought anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import attrs
import trio

__all__ = ["Activity", "wall_clock"]


def wall_clock() -> datetime:
    """The moment, for connections that are given no clock."""
    return datetime.now(UTC)


@attrs.define
class Activity:
    """The last byte that came, of whatever kind."""

    _now: Callable[[], datetime]
    last_received: float = attrs.field(factory=trio.current_time)
    """By trio's clock."""
    last_received_at: datetime = attrs.Factory(lambda self: self._now(), takes_self=True)
    """By the wall clock as it was then."""
    _next: trio.Event | None = None

    def note(self) -> None:
        """Something has come."""
        self.last_received = trio.current_time()
        self.last_received_at = self._now()
        if self._next is not None:
            self._next.set()
            self._next = None

    def next(self) -> trio.Event:
        """An event that is set when the next byte comes."""
        self._next = self._next or trio.Event()
        return self._next

    def silence(self) -> float:
        """Seconds since the last byte came."""
        return trio.current_time() - self.last_received
