"""What the simulated platform publishes: one event, and what the two event writers share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import attrs

__all__ = ["LINE", "Clock", "Published", "phone_number", "same_id"]

LINE = "+15550199000"


@attrs.frozen
class Published:
    """One event as the server publishes it."""

    event_type: str
    topics: tuple[str, ...]
    """The topics that it is published under, the customer's first."""
    timestamp: str
    data: dict[str, Any]
    resource: str = ""
    """Under which resource REST lists it; empty where it does not."""
    queue: dict[str, Any] | None = None
    """The queue of a queuecall, which the event itself does not name."""


@attrs.define
class Clock:
    """Moments of changes: no two are the same, so that each state of a resource has one of its own.

    A change is dated when it is published, since REST knows of it from then on; what is published one by one is not of
    one moment.
    """

    _now: Callable[[], datetime]
    last: datetime | None = None

    def moment(self, at: datetime) -> datetime:
        """This moment or now, if that is later, or the next one after the last."""
        at = max(at, self._now())
        if self.last is not None and at <= self.last:
            at = self.last + timedelta(microseconds=1)
        self.last = at
        return at


def same_id(seed: int, customer_id: str, what: str, number: int | str) -> str:
    """The same UUID for the same thing on every run of the same seed."""
    digest = hashlib.sha256(f"{seed}/{customer_id}/{what}/{number}".encode()).digest()
    return str(UUID(bytes=digest[:16], version=4))


def phone_number(number: int) -> str:
    """Somebody's, in E.164."""
    return f"+1555{number % 10_000_000:07d}"
