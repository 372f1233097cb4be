"""The rows of the board, and their JSON for the page."""

from __future__ import annotations

from typing import Any

import attrs

from jackfield._dashboard.stages import UNKNOWN, Mark

__all__ = ["Agent", "Call", "Contact", "Feed", "Notice", "Queue", "SinkRow"]


def _since(mark: Mark, seen: float) -> float:
    return seen if mark is UNKNOWN else mark.at


@attrs.frozen
class Feed:
    """One feed; its figures are from the last measurement."""

    provider: str = ""
    state: str = "disconnected"
    since: float = 0.0
    reason: str = ""
    rate: float = 0.0
    events: int = 0
    unreadable: int = 0
    topics: int = 0
    refused: int = 0
    gaps: int = 0
    gap: tuple[float, float, str] | None = None
    """The last gap: since, until, cause."""

    def shown(self) -> dict[str, Any]:
        """JSON for the page."""
        return attrs.asdict(self)


@attrs.frozen
class Call:
    """One call."""

    feed: str
    id: str
    seen: float
    """The time of its earliest known event."""
    mark: Mark = UNKNOWN
    caller: str = ""
    called: str = ""
    contact: str = ""
    """The key of the contact that it belongs to."""

    def shown(self) -> dict[str, Any]:
        """JSON for the page."""
        return {
            "feed": self.feed,
            "id": self.id,
            "caller": self.caller,
            "called": self.called,
            "state": self.mark.state,
            "since": _since(self.mark, self.seen),
            "began": self.seen,
            "over": self.mark.over,
        }


@attrs.frozen
class Contact:
    """One customer's interaction."""

    feed: str
    id: str
    seen: float
    mark: Mark = UNKNOWN
    offer: Mark = UNKNOWN
    """Whether it is offered to an agent, by the latest event about that."""
    left: float = float("-inf")
    """When it last left a queue."""
    caller: str = ""
    queue: str = ""
    """The key of its latest queue."""
    queue_name: str = ""
    agent: str = ""

    @property
    def waits(self) -> bool:
        """Whether it is in a queue now."""
        return self.mark.state == "waiting" and self.left < self.mark.at

    @property
    def state(self) -> str:
        """Its state, in one or two words."""
        if self.mark.state == "waiting" and not self.waits:
            return "left the queue"
        if self.offer.state == "offered" and self.offer.at >= self.mark.at and self.mark.state in _OFFERABLE:
            return "offered"
        return self.mark.state

    def shown(self) -> dict[str, Any]:
        """JSON for the page."""
        return {
            "feed": self.feed,
            "id": self.id,
            "caller": self.caller,
            "queue": self.queue_name or self.queue.partition("/")[2],
            "agent": self.agent,
            "state": self.state,
            "since": _since(self.mark, self.seen),
            "began": self.seen,
            "over": self.mark.over,
        }


_OFFERABLE = frozenset({"unknown", "new", "waiting"})


@attrs.frozen
class Agent:
    """One agent: the state that the agent chose or the vendor reports, and the current activity."""

    feed: str
    id: str
    seen: float
    name: str = ""
    mark: Mark = UNKNOWN
    activity: Mark = UNKNOWN
    note: Mark = UNKNOWN

    def shown(self) -> dict[str, Any]:
        """JSON for the page."""
        busy = self.activity is not UNKNOWN and self.activity.state and self.activity.at >= self.mark.at
        now = self.activity if busy else self.mark
        return {
            "feed": self.feed,
            "id": self.id,
            "name": self.name,
            "state": now.state,
            "since": _since(now, self.seen),
            "note": "" if self.note is UNKNOWN else self.note.state,
        }


@attrs.frozen
class Queue:
    """One queue; counts only contacts whose events were received."""

    feed: str
    id: str
    name: str = ""
    mark: Mark = UNKNOWN
    waiting: int = 0
    oldest: float | None = None
    """Since when the longest-waiting contact waits."""
    answered: int = 0
    abandoned: int = 0

    def shown(self) -> dict[str, Any]:
        """JSON for the page."""
        return attrs.asdict(self, filter=lambda field, _: field.name != "mark") | {
            "state": "open" if self.mark is UNKNOWN else self.mark.state
        }


@attrs.frozen
class SinkRow:
    """One sink; its figures are from the last measurement."""

    state: str = "delivering"
    lag: int = 0
    rate: float = 0.0
    delivered: int = 0
    dropped: int = 0
    dead: int = 0

    def shown(self) -> dict[str, Any]:
        """JSON for the page."""
        return attrs.asdict(self)


@attrs.frozen
class Notice:
    """One report, as text."""

    at: float
    level: str
    text: str

    def shown(self) -> dict[str, Any]:
        """JSON for the page."""
        return attrs.asdict(self)
