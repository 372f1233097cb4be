"""What the simulated platform publishes: one event, and what its writers share."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import attrs

from jackfield.simulation.day import Day
from jackfield.simulation.scenario import Message, ScenarioEvent

__all__ = ["AGENT_STATUS", "LINE", "Clock", "Published", "Writer", "addresses_of", "phone_number"]

LINE = "+15550199000"
AGENT_STATUS = {
    "agent_logged_on": "away",
    "agent_ready": "available",
    "agent_away": "away",
    "external_call_started": "busy",
    "external_call_ended": "available",
}
"""What an agent's status is after what happens to it."""


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


def phone_number(number: int) -> str:
    """Somebody's, in E.164."""
    return f"+1555{number % 10_000_000:07d}"


def addresses_of(message: Message) -> tuple[dict[str, str], dict[str, str]]:
    """The customer's address, and ours."""
    number = phone_number(sum(message.customer.encode()))
    return {"type": "tel", "target": number}, {"type": "tel", "target": LINE}


@attrs.define
class Writer(ABC):
    """Writes a contact centre's day in words of the platform's."""

    seed: int
    customer_id: str
    _now: Callable[[], datetime]
    clock: Clock = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.clock = Clock(self._now)

    def day(self, happenings: Iterable[ScenarioEvent | None] | None = None) -> Iterator[Published | None]:
        """Everything that happens, without end; ``None`` where nothing is due yet."""
        for happening in Day(self.seed, self._now) if happenings is None else happenings:
            if happening is None:
                yield None
            else:
                yield from self.write(happening)

    @abstractmethod
    def write(self, happening: ScenarioEvent) -> Iterator[Published]:
        """What one happening has the platform publish."""

    def id_of(self, what: str, number: int | str) -> str:
        """The same UUID for the same thing on every run of the same seed."""
        digest = hashlib.sha256(f"{self.seed}/{self.customer_id}/{what}/{number}".encode()).digest()
        return str(UUID(bytes=digest[:16], version=4))
