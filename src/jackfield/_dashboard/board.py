"""The board: the current state, reduced from events and reports; pure, bounded, and independent of the events' order.

It may start late, so a call or contact whose start it missed gets a row at the first event about its state.
Events may come in any order: their times decide. A row that is over stays visible for `LINGER` seconds, so that
viewers see it end; then only its key is kept, so that a late event does not bring it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import attrs

from jackfield._dashboard import labels
from jackfield._dashboard.rows import Agent, Call, Contact, Feed, Notice, Queue, SinkRow
from jackfield._dashboard.stages import ACTIVITIES, AGENTS, CALLS, CONTACTS, NOTES, QUEUES, Mark, Stage
from jackfield._dashboard.table import Table
from jackfield._dashboard.tail import Tail
from jackfield.events import Event
from jackfield.reports import FeedStateChanged, GapSuspected, Report

T = TypeVar("T")
R = TypeVar("R", Call, Contact)

__all__ = ["LINGER", "SILENT", "Board"]

LINGER = 6.0
"""Seconds for which a row that is over is still shown."""
SILENT = 4 * 3600.0
"""Seconds after which a row without events is removed: its end was missed."""
AHEAD = timedelta(minutes=1)
"""How far a vendor's clock may be ahead; one absurd time in the future would outweigh all later events."""
FOREVER = float("inf")
DOWN = frozenset({"disconnected", "connecting", "reconnecting"})
"""States of a feed that has no connection."""
# Keys of rows that are over, so that late events do not bring them back.
REMEMBERED = 5000


