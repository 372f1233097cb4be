"""The state, reduced from events: pure, bounded, and the same whatever the order of the events and their copies.

It may begin in the middle of the day: a thing whose beginning was missed exists from its first event on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Protocol

import attrs

from jackfield.events import NO_PARTIES, Event
from jackfield.kinds import KINDS, causal_rank
from jackfield.state import _views
from jackfield.state._feeds import FeedTracks
from jackfield.state._tables import Tables
from jackfield.state._totals import DayTotals
from jackfield.state._tracks import AgentTrack, QueueTrack, Track, later
from jackfield.state._writable import writable
from jackfield.state.lives import CALL, CONTACT, UNKNOWN, Life
from jackfield.state.sync import Listed, as_event, read_sync
from jackfield.state.values import Ref, Snapshot, Value

__all__ = ["MOST", "State"]

MOST = 20_000
"""Calls, and contacts, at once."""
AHEAD = timedelta(minutes=1)
"""How far a vendor's clock may be ahead; one absurd time in the future would outweigh all later events."""
BEHIND = timedelta(seconds=2)
"""So long before a list was asked for its vendor may not have known yet what an event had said."""
ROOM_EVENTS = 64
"""How often it is seen whether there are too many."""


class _Handler(Protocol):
    def __call__(self, event: Event, at: datetime, *, listed: bool = False) -> list[Ref]: ...


