"""A board of the current calls, contacts and agents of every vendor.

    python docs/examples/call_dashboard.py --demo            between simulated vendors
    python docs/examples/call_dashboard.py gateway.toml      with your feeds; see docs/how-to/call-dashboard.md

A terminal is redrawn twice a second; otherwise, and with --plain, one line is printed per change.
"""

import argparse
from collections.abc import Iterator
from datetime import datetime

import attrs
from standing import Standing, agent_name, timer
from terminal import arguments, run

from jackfield.state import Agent, Call, Change, Contact, Feed, Figures, Snapshot

ENTITIES = ("feed", "call", "contact", "agent", "queue", "totals")


@attrs.define
class Board:
    """The state as lines of text; no clock, no terminal."""

    standing: Standing = attrs.field(factory=Standing)
    _said: dict[str, str] = attrs.field(factory=dict)
    """The last state of each row that was printed."""

    def show(self, snapshot: Snapshot) -> None:
        """Begin with everything as it stands."""
        self.standing.begin(snapshot)

    def change(self, change: Change, now: datetime) -> str:
        """Take in one change; the row's text if its state is another one, else an empty one."""
        value = self.standing.put(change)
        if isinstance(value, Feed):
            return self._news(change.key, "online" if value.live else "offline", f"{value.name:<12} ")
        if value is None or value.state == "unknown":
            return ""
        if isinstance(value, Call) and value.contact in self.standing.contacts:
            return ""  # the contact has a row
        text = self._text(value, now)
        new = self._said.get(change.key) != value.state
        self._said[change.key] = value.state
        if not isinstance(value, Agent) and value.over:
            self._said.pop(change.key)
        return text if new else ""

    def _news(self, key: str, state: str, text: str) -> str:
        before, self._said[key] = self._said.get(key), state
        return f"{text}{state}" if before != state else ""

    def _text(self, value: Call | Contact | Agent, now: datetime) -> str:
        """One row."""
        line = f"{value.feed:<12} {self.standing.word(value):<10} {timer(value.since, now):>6}  "
        if isinstance(value, Agent):
            return line + agent_name(value)
        line += f"{self.standing.caller(value):<28} "
        if isinstance(value, Contact):
            line += f"{self.standing.queue(value):<10} {self.standing.agent(value)}"
        return line.rstrip()

    def lines(self, now: datetime) -> Iterator[str]:
        """The whole board."""
        standing = self.standing
        feeds = sorted(standing.feeds.items())
        yield "  ".join(f"{name}: {'online' if feed.live else 'OFFLINE'}" for name, feed in feeds)
        yield from self._today(now)
        rows: list[Call | Contact] = [
            *standing.contacts.values(),
            *(call for call in standing.calls.values() if call.contact not in standing.contacts),
        ]
        yield f"\n{len(rows)} CALLS AND CONTACTS"
        yield from (self._text(each, now) for each in sorted(rows, key=lambda each: each.began))
        yield f"\n{len(standing.agents)} AGENTS"
        agents = sorted(standing.agents.values(), key=lambda each: (each.feed, each.name))
        yield from (self._text(each, now) for each in agents)

    def _today(self, now: datetime) -> Iterator[str]:
        """What a supervisor asks first."""
        figures = Figures.of(self.standing.snapshot(now.date()))
        longest = f", the longest for {timer(figures.waiting_since, now)}" if figures.waiting_since else ""
        level, lost = figures.totals.service_level, figures.totals.abandoned_share
        today = f"   today {level:.0%} answered in time, {lost:.0%} gave up" if level is not None else ""
        yield f"{figures.waiting} waiting{longest}{today}"


if __name__ == "__main__":
    run(Board(), ENTITIES, arguments(argparse.ArgumentParser(description="The current calls of every vendor.")))
