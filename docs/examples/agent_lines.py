"""The state of one agent at several vendors, reduced from neutral events; no clock, no terminal, no network."""

from datetime import UTC, datetime, timedelta

import attrs
from naming import agent_name, caller, payload, printable, queue

from jackfield import Event

SELECTORS = ("agent.*", "offer.*", "contact.*", "call.cleared", "stream.*")
"""The events that the model needs."""

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
    """A waiting caller and the queue, as far as the vendor has named them."""

    caller: str = "unknown caller"
    queue: str = "unknown"


@attrs.define
class Row:
    """The agent at one vendor."""

    state: str = "unknown"
    since: datetime = attrs.field(factory=lambda: datetime.now(UTC))
    online: bool = False
    contact: Contact | None = None
    wrapup: timedelta = timedelta()
    """The time that the vendor allows for wrap-up."""


@attrs.define
class Desktop:
    """The state of one agent, identified by name."""

    agent: str
    rows: dict[str, Row] = attrs.field(factory=dict)
    """By feed."""
    contacts: dict[str, Contact] = attrs.field(factory=dict)
    """The newest ones, by correlation."""
    _ids: set[str] = attrs.field(factory=set)
    """The vendors' ids of the agent."""

    def apply(self, event: Event) -> str:
        """Update the state from one event; returns the changed row's text, or an empty one."""
        data = payload(event)
        row = self.rows.setdefault(event.feed, Row())
        before, contact = attrs.evolve(row), self._learn(event)
        state = STATES.get(event.kind)
        if event.kind in ("stream.subscribed", "stream.disconnected"):
            row.online = bool(data.get("topics"))
        elif event.kind == "stream.gap_suspected":  # the state may have changed in the gap
            row.state, row.contact = "unknown", None
        elif event.kind == "call.cleared" and contact is row.contact and row.state in ("offered", "talking"):
            row.state, row.since, row.contact = "hung up", event.received, None
        elif state is not None and event.parties.agent_id in self._ids:
            row.since = row.since if state == row.state else event.received
            row.state, row.contact = state, (contact or row.contact) if state in WITH_CONTACT else None
            row.wrapup = timedelta(seconds=data.get("wrapup_time", 0))
        return self.text(event.feed, event.received) if row != before else ""

    def _learn(self, event: Event) -> Contact | None:
        """Collect names of agents, callers and queues, which vendors put into different events."""
        if self.agent == agent_name(event) and event.parties.agent_id:
            self._ids.add(event.parties.agent_id)
        if event.correlation is None:
            return None
        contact = self.contacts.setdefault(event.correlation, Contact())
        contact.caller = caller(event) or contact.caller
        if event.parties.queue_name or contact.queue == "unknown":
            contact.queue = queue(event) or contact.queue
        if len(self.contacts) > 1000:
            del self.contacts[next(iter(self.contacts))]
        return contact

    def lines(self, now: datetime) -> list[str]:
        """One line per vendor."""
        return [self.text(feed, now) for feed in sorted(self.rows)]

    def text(self, feed: str, now: datetime) -> str:
        """One row as text, without control characters."""
        row = self.rows[feed]
        seconds = int((now - row.since).total_seconds())
        if row.wrapup:
            seconds = max(0, int(row.wrapup.total_seconds()) - seconds)
        timer = f"{seconds // 60}:{seconds % 60:02}{' left' if row.wrapup else ''}"
        text = f"{feed:<12} {self.agent:<10} {row.state if row.online else 'offline':<10} {timer:<10}"
        if row.contact is not None:
            text += f" {row.contact.caller}, queue {row.contact.queue}"
        return printable(text.rstrip())
