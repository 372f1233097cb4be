"""The rows of the board, and their JSON for the page."""

from __future__ import annotations

from typing import Any

import attrs

from jackfield._dashboard.labels import clip, state_of
from jackfield.state import Agent, Call, Contact, Queue, Totals

__all__ = ["AgentRow", "CallRow", "ContactRow", "Feed", "Notice", "QueueRow", "SinkRow"]


@attrs.frozen
class _Row:
    """A row whose JSON is its fields."""

    def shown(self) -> dict[str, Any]:
        """JSON for the page."""
        return attrs.asdict(self)


@attrs.frozen
class Feed(_Row):
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
    stale: float | None = None
    """Since when what belongs to it is stale, while it is down."""
    doubt: float | None = None
    """What had its last event before this moment is unconfirmed."""


@attrs.frozen
class CallRow(_Row):
    """One call."""

    feed: str
    id: str
    caller: str
    called: str
    state: str
    since: float
    began: float
    seen: float
    over: bool

    @classmethod
    def of(cls, call: Call) -> CallRow:
        """The row of a call."""
        return cls(
            clip(call.feed),
            clip(call.id),
            clip(call.caller_name or call.caller),
            clip(call.callee_name or call.callee),
            state_of(call),
            call.since.timestamp(),
            call.began.timestamp(),
            call.seen.timestamp(),
            call.over,
        )


@attrs.frozen
class ContactRow(_Row):
    """One customer's interaction."""

    feed: str
    id: str
    caller: str
    queue: str
    agent: str
    state: str
    since: float
    began: float
    seen: float
    over: bool

    @classmethod
    def of(cls, contact: Contact, caller: str, queue: str, agent: str) -> ContactRow:
        """The row of a contact; the names are those that others have said, where it has none itself."""
        return cls(
            clip(contact.feed),
            clip(contact.id),
            clip(contact.caller_name or contact.caller or caller),
            clip(contact.queue_name or queue or contact.queue.partition("/")[2]),
            clip(contact.agent_name or agent or contact.agent.partition("/")[2]),
            state_of(contact, contact=True),
            contact.since.timestamp(),
            contact.began.timestamp(),
            contact.seen.timestamp(),
            contact.over,
        )


@attrs.frozen
class AgentRow(_Row):
    """One agent."""

    feed: str
    id: str
    name: str
    state: str
    since: float
    seen: float
    note: str

    @classmethod
    def of(cls, agent: Agent) -> AgentRow:
        """The row of an agent."""
        note = "paused in a queue" if agent.paused else ""
        texts = (clip(agent.feed), clip(agent.id), clip(agent.name), state_of(agent))
        return cls(*texts, agent.since.timestamp(), agent.seen.timestamp(), note)


@attrs.frozen
class QueueRow(_Row):
    """One queue."""

    feed: str
    id: str
    name: str
    state: str
    waiting: int
    oldest: float | None
    """Since when the longest-waiting contact waits."""
    answered: int
    """Today, as `abandoned`."""
    abandoned: int

    @classmethod
    def of(cls, queue: Queue, totals: Totals) -> QueueRow:
        """The row of a queue."""
        state = "open" if queue.state == "unknown" else state_of(queue)
        oldest = None if queue.waiting_since is None else queue.waiting_since.timestamp()
        texts = (clip(queue.feed), clip(queue.id), clip(queue.name), state)
        return cls(*texts, queue.waiting, oldest, totals.answered, totals.abandoned)


@attrs.frozen
class SinkRow(_Row):
    """One sink; its figures are from the last measurement."""

    state: str = "delivering"
    lag: int = 0
    rate: float = 0.0
    delivered: int = 0
    dropped: int = 0
    dead: int = 0


@attrs.frozen
class Notice(_Row):
    """One report, as text."""

    at: float
    level: str
    text: str
