"""The board: what the page shows, made of the gateway's state, its events and its reports; pure and bounded.

The state is `jackfield.state`'s: `show` gets a snapshot and `change` what has changed since. A call or a contact that
is over stays visible for `LINGER` seconds, so that viewers see it end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

import attrs

from jackfield._dashboard.labels import clip
from jackfield._dashboard.rows import AgentRow, CallRow, ContactRow, Feed, Notice, QueueRow, SinkRow
from jackfield._dashboard.table import Table
from jackfield._dashboard.tail import Tail
from jackfield.events import Event
from jackfield.reports import FeedStateChanged, GapSuspected, Report
from jackfield.state import Agent, Call, Change, Contact, Queue, Snapshot, Totals
from jackfield.state import Feed as FeedNow

T = TypeVar("T")

__all__ = ["LINGER", "Board"]

LINGER = 6.0
"""Seconds for which a row that is over is still shown."""
LONGEST_KEY = 320
FOREVER = float("inf")
DOWN = frozenset({"disconnected", "connecting", "reconnecting"})
"""States of a feed that has no connection."""
UNKNOWN = "unknown"


@attrs.define(eq=False)
class Board:
    """All that the dashboard shows."""

    version: int = 1
    """Grows with each change."""
    feeds: Table[Feed] = attrs.field(factory=lambda: Table(200))
    sinks: Table[SinkRow] = attrs.field(factory=lambda: Table(200))
    queues: Table[QueueRow] = attrs.field(factory=lambda: Table(200))
    agents: Table[AgentRow] = attrs.field(factory=lambda: Table(500))
    calls: Table[CallRow] = attrs.field(factory=lambda: Table(500))
    contacts: Table[ContactRow] = attrs.field(factory=lambda: Table(500))
    notices: Table[Notice] = attrs.field(factory=lambda: Table(50))
    tail: Tail = attrs.field(factory=Tail)
    _day: date | None = None
    _totals: dict[str, Totals] = attrs.field(factory=dict)
    """Of that day."""
    _known_queues: dict[str, Queue] = attrs.field(factory=dict)
    """The newest value of each queue that has a row."""
    _callers: dict[str, str] = attrs.field(factory=dict)
    """By contact: who calls, as its call says it."""

    @property
    def tables(self) -> dict[str, Table[Any]]:
        """All tables, by name."""
        return {
            "feeds": self.feeds,
            "sinks": self.sinks,
            "queues": self.queues,
            "agents": self.agents,
            "calls": self.calls,
            "contacts": self.contacts,
            "notices": self.notices,
        }

    def show(self, snapshot: Snapshot, now: datetime) -> None:
        """Begin with everything as it stands."""
        self._day, self._totals = snapshot.day, dict(snapshot.totals)
        tables: tuple[Mapping[str, Any], ...] = (
            snapshot.feeds,
            snapshot.queues,
            snapshot.agents,
            snapshot.calls,
            snapshot.contacts,
        )
        for values in tables:
            for key, value in values.items():
                if not getattr(value, "over", False):
                    self._put_value(key[:LONGEST_KEY], value, now)

    def change(self, changes: Iterable[Change], now: datetime, day: date | None = None) -> None:
        """Update the rows of what has changed; on another day the totals begin anew."""
        if day is not None and day != self._day:
            self._day, self._totals = day, {}
        for each in changes:
            key = each.key[:LONGEST_KEY]
            if each.value is not None:
                self._put_value(key, each.value, now)
            elif each.entity in ("call", "contact", "agent", "queue"):
                self._drop(f"{each.entity}s", key)

    def today(self) -> dict[str, float | int | None]:
        """Today's figures of all queues; ``None`` for what there is not yet."""
        totals = self._totals.get("", Totals())
        return {
            "service_level": totals.service_level,
            "abandoned_share": totals.abandoned_share,
            "mean_wait": totals.mean_wait,
            "mean_handling": totals.mean_handling,
            "answered": totals.answered,
            "abandoned": totals.abandoned,
        }

    def apply(self, event: Event) -> None:
        """Add one event to the tail."""
        self.tail.add(event)

    def apply_report(self, report: Report, now: datetime) -> None:
        """Update the feeds and notices from one report."""
        if report.level == "debug":
            return
        match report:
            case FeedStateChanged(feed=name, state=state, reason=reason):
                before = self.feeds.rows.get(name, Feed())
                still_down = before.state in DOWN and state.value in DOWN
                reason = clip(reason) or (before.reason if still_down else "")
                self.change_feed(name, now, state=state.value, since=now.timestamp(), reason=reason)
                if still_down and reason == before.reason:
                    return  # another failed attempt
            case GapSuspected(feed=name, since=since, until=until, cause=cause):
                gap = (since.timestamp(), until.timestamp(), clip(cause))
                self.change_feed(name, now, gap=gap)
        text = str(report)
        notice = Notice(now.timestamp(), report.level, text if len(text) <= 500 else text[:499] + "…")
        self._put(self.notices, str(self.version + 1), notice, FOREVER)

    def change_feed(self, name: str, now: datetime, **figures: Any) -> None:
        """Update a feed's row; while it stays down, `since` is when it went down, not the last attempt."""
        row = self.feeds.rows.get(name) or Feed(since=now.timestamp())
        if row.state in DOWN and figures.get("state", row.state) in DOWN:
            figures["since"] = row.since
        self._put(self.feeds, name, attrs.evolve(row, **figures), FOREVER)

    def set_sinks(self, sinks: Mapping[str, SinkRow]) -> None:
        """Update the sinks' rows."""
        for name, row in sinks.items():
            self._put(self.sinks, name, row, FOREVER)

    def age(self, now: datetime) -> None:
        """Remove the rows whose time is over."""
        for name, table in self.tables.items():
            for key in table.due(now.timestamp()):
                self._drop(name, key)

    def _put_value(self, key: str, value: object, now: datetime) -> None:
        until = now.timestamp() + LINGER if getattr(value, "over", False) else FOREVER
        if until is FOREVER and getattr(value, "state", "") == UNKNOWN and not isinstance(value, Queue | Agent):
            return  # an event named it and said nothing of it
        match value:
            case FeedNow():
                stale, doubt = (each and each.timestamp() for each in (value.stale_since, value.gap_until))
                if key in self.feeds.rows:
                    self.change_feed(key, now, stale=stale, doubt=doubt)
            case Call():
                row = CallRow.of(value)
                self._put(self.calls, key, row, until)
                if value.contact and row.caller and self._callers.get(value.contact) != row.caller:
                    self._name_caller(value.contact, row.caller)
            case Contact():
                queue, agent = self.queues.rows.get(value.queue), self.agents.rows.get(value.agent)
                names = queue.name if queue else "", agent.name if agent else ""
                self._put(self.contacts, key, ContactRow.of(value, self._callers.get(key, ""), *names), until)
            case Agent():
                self._put(self.agents, key, AgentRow.of(value), until)
            case Queue():
                self._known_queues[key] = value
                self._put(self.queues, key, QueueRow.of(value, self._totals.get(key, Totals())), until)
            case Totals():
                self._totals[key] = value
                if (known := self._known_queues.get(key)) is not None:
                    self._put(self.queues, key, QueueRow.of(known, value), FOREVER)

    def _name_caller(self, contact: str, caller: str) -> None:
        """A call says who calls, which not every vendor says of the contact."""
        self._callers[contact] = caller
        if len(self._callers) > 2 * self.calls.capacity:
            del self._callers[next(iter(self._callers))]
        row = self.contacts.rows.get(contact)
        if row is not None and not row.caller:
            self._put(self.contacts, contact, attrs.evolve(row, caller=caller), self.contacts.until(contact))

    def _put(self, table: Table[T], key: str, row: T, until: float) -> None:
        self.version += 1
        victim = table.put(self.version, key, row, until)
        if victim is not None and table is self.queues:
            self._known_queues.pop(victim, None)

    def _drop(self, name: str, key: str) -> None:
        table = self.tables[name]
        if key in table.rows:
            self.version += 1
            table.remove(self.version, key)
            if name == "queues":
                self._known_queues.pop(key, None)