@attrs.define(eq=False)
class Board:
    """All that the dashboard shows."""

    version: int = 1
    """Grows with each change."""
    feeds: Table[Feed] = attrs.field(factory=lambda: Table(200))
    sinks: Table[SinkRow] = attrs.field(factory=lambda: Table(200))
    queues: Table[Queue] = attrs.field(factory=lambda: Table(200))
    agents: Table[Agent] = attrs.field(factory=lambda: Table(500))
    calls: Table[Call] = attrs.field(factory=lambda: Table(500))
    contacts: Table[Contact] = attrs.field(factory=lambda: Table(500))
    notices: Table[Notice] = attrs.field(factory=lambda: Table(50))
    tail: Tail = attrs.field(factory=Tail)
    _over: dict[str, None] = attrs.field(factory=dict)
    _waiting: dict[str, dict[str, float]] = attrs.field(factory=dict)
    """By queue: its waiting contacts, and since when each waits."""

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

    def apply(self, event: Event, now: datetime) -> None:
        """Update the rows from one event."""
        self.tail.add(event)
        at = min(event.time or event.received, event.received + AHEAD).timestamp()
        moment = now.timestamp()
        match event.kind.partition(".")[0]:
            case "call":
                self._call(event, at, moment)
            case "contact" | "offer":
                self._contact(event, at, moment)
                self._busy_agent(event, at, moment)
            case "agent":
                self._agent(event, at, moment)
            case "queue":
                self._queue(event, at, moment)

    def apply_report(self, report: Report, now: datetime) -> None:
        """Update the feeds and notices from one report."""
        if report.level == "debug":
            return
        match report:
            case FeedStateChanged(feed=name, state=state, reason=reason):
                before = self.feeds.rows.get(name, Feed())
                still_down = before.state in DOWN and state.value in DOWN
                reason = labels.clip(reason) or (before.reason if still_down else "")
                self.change_feed(name, now, state=state.value, since=now.timestamp(), reason=reason)
                if still_down and reason == before.reason:
                    return  # another failed attempt
            case GapSuspected(feed=name, since=since, until=until, cause=cause):
                gap = (since.timestamp(), until.timestamp(), labels.clip(cause))
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
        for table in self.tables.values():
            for key in table.due(now.timestamp()):
                self.version += 1
                table.remove(self.version, key)
                self._removed(table, key)

    # -- one method for each entity ------------------------------------------------------------------

    def _call(self, event: Event, at: float, now: float) -> None:
        key = labels.id_of(event)
        row = self.calls.rows.get(key)
        if row is None:
            if event.kind not in CALLS or f"call {key}" in self._over:
                return
            row = Call(labels.clip(event.feed), key.partition("/")[2], at)
        contact = labels.key(event, event.correlation) if event.correlation else row.contact
        changed = attrs.evolve(
            row,
            seen=min(row.seen, at),
            mark=_later(row.mark, CALLS.get(event.kind), at),
            caller=labels.caller(event) or row.caller,
            called=labels.called(event) or row.called,
            contact=contact,
        )
        self._keep(self.calls, key, changed, now)
        if changed.mark.over and not row.mark.over:
            self._last_call_ended(contact, at, now)

    def _last_call_ended(self, key: str, at: float, now: float) -> None:
        """End the contact when its last call has ended, even if the vendor does not say so."""
        row = self.contacts.rows.get(key)
        if row is not None and not row.mark.over and self._all_over(key):
            ended = attrs.evolve(row, mark=Mark.of(CONTACTS["contact.ended"], at))
            self._keep(self.contacts, key, ended, now)
            self._place(key, ended)

    def _contact(self, event: Event, at: float, now: float) -> None:
        if not event.correlation:  # no way to know which contact it is
            return
        key = labels.key(event, event.correlation)
        row = self.contacts.rows.get(key)
        if row is None:
            if not (event.kind in CONTACTS or event.kind in ACTIVITIES) or f"contact {key}" in self._over:
                return
            row = Contact(labels.clip(event.feed), key.partition("/")[2], at, caller=self._caller_of(key))
            if self._all_over(key):
                row = attrs.evolve(row, mark=Mark.of(CONTACTS["contact.ended"], at))
        queue = labels.queue_id(event)
        known = self.queues.rows.get(queue)
        changed = attrs.evolve(
            row,
            seen=min(row.seen, at),
            mark=_later(row.mark, CONTACTS.get(event.kind), at),
            offer=_later(row.offer, ACTIVITIES[event.kind], at) if event.kind.startswith("offer.") else row.offer,
            left=max(row.left, at) if event.kind == "contact.dequeued" else row.left,
            caller=labels.caller(event) or row.caller,
            queue=queue or row.queue,
            queue_name=labels.queue_name(event) or (known.name if known else "") or row.queue_name,
            agent=self._agent_name(event) or row.agent,
        )
        self._keep(self.contacts, key, changed, now)
        self._place(key, changed)
        if queue:
            answered = changed.mark.state == "with agent" and row.mark.state != "with agent"
            abandoned = changed.mark.state == "abandoned" and row.mark.state != "abandoned"
            self._queue(event, at, now, answered=answered, abandoned=abandoned)

    def _busy_agent(self, event: Event, at: float, now: float) -> None:
        """Update an agent's activity from an offer or a contact at the agent's address."""
        row = self.agents.rows.get(labels.id_of(event))
        if row is not None and (stage := ACTIVITIES.get(event.kind)):
            changed = attrs.evolve(row, activity=_later(row.activity, stage, at))
            self._put(self.agents, labels.id_of(event), changed, now + SILENT)

    def _agent(self, event: Event, at: float, now: float) -> None:
        key = labels.id_of(event)
        row = self.agents.rows.get(key)
        if event.kind == "agent.deleted":
            if row is not None:
                self.version += 1
                self.agents.remove(self.version, key)
            return
        row = row or Agent(labels.clip(event.feed), key.partition("/")[2], at)
        changed = attrs.evolve(
            row,
            name=labels.agent_name(event) or row.name,
            mark=_later(row.mark, AGENTS.get(event.kind), at),
            activity=_later(row.activity, ACTIVITIES.get(event.kind), at),
            note=_later(row.note, NOTES.get(event.kind), at),
        )
        self._put(self.agents, key, changed, now + SILENT)

    def _queue(self, event: Event, at: float, now: float, *, answered: bool = False, abandoned: bool = False) -> None:
        key = labels.queue_id(event)
        if not key:
            return
        row = self.queues.rows.get(key) or Queue(labels.clip(event.feed), key.partition("/")[2])
        changed = attrs.evolve(
            row,
            name=labels.queue_name(event) or row.name,
            mark=_later(row.mark, QUEUES.get(event.kind), at),
            answered=row.answered + answered,
            abandoned=row.abandoned + abandoned,
        )
        self._put(self.queues, key, self._counted(key, changed), now + SILENT)

    # -- shared by all entities ----------------------------------------------------------------------

    def _keep(self, table: Table[R], key: str, row: R, now: float) -> None:
        """Put a row of an entity that ends."""
        if row.mark.over:
            self._over[f"{type(row).__name__.lower()} {key}"] = None
            if len(self._over) > REMEMBERED:
                del self._over[next(iter(self._over))]
        self._put(table, key, row, now + (LINGER if row.mark.over else SILENT))

    def _put(self, table: Table[T], key: str, row: T, until: float) -> None:
        self.version += 1
        if (victim := table.put(self.version, key, row, until)) is not None:
            self._removed(table, victim)

    def _removed(self, table: Table[Any], key: str) -> None:
        """Remove a contact without a row from its queue."""
        if table is self.contacts:
            self._place(key, None)

    def _place(self, key: str, row: Contact | None) -> None:
        """Count a contact as waiting in its current queue, and in no other."""
        current = row.queue if row is not None and row.waits else None
        touched = [queue for queue, waiting in self._waiting.items() if key in waiting and queue != current]
        for queue in touched:
            del self._waiting[queue][key]
            if not self._waiting[queue]:
                del self._waiting[queue]
        if current and row is not None:
            self._waiting.setdefault(current, {})[key] = row.mark.at
            touched.append(current)
        for queue in touched:
            if (shown := self.queues.rows.get(queue)) is not None:
                self._put(self.queues, queue, self._counted(queue, shown), self.queues.until(queue))

    def _counted(self, key: str, row: Queue) -> Queue:
        waiting = self._waiting.get(key, {})
        return attrs.evolve(row, waiting=len(waiting), oldest=min(waiting.values(), default=None))

    def _agent_name(self, event: Event) -> str:
        """The name of the agent at the event's address, or of the agent that its payload mentions."""
        here, mentioned = self.agents.rows.get(labels.id_of(event)), labels.agent_id(event)
        known = here or self.agents.rows.get(mentioned)
        return known.name if known is not None and known.name else mentioned.partition("/")[2]

    def _caller_of(self, contact: str) -> str:
        calls = self.calls.rows.values()
        return next((call.caller for call in calls if call.contact == contact and call.caller), "")

    def _all_over(self, contact: str) -> bool:
        """Whether calls of this contact are known, and all of them are over."""
        calls = [call.mark.over for call in self.calls.rows.values() if call.contact == contact]
        return bool(calls) and all(calls)


def _later(mark: Mark, stage: Stage | None, at: float) -> Mark:
    return mark if stage is None else max(mark, Mark.of(stage, at))
