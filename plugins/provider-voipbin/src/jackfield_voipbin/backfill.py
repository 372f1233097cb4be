"""From what REST says to events: what never came is emitted now, except where a newer state of it is known.

A look is for a gap, or regular. A regular one finds what the platform lost without a word, and subscriptions that
it accepted and ignores. What has changed since the subscription was active must have come, or be on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import attrs

from jackfield.addresses import AddressPattern
from jackfield.errors import RestError
from jackfield.events import Event
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import Action, Emit, GapSuspected, Ignore
from jackfield_voipbin.bare import name_as
from jackfield_voipbin.frame_format import FrameFormat, Message
from jackfield_voipbin.listing import LISTS, Found, has_history, histories, lists
from jackfield_voipbin.memory import Memory
from jackfield_voipbin.rest import Rest
from jackfield_voipbin.translate import translate

__all__ = ["Look"]

MARGIN = timedelta(seconds=5)
"""How far clocks may be apart, and how long an event may be on its way."""


@attrs.frozen
class Look:
    """One look at what has become of things."""

    feed: str
    customer_id: str
    memory: Memory
    held: Mapping[str, AddressPattern]
    """The customer's active topics, and the events that they deliver."""
    in_force: Mapping[str, datetime]
    """Since when."""
    since: datetime
    """From when on events may be missing."""
    at: datetime

    def take(self, rest: Rest) -> HTTPFlow[Iterable[Action]]:
        """Ask for lists and histories; what is emitted is decided at the end, since frames keep coming meanwhile."""
        resources = [each for each in LISTS if any(p.resource in (None, each) for p in self.held.values())]
        if not resources:
            raise RestError("nothing that is subscribed to has a list, so what was missed cannot be looked for")
        listed = yield from lists(rest, resources, self.since)
        wanted = [(each, id_) for each, id_ in self.memory.histories() if self._wants(each)]
        known = {id_ for _, id_ in wanted}
        for found in listed.found:  # and of what began in the gap
            if has_history(found.resource) and found.data["id"] not in known and (dated := self._event(found)):
                moment, event = dated
                if moment >= self.since - MARGIN and not self._known(event, moment):
                    wanted.append((found.resource, found.data["id"]))
        past, done = yield from histories(rest, wanted)
        return self._tell([*past.found, *listed.found], [*listed.remarks, *past.remarks], done)

    def _wants(self, resource: str) -> bool:
        wanted = {resource, "transcript"} if resource == "transcribe" else {resource}
        return any(pattern.resource is None or pattern.resource in wanted for pattern in self.held.values())

    def _tell(self, found: list[Found], remarks: list[Ignore], done: list[str]) -> Iterator[Action]:
        yield from remarks
        new: dict[tuple[str, datetime], bool] = {}
        named: set[tuple[str, datetime]] = set()
        missed: list[tuple[datetime, Event]] = []
        # By time, and what is named before what is not: the last state in a list has a name in its history.
        dated = [one for each in found if (one := self._event(each)) is not None]
        for moment, event in sorted(dated, key=lambda each: (each[0], each[1].inferred)):
            key = (event.data["id"], moment)
            if moment < self.since - MARGIN or (event.inferred and key in named):
                continue
            if not event.inferred:
                named.add(key)
            if key not in new:
                new[key] = not self._known(event, moment)
                if new[key] and self._must_have_come(moment):
                    missed.append((moment, event))
            if new[key]:
                yield self._told(event, moment)
        for resource_id in done:
            self.memory.close(resource_id)
        yield from self._suspicions(missed)
        self.memory.looked = self.at - MARGIN

    def _told(self, event: Event, moment: datetime) -> Action:
        newest = self.memory.newest(event.data["id"])
        if newest is not None and moment < newest:
            return Ignore("an older state than one that came")
        self.memory.note(event, moment)
        return Emit(event)

    def _known(self, event: Event, moment: datetime) -> bool:
        return self.memory.knows(event.data["id"], moment)

    def _must_have_come(self, moment: datetime) -> bool:
        return self.since <= moment <= self.at - MARGIN

    def _suspicions(self, missed: list[tuple[datetime, Event]]) -> Iterator[Action]:
        """A gap for each topic that should have brought what never came."""
        by_topic: dict[str, list[datetime]] = {}
        for moment, event in missed:
            topic = next(topic for topic, pattern in self.held.items() if pattern.matches(event.address))
            if self.in_force[topic] + MARGIN <= moment:
                by_topic.setdefault(topic, []).append(moment)
        for topic, moments in by_topic.items():
            first, resource, count = moments[0].isoformat(), self.held[topic].resource, len(moments)
            if self.memory.came and resource in (None, *self.memory.came):
                events = "1 event" if count == 1 else f"{count} events"
                reason = f"REST knows of {events} of {topic} that never came, the first of {first}"
            else:
                changes = "1 change" if count == 1 else f"{count} changes"
                reason = f"the server ignores the subscription to {topic}: {changes} since {first} never came"
            yield GapSuspected(max(self.since, self.in_force[topic]), reason)

    def _event(self, found: Found) -> tuple[datetime, Event] | None:
        """What was found as an event, and when it came to be so.

        ``None`` where nobody knows when, or nothing that is subscribed to would bring it.
        """
        name = found.event_type or name_as(found.resource, found.data)
        message = Message(FrameFormat.DOCUMENTED, name, None, found.timestamp, found.data, found.text)
        event, changed = translate(message, found.text, self.feed, self.customer_id, self.at)
        if changed is None or not any(pattern.matches(event.address) for pattern in self.held.values()):
            return None
        if found.event_type:
            return changed, attrs.evolve(event, origin="backfill")
        return changed, attrs.evolve(event, origin="backfill", native_type="", inferred=True)