@attrs.define(eq=False)
class State:
    """Calls, contacts, agents, queues and feeds as they stand, and the day's totals."""

    zone: tzinfo = UTC
    """Whose midnight begins a day."""
    answer_seconds: float = 20.0
    """Within which a contact must be answered to count for the service level."""
    most: int = MOST
    tables: Tables = attrs.field(init=False, repr=False)
    _applied: int = attrs.field(default=0, init=False, repr=False)
    _handlers: Mapping[str, _Handler] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.tables = Tables(DayTotals(self.zone, timedelta(seconds=self.answer_seconds)), self.most)
        by_entity: dict[str, _Handler] = {
            "call": self._call,
            "contact": self._contact,
            "offer": self._contact,
            "agent": self._agent,
            "queue": self._queue,
        }
        self._handlers = {name: by_entity[entity] for name, entity in _HANDLED}

    def apply(self, event: Event) -> list[Ref]:
        """Take an event in, and return the keys of what it has changed, for `get`."""
        if (handler := self._handlers.get(event.kind)) is None:
            return self._stream(event) if event.kind.startswith("stream.") else []
        received, at = event.received, event.time or event.received
        if received.tzinfo is None or at.tzinfo is None:  # a program's own event; times are UTC
            received, at = (each if each.tzinfo else each.replace(tzinfo=UTC) for each in (received, at))
        if at > received:
            at = min(at, received + AHEAD)
        self.tables.feeds.hear(event.feed, received)
        changed = handler(writable(event), at)
        self._applied = (self._applied + 1) % ROOM_EVENTS
        if not self._applied:
            changed += self.tables.make_room(received)
        return changed

    def get(self, ref: Ref, today: date | None = None) -> Value | None:
        """One thing as it stands; ``None`` where there is none. Totals need `today`."""
        return _views.one(self.tables, ref, today)

    def snapshot(self, now: datetime, position: int = 0, unread: int = 0) -> Snapshot:
        """Everything as it stands; `now` says which day is today."""
        return _views.everything(self.tables, now, position, unread)

    @property
    def feeds(self) -> FeedTracks:
        """The feeds, of which the gateway knows more than their events say."""
        return self.tables.feeds

    # -- one method for each entity ------------------------------------------------------------------

    def _call(self, event: Event, at: datetime, *, listed: bool = False) -> list[Ref]:
        provider, id, parties = event.address.provider, event.address.resource_id, event.parties
        ref: Ref = ("call", f"{provider}/{id}")
        track = self._track(self.tables.calls, ref, id, event, at)
        if track is None:
            return []
        before = track.state
        _heed(CALL, track, event, at, listed=listed)
        if parties.agent_id:
            track.agent = later(track.agent, (at, f"{provider}/{parties.agent_id}"))
        if event.correlation:
            track.contact = later(track.contact, (at, f"{provider}/{event.correlation}"))
        over = track.state in CALL.over
        self.tables.settle(ref, at, over=over)
        if track.contact is None:
            return [ref]
        ends = self.tables.note_leg(track.contact[1], ref[1], track.since if over else None)
        held = "held" in (before, track.state)
        if not (ends or held) or (contact := self.tables.contacts.get(track.contact[1])) is None:
            return [ref]
        contact.value = None
        return [ref, *self._follow_calls(contact, at), *([("contact", contact.key)] if held else ())]

    def _contact(self, event: Event, at: datetime, *, listed: bool = False) -> list[Ref]:
        correlation = event.correlation
        if not correlation:  # no way to know which contact it is
            return []
        provider, kind, parties, tables = event.address.provider, event.kind, event.parties, self.tables
        ref: Ref = ("contact", f"{provider}/{correlation}")
        track = self._track(tables.contacts, ref, correlation, event, at)
        if track is None:
            return []
        changed = [ref]
        facts, state, old_queue, old_agent = track.facts, track.state, track.queue, track.agent
        _heed(CONTACT, track, event, at, listed=listed)
        moved = counts = False
        if parties.queue_id:
            key = f"{provider}/{parties.queue_id}"
            if old_queue is None or (at, key) > old_queue:
                track.queue = (at, key)
                counts = old_queue is None or old_queue[1] != key
            changed += self._name_queue(event, at, key, parties.queue_id)
        if parties.agent_id:
            key = f"{provider}/{parties.agent_id}"
            if old_agent is None or (at, key) > old_agent:
                track.agent = (at, key)
                counts = counts or ("contact.connected" in facts and (old_agent is None or old_agent[1] != key))
            if not listed and kind in _views.ACTIVITIES:
                agent = self._agent_track(event, at, key, parties.agent_id)
                agent.activity = later(agent.activity, (at, causal_rank(kind), kind, ref[1]))
                changed.append(("agent", key))
        if state == UNKNOWN and (ends := tables.calls_over(ref[1])) is not None:
            track.calls_over = ends
            track.fold(CONTACT)
            counts = True
        if track.state != state:
            moved = True
            counts = counts or state in CONTACT.over or track.state in CONTACT.over
        if counts or kind in _COUNTED or (at == track.began and "contact.queued" not in facts):
            changed += self._count(track, at)
        elif moved:
            changed += tables.place(track, waits=track.state in _WAITING)
        return changed

    def _follow_calls(self, track: Track, at: datetime) -> list[Ref]:
        """End a contact with the last of its calls, even if its vendor does not say so."""
        ends = self.tables.calls_over(track.key)
        if ends == track.calls_over:
            return []
        track.calls_over, track.value = ends, None
        track.fold(CONTACT)
        return [("contact", track.key), *self._count(track, at)]

    def _count(self, track: Track, at: datetime) -> list[Ref]:
        """Count a contact among those that wait, those that are over, and the day's."""
        tables, over = self.tables, track.state in CONTACT.over
        tables.settle(("contact", track.key), at, over=over)
        changed = tables.place(track, waits=track.state in _WAITING)
        if (new := tables.days.contribution(track, over=over)) != track.counted:
            changed += [("totals", each) for each in tables.days.replace(track.counted, new)]
            track.counted = new
        return changed

    def _agent(self, event: Event, at: datetime, *, listed: bool = False) -> list[Ref]:
        kind, provider, id = event.kind, event.address.provider, event.address.resource_id
        key = f"{provider}/{id}"
        ref: Ref = ("agent", key)
        if kind == "agent.deleted":
            self.tables.gone[ref] = at
            return [ref] if self.tables.agents.pop(key, None) is not None else []
        if ref in self.tables.gone:
            return []
        agent = self._agent_track(event, at, key, id, listed=listed)
        if listed:
            contact = f"{provider}/{event.correlation}" if event.correlation else ""
            agent.confirmed = later(agent.confirmed, (at, kind, contact, event.time or at))
        elif kind in _CHOSEN:
            agent.chosen = later(agent.chosen, (at, causal_rank(kind), kind, event.parties.agent_reason))
        elif kind in _views.ACTIVITIES:
            agent.activity = later(agent.activity, (at, causal_rank(kind), kind, ""))
        elif event.parties.queue_id and kind in _PAUSES:
            queue = f"{provider}/{event.parties.queue_id}"
            agent.queues[queue] = later(agent.queues.get(queue), (at, _PAUSES[kind]))
        return [ref]

    def _agent_track(self, event: Event, at: datetime, key: str, id: str, *, listed: bool = False) -> AgentTrack:
        agent = self.tables.agents.get(key)
        if agent is None:
            agent = self.tables.agents[key] = AgentTrack(key, id, at, (at, event.feed))
        agent.value = None
        if at >= agent.seen:
            agent.seen = at
            agent.feed = max(agent.feed, (at, event.feed))
        if name := event.parties.agent_name:
            agent.name = later(agent.name, (listed, at, name))
        return agent

    def _queue(self, event: Event, at: datetime, *, listed: bool = False) -> list[Ref]:
        id = event.address.resource_id
        key = f"{event.address.provider}/{id}"
        changed = self._name_queue(event, at, key, id)
        if not listed and event.kind in ("queue.started", "queue.stopped"):
            queue = self.tables.queues[key]
            queue.state, queue.value = later(queue.state, (at, event.kind)), None
            changed = [("queue", key)]
        return changed

    def _name_queue(self, event: Event, at: datetime, key: str, id: str) -> list[Ref]:
        queue, name = self.tables.queues.get(key), event.parties.queue_name
        if queue is None:
            self.tables.queues[key] = QueueTrack(key, id, (at, event.feed), (at, name) if name else None)
            return [("queue", key)]
        shown = queue.feed[1], queue.name and queue.name[1]
        if (mark := (at, event.feed)) > queue.feed:
            queue.feed = mark
        if name and (queue.name is None or (at, name) > queue.name):
            queue.name = (at, name)
        if shown == (queue.feed[1], queue.name and queue.name[1]):
            return []
        queue.value = None
        return [("queue", key)]

    # -- facts about streams -------------------------------------------------------------------------

    def _stream(self, event: Event) -> list[Ref]:
        changed = self.feeds.apply(event)
        if event.kind != "stream.synced" or (found := read_sync(event)) is None:
            return changed
        at, sync = found
        for each in sync.listed:
            if handler := self._handlers.get(each.kind):
                changed += handler(as_event(event, each), at, listed=True)
        for entity, tracks, life, kind in (
            ("call", self.tables.calls, CALL, "call.cleared"),
            ("contact", self.tables.contacts, CONTACT, "contact.ended"),
        ):
            for track in list(tracks.values()) if entity in sync.complete else ():
                known = track.seen >= at or (track.live_at is not None and track.live_at >= at - BEHIND)
                if track.feed[1] == event.feed and track.state not in life.over and not known:
                    ended = as_event(event, Listed(kind, track.id, track.id))  # a whole list does not have it
                    changed += self._handlers[kind](ended, at, listed=True)
        return changed

    def _track(self, tracks: OrderedDict[str, Track], ref: Ref, id: str, event: Event, at: datetime) -> Track | None:
        key = ref[1]
        track = tracks.get(key)
        if track is not None:
            track.see(event.feed, at, listed=event.origin == "backfill")
            tracks.move_to_end(key)
            return track
        if (gone := self.tables.gone.get(ref)) is not None:
            if event.kind != "contact.created" or at <= gone:
                return None
            del self.tables.gone[ref]  # the same customer's call is queued a second time
        began = event.time if event.time is not None and event.time.tzinfo is not None and event.time < at else at
        tracks[key] = Track(key, id, began, at, (at, event.feed), at if event.origin != "backfill" else None)
        return tracks[key]


def _heed(life: Life, track: Track, event: Event, at: datetime, *, listed: bool) -> None:
    if event.parties is not NO_PARTIES:
        track.hear(event.parties, at)
    if event.kind in life.kinds:
        if listed:
            track.confirm(life, event.kind, at, event.time or at)
        else:
            track.heed(life, event.kind, at)


_WAITING = frozenset({"queued", "offered"})
_CHOSEN = frozenset({"agent.logged_on", "agent.logged_off", "agent.ready", "agent.not_ready"})
_PAUSES = {"agent.queue_paused": True, "agent.queue_resumed": False}
# Of a contact, what the totals are made of.
_COUNTED = frozenset(
    {"contact.queued", "contact.connected", "contact.abandoned", "contact.disconnected", "contact.ended"}
)
# Events that say nothing of a state, and may come long after its end.
_SAY_NOTHING = frozenset({"contact.disposition_started", "contact.disposition_completed", "agent.snapshot"})
_HANDLED = [
    (kind.name, kind.entity)
    for kind in KINDS
    if kind.entity in ("call", "contact", "offer", "agent", "queue") and kind.name not in _SAY_NOTHING
]
