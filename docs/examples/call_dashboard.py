"""A board of the current calls, contacts and agents of every vendor.

    python docs/examples/call_dashboard.py --demo            between simulated vendors
    python docs/examples/call_dashboard.py gateway.toml      with your feeds; see docs/how-to/call-dashboard.md

A terminal is redrawn twice a second; otherwise, and with --plain, one line is printed per change.
"""

import argparse
from collections.abc import Iterator
from datetime import datetime, timedelta

import attrs
from agent_lines import STATES as AGENT_STATES
from naming import agent_name, caller, payload, printable, queue
from terminal import arguments, run

from jackfield import Event

SELECTORS = ("call.*", "contact.*", "offer.*", "agent.*", "stream.*")
STATES = {
    "call.initiated": "new",
    "call.originated": "dialling",
    "call.alerting": "ringing",
    "call.connected": "connected",
    "contact.created": "new",
    "contact.queued": "waiting",
    "offer.created": "offered",
    "contact.connected": "talking",
}
LATER = {
    "offer.rejected": "waiting",
    "offer.rescinded": "waiting",
    "contact.abandoned": "gave up",
    "contact.disconnected": "hung up",
    "call.clearing": "hanging up",
}
"""States of existing rows; these events make no new row, since they may come after the end."""
CALL_OVER = ("call.cleared", "call.failed")
UNSURE = timedelta(minutes=10)
"""How long a row stays without an event after a gap."""


@attrs.define
class Row:
    """A call, a contact, or both if the vendor has both; or an agent."""

    feed: str
    since: datetime
    name: str = ""
    state: str = ""
    queue: str = ""
    agent: str = ""
    calls: set[str] = attrs.field(factory=set)
    """The ids of its current calls."""

    def become(self, state: str, at: datetime) -> None:
        """Change the state; `since` changes only if the state does."""
        if state != self.state:
            self.state, self.since = state, at

    def text(self, now: datetime) -> str:
        """The row as one line of text."""
        seconds = max(0, int((now - self.since).total_seconds()))
        line = (
            f"{self.feed:<12} {self.state:<10} {seconds // 60:>3}:{seconds % 60:02}  {self.name:<28} {self.queue:<10}"
        )
        return printable(f"{line} {self.agent}".rstrip())


@attrs.define
class Board:
    """The state reduced from events; no clock, no terminal."""

    feeds: dict[str, bool] = attrs.field(factory=dict)
    """Whether each feed is connected."""
    rows: dict[tuple[str, str], Row] = attrs.field(factory=dict)
    """Calls and contacts, by feed and correlation."""
    agents: dict[tuple[str, str], Row] = attrs.field(factory=dict)
    """By feed and the vendor's id."""
    queues: dict[tuple[str, str], str] = attrs.field(factory=dict)
    """Names by feed and the vendor's id, since not every event has the name."""

    def apply(self, event: Event) -> str:
        """Update the state from one event; returns the changed rows' text, or an empty one."""
        if event.kind.startswith("stream."):
            return self._follow_feed(event)
        return "\n          ".join(filter(None, (self._follow_agent(event), self._follow_row(event))))

    def _follow_feed(self, event: Event) -> str:
        if event.kind in ("stream.subscribed", "stream.disconnected"):
            self.feeds[event.feed] = online = bool(payload(event).get("topics"))
            return f"{event.feed:<12} {'online' if online else 'offline'}"
        if event.kind == "stream.gap_suspected":  # the states may have changed in the gap
            for row in [*self.rows.values(), *self.agents.values()]:
                if row.feed == event.feed:
                    row.become("unknown", event.received)
            return f"{event.feed:<12} events may be missing: {printable(str(payload(event).get('cause')))}"
        return ""

    def _follow_agent(self, event: Event) -> str:
        agent, state = event.parties.agent_id, AGENT_STATES.get(event.kind)
        if not agent or state is None:
            return ""
        row = self.agents.setdefault((event.feed, agent), Row(event.feed, event.received, agent[:8]))
        before = row.state
        row.become(state, event.received)
        row.name = agent_name(event) or row.name
        return row.text(event.received) if row.state != before else ""

    def _follow_row(self, event: Event) -> str:
        key = (event.feed, event.correlation or event.address.resource_id)
        state, row = STATES.get(event.kind), self.rows.get(key)
        if row is None:
            if state is None:
                return ""
            row = self.rows[key] = Row(event.feed, event.received)
        before = row.state
        row.become(state or LATER.get(event.kind, row.state), event.received)
        row.name = caller(event) or row.name
        if event.parties.queue_id:
            id = (event.feed, event.parties.queue_id)
            row.queue = self.queues[id] = event.parties.queue_name or self.queues.get(id) or queue(event)
        if agent := self.agents.get((event.feed, event.parties.agent_id)):
            row.agent = "" if row.state == "waiting" else agent.name
        if state and event.address.resource == "call":
            row.calls.add(event.address.resource_id)
        elif event.kind in CALL_OVER:
            row.calls.discard(event.address.resource_id)
        if event.kind in (*CALL_OVER, "contact.ended") and not row.calls:
            del self.rows[key]
            row.become("over", event.received)
        return row.text(event.received) if row.state != before else ""

    def lines(self, now: datetime) -> Iterator[str]:
        """The whole board."""
        for key, row in [*self.rows.items()]:
            if row.state == "unknown" and now - row.since > UNSURE:
                del self.rows[key]
        yield "  ".join(f"{feed}: {'online' if online else 'OFFLINE'}" for feed, online in sorted(self.feeds.items()))
        yield f"\n{len(self.rows)} CALLS AND CONTACTS"
        yield from (row.text(now) for row in sorted(self.rows.values(), key=lambda row: row.since))
        yield f"\n{len(self.agents)} AGENTS"
        yield from (row.text(now) for row in sorted(self.agents.values(), key=lambda row: (row.feed, row.name)))


if __name__ == "__main__":
    run(Board(), SELECTORS, arguments(argparse.ArgumentParser(description="The current calls of every vendor.")))
