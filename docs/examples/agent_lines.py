"""One agent at several vendors, as the neutral events tell it; no clock, no terminal, no network."""

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
from naming import agent_id, agent_name, caller, payload, printable, queue

from jackfield import Event

SELECTORS = ("agent.*", "offer.*", "contact.*", "call.cleared", "stream.*")
"""What there is to listen to."""

STATES = {
    "agent.logged_on": "logged on",
    "agent.ready": "ready",
    "agent.not_ready": "away",
    "agent.reserved": "offered",
    "agent.busy": "talking",
    "agent.wrapup_started": "wrap-up",
    "agent.wrapup_ended": "done",
    "agent.logged_off": "logged off",
    "offer.created": "offered",
    "offer.rejected": "declined",
    "offer.rescinded": "missed",
    "contact.connected": "talking",
    "contact.disconnected": "hung up",
}
WITH_CONTACT = ("offered", "talking", "hung up", "wrap-up")


@attrs.define
class Contact:
    """Who waits, and where, as far as the vendor has said."""

    caller: str = "unknown caller"
    queue: str = "unknown"


@attrs.define
class Line:
    """The agent at one vendor."""

    state: str = "unknown"
    since: datetime = attrs.field(factory=lambda: datetime.now(UTC))
    online: bool = False
    contact: Contact | None = None
    wrapup: timedelta = timedelta()
    """How long the vendor allows for the work after a contact."""


@attrs.define
class Desktop:
    """What the events say of one agent, who is known by name; no clock, no terminal."""

    agent: str
    at: dict[str, Line] = attrs.field(factory=dict)
    """By feed."""
    contacts: dict[str, Contact] = attrs.field(factory=dict)
    """The newest ones, by correlation."""
    _ids: set[str] = attrs.field(factory=set)
    """What the vendors call the agent."""

    def apply(self, event: Event) -> str:
        """Take one event into account; the line that it has changed, or nothing."""
        data = payload(event)
        line = self.at.setdefault(event.feed, Line())
        before, contact = attrs.evolve(line), self._learn(event, data)
        state = STATES.get(event.kind)
        if event.kind in ("stream.subscribed", "stream.disconnected"):
            line.online = bool(data.get("topics"))
        elif event.kind == "stream.gap_suspected":  # nobody can know what has happened meanwhile
            line.state, line.contact = "unknown", None
        elif event.kind == "call.cleared" and contact is line.contact and line.state in ("offered", "talking"):
            line.state, line.since, line.contact = "hung up", event.received, None
        elif state is not None and agent_id(data) in self._ids:
            line.since = line.since if state == line.state else event.received
            line.state, line.contact = state, (contact or line.contact) if state in WITH_CONTACT else None
            line.wrapup = timedelta(seconds=data.get("wrapup_time", 0))
        return self.text(event.feed, event.received) if line != before else ""

    def _learn(self, event: Event, data: dict[str, Any]) -> Contact | None:
        """Who is who: vendors name agents, callers and queues here and there."""
        if self.agent == agent_name(data) and agent_id(data):
            self._ids.add(agent_id(data))
        if event.correlation is None:
            return None
        contact = self.contacts.setdefault(event.correlation, Contact())
        contact.caller = caller(data) or contact.caller
        if "queue_name" in data or contact.queue == "unknown":
            contact.queue = queue(data) or contact.queue
        if len(self.contacts) > 1000:
            del self.contacts[next(iter(self.contacts))]
        return contact

    def lines(self, now: datetime) -> list[str]:
        """A line for each vendor."""
        return [self.text(feed, now) for feed in sorted(self.at)]

    def text(self, feed: str, now: datetime) -> str:
        """One line, readable, with no control character that a vendor may have put in."""
        line = self.at[feed]
        seconds = int((now - line.since).total_seconds())
        if line.wrapup:
            seconds = max(0, int(line.wrapup.total_seconds()) - seconds)
        timer = f"{seconds // 60}:{seconds % 60:02}{' left' if line.wrapup else ''}"
        text = f"{feed:<12} {self.agent:<10} {line.state if line.online else 'offline':<10} {timer:<10}"
        if line.contact is not None:
            text += f" {line.contact.caller}, queue {line.contact.queue}"
        return printable(text.rstrip())
