"""What is kept, and for how long: bounded tables of calls, contacts, agents and queues; pure."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

import attrs

from jackfield.state._feeds import FeedTracks
from jackfield.state._totals import DayTotals
from jackfield.state._tracks import AgentTrack, QueueTrack, Track
from jackfield.state.values import Entity, Ref

__all__ = ["KEPT", "SILENT", "Tables"]

KEPT = timedelta(minutes=10)
"""For how long what has ended is kept, so that a late event finds it."""
SILENT = timedelta(hours=6)
"""What had no event for so long is forgotten: its end was missed."""


@attrs.define(eq=False)
class Tables:
    """Everything that the state holds."""

    days: DayTotals
    most: int
    """Calls, contacts, agents and queues, of each."""
    calls: OrderedDict[str, Track] = attrs.field(factory=OrderedDict)
    contacts: OrderedDict[str, Track] = attrs.field(factory=OrderedDict)
    """In the order of their last event, as `calls`."""
    agents: OrderedDict[str, AgentTrack] = attrs.field(factory=OrderedDict)
    queues: OrderedDict[str, QueueTrack] = attrs.field(factory=OrderedDict)
    feeds: FeedTracks = attrs.field(factory=FeedTracks)
    legs: dict[str, dict[str, datetime | None]] = attrs.field(factory=dict)
    """By contact: its calls, and since when each is over."""
    waiting: dict[str, dict[str, datetime]] = attrs.field(factory=dict)
    """By queue: the contacts that wait in it, and since when each does."""
    ended: OrderedDict[Ref, datetime] = attrs.field(factory=OrderedDict)
    """Calls and contacts that are over, in the order in which that became known, and when it was."""
    gone: OrderedDict[Ref, datetime] = attrs.field(factory=OrderedDict)
    """What was forgotten, and when, so that a late event does not bring it back."""
    forgotten: int = 0
    """What had to make room, or was silent for too long, before it was over."""

    def settle(self, ref: Ref, at: datetime, *, over: bool) -> None:
        """Note whether a call or a contact is over."""
        if over:
            if ref not in self.ended:
                self.ended[ref] = at
        elif ref in self.ended:
            del self.ended[ref]

    def place(self, track: Track, *, waits: bool) -> list[Ref]:
        """Count a contact as waiting in its queue and in no other."""
        queue = track.queue[1] if waits and track.queue is not None else ""
        if not queue and not track.placed:
            return []
        changed: list[Ref] = []
        if track.placed and track.placed != queue:
            waiting = self.waiting[track.placed]
            del waiting[track.key]
            if not waiting:
                del self.waiting[track.placed]
            changed.append(("queue", track.placed))
        track.placed = queue
        if queue:
            self.waiting.setdefault(queue, {})[track.key] = (
                track.facts.get("contact.queued") or track.since or track.began
            )
            changed.append(("queue", queue))
        for _, key in changed:
            if (shown := self.queues.get(key)) is not None:
                shown.value = None
        return changed

    def is_full(self) -> bool:
        """Whether something must be forgotten."""
        most = self.most
        return len(self.calls) > most or len(self.contacts) > most or len(self.agents) > most or len(self.queues) > most

    def make_room(self, now: datetime) -> list[Ref]:
        """Forget what has ended long ago or was silent for long, and where there are too many the oldest."""
        changed: list[Ref] = []
        while self.ended:
            ref, at = next(iter(self.ended.items()))
            if at > now - KEPT and not self.is_full():
                break
            self.forget(ref, now, changed)
        tables: tuple[tuple[Entity, OrderedDict[str, Track]], ...] = (("call", self.calls), ("contact", self.contacts))
        for entity, table in tables:
            while table:
                key = next(iter(table))
                if len(table) <= self.most and table[key].seen > now - SILENT:
                    break
                self.forgotten += 1
                self.forget((entity, key), now, changed)
        while len(self.agents) > self.most:
            changed.append(("agent", self.agents.popitem(last=False)[0]))
            self.forgotten += 1
        while len(self.queues) > self.most:
            changed.append(("queue", self.queues.popitem(last=False)[0]))
            self.forgotten += 1
        return changed

    def forget(self, ref: Ref, now: datetime, changed: list[Ref]) -> None:
        """Keep nothing of a call or a contact but its key; what it counted for in the totals stays."""
        entity, key = ref
        self.ended.pop(ref, None)
        track = (self.calls if entity == "call" else self.contacts).pop(key, None)
        self.gone[ref] = now
        if len(self.gone) > 2 * self.most:
            self.gone.popitem(last=False)
        changed.append(ref)
        if track is not None and track.placed:
            changed += self.place(track, waits=False)
        if track is not None and track.counted is not None:
            self.days.keep(track.counted)
        if entity == "contact":
            self.legs.pop(key, None)
        elif track is not None and track.contact is not None and (legs := self.legs.get(track.contact[1])) is not None:
            legs.pop(key, None)
            if not legs:
                del self.legs[track.contact[1]]

    def note_leg(self, contact: str, call: str, over: datetime | None) -> bool:
        """Note whether a contact's call is over; whether that may change the contact."""
        legs = self.legs.setdefault(contact, {})
        if call in legs and legs[call] == over:
            return False
        legs[call] = over
        return True

    def calls_over(self, contact: str) -> datetime | None:
        """Since when all known calls of a contact are over; ``None`` where one is not, or none is known."""
        ends = list(self.legs.get(contact, {}).values())
        return max(end for end in ends if end is not None) if ends and None not in ends else None
