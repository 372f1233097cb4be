"""From what REST says to events: what never came is emitted now, except where a newer state of it is known.

A query is for a gap, or regular. A regular one finds what the platform lost without a word, and subscriptions that
it accepted and ignores. What has changed since the subscription was active must have come, or be on its way.

No loss is claimed that cannot be known: what the memory does not reach back to, and what REST does not show, is
reported as not verified, and never emitted once more. What changed a moment ago is on its way, so a regular comparison
leaves it to the next one. And a list shows changes that the platform publishes no event of: only what a history names,
or what must have been published, is a loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import attrs

from jackfield.addresses import AddressPattern
from jackfield.errors import RestError
from jackfield.events import Event
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import Action, Emit, GapSuspected, Ignore, NotVerified
from jackfield_voipbin.event_names import event_name
from jackfield_voipbin.frame_format import FrameFormat, Message
from jackfield_voipbin.listing import (
    AGENTS_HISTORIES,
    AGENTS_LISTS,
    HISTORIES,
    LISTS,
    Found,
    histories,
    lists,
    topic_resources,
)
from jackfield_voipbin.memory import Memory
from jackfield_voipbin.naming import Namer
from jackfield_voipbin.owners import resolve_address
from jackfield_voipbin.published_names import is_published
from jackfield_voipbin.rest import Rest
from jackfield_voipbin.times import last_change, parse_time
from jackfield_voipbin.translate import translate

__all__ = ["Reconciliation"]

LAST = datetime.max.replace(tzinfo=UTC)
_UNPUBLISHED = frozenset({("queuecall", "kicking"), ("recording", "stopping")})
MARGIN = timedelta(seconds=5)
"""How far clocks may be apart, and how long an event may be on its way."""


@attrs.frozen
class Reconciliation:
    """One comparison of what came with what REST knows."""

    feed: str
    customer_id: str
    memory: Memory
    namer: Namer
    held: Mapping[str, AddressPattern]
    """The active topics of the customer, or of one agent, and the events that they deliver."""
    active_since: Mapping[str, datetime]
    since: datetime
    """From when on events may be missing."""
    at: datetime
    regular: bool = False
    """Whether no gap is the reason, so that what is on its way will come."""

    def perform(self, rest: Rest) -> HTTPFlow[Iterable[Action]]:
        """Ask for lists and histories; what is emitted is decided at the end, since frames keep coming meanwhile."""
        of_agent = any(pattern.scope == "agent" for pattern in self.held.values())
        listed_here = AGENTS_LISTS if of_agent else LISTS
        resources = [each for each in listed_here if self._wants(each)]
        if not resources:
            raise RestError("nothing that is subscribed to has a list, so what was missed cannot be queried")
        listed = yield from lists(rest, resources, self.since, of_agent=of_agent)
        read = HISTORIES.keys() & AGENTS_HISTORIES if of_agent else HISTORIES.keys() - AGENTS_HISTORIES
        wanted = [(each, id_) for each, id_ in self.memory.histories() if each in read and self._wants(each)]
        known = {id_ for _, id_ in wanted}
        for found in listed.found:  # and of what began in the gap
            moment = _moment(found)
            if found.resource in read and found.data["id"] not in known and moment and self._is_new(found, moment):
                wanted.append((found.resource, found.data["id"]))
        past, done = yield from histories(rest, wanted)
        for resource_id in done:
            self.memory.close(resource_id)
        return [
            *map(Ignore, (*listed.missing, *past.missing)),
            *self._compare([*past.found, *listed.found]),
            *self._not_verified([*listed.unread, *past.unread]),
        ]

    def _wants(self, resource: str) -> bool:
        wanted = topic_resources(resource)
        return any(pattern.resource is None or pattern.resource in wanted for pattern in self.held.values())

    def _is_new(self, found: Found, moment: datetime) -> bool:
        """Whether this state never came, as far as that can be known."""
        until = self.at - MARGIN if self.regular else LAST
        recent = self.since - MARGIN <= moment <= until and self.memory.reaches(moment)
        return recent and not self.memory.knows(found.data["id"], moment)

    def _compare(self, found: list[Found]) -> Iterator[Action]:
        missed: dict[tuple[str, datetime], Event] = {}
        new = list(self._new(found))
        newest = self.memory.newest({one.data["id"] for _, one in new})
        for moment, one in new:
            events = [event for event in self._events(one) if self._topic_of(event) is not None]
            if not events:
                continue
            resource_id = one.data["id"]
            if self.since <= moment <= self.at - MARGIN and _was_published(one, events[0]):
                missed.setdefault((resource_id, moment), events[0])
            if moment < newest.get(resource_id, moment):
                yield Ignore("an older state than one that came")
                continue
            for event in events:
                self.memory.note(event, moment)
                yield Emit(event)
        yield from self._suspicions(missed)
        self.memory.reconciled = self.at - MARGIN

    def _new(self, found: list[Found]) -> Iterator[tuple[datetime, Found]]:
        """What never came, by time."""
        dated = [(moment, one) for one in found if (moment := _moment(one)) is not None]
        verdicts: dict[tuple[str, datetime], bool] = {}
        named: set[tuple[str, datetime]] = set()
        # What is named before what is not: the last state in a list has a name in its history.
        for moment, one in sorted(dated, key=lambda each: (each[0], not each[1].event_type)):
            key = (one.data["id"], moment)
            if not one.event_type and key in named:
                continue
            if one.event_type:
                named.add(key)
            if key not in verdicts:
                verdicts[key] = self._is_new(one, moment)
            if verdicts[key]:
                yield moment, one

    def _events(self, found: Found) -> Iterator[Event]:
        """What was found, as events; several where a state shows more than one that never came."""
        if found.event_type and (known := event_name(found.event_type)).tells_status:
            self.namer.named(known, found.data)
        for name in (found.event_type,) if found.event_type else self.namer.names(found.data, found.resource):
            if not found.event_type and not is_published(name):
                continue  # REST shows more states than the platform has events for
            message = Message(FrameFormat.DOCUMENTED, name, None, found.timestamp, found.data, found.text)
            event, *_ = translate(message, found.text, self.feed, self.customer_id, self.at)
            inferred = not found.event_type
            native_type = "" if inferred else event.native_type
            address = resolve_address(event, self.held.values())
            yield attrs.evolve(event, address=address, origin="backfill", native_type=native_type, inferred=inferred)

    def _topic_of(self, event: Event) -> str | None:
        """The topic that should have brought it."""
        return next((topic for topic, pattern in self.held.items() if pattern.matches(event.address)), None)

    def _suspicions(self, missed: Mapping[tuple[str, datetime], Event]) -> Iterator[Action]:
        """A gap for each topic that should have brought what never came."""
        by_topic: dict[str, list[datetime]] = {}
        for (_, moment), event in missed.items():
            topic = self._topic_of(event)
            if topic is not None and self.active_since[topic] + MARGIN <= moment:
                by_topic.setdefault(topic, []).append(moment)
        for topic, moments in by_topic.items():
            first, resource, count = moments[0].isoformat(), self.held[topic].resource, len(moments)
            if self.memory.came and resource in (None, *self.memory.came):
                events = "1 event" if count == 1 else f"{count} events"
                reason = f"REST knows of {events} of {topic} that never came, the first of {first}"
            else:
                changes = "1 change" if count == 1 else f"{count} changes"
                reason = f"the server ignores the subscription to {topic}: {changes} since {first} never came"
            yield GapSuspected(max(self.since, self.active_since[topic]), reason)

    def _not_verified(self, unread: list[str]) -> Iterator[Action]:
        """The spans in which events may have been missed, and nobody can know."""
        forgotten = self.memory.forgotten_until
        if forgotten is not None and forgotten > self.since:
            until = min(forgotten, self.at)
            yield NotVerified(self.since, until, "more came than can be remembered to be compared with REST")
        for reason in unread:
            yield NotVerified(self.since, self.at, reason)


def _was_published(found: Found, event: Event) -> bool:
    """Whether the platform published an event when this came to be so.

    What its own code changes without one: an agent's name, tags and the like, a number at its renewal, a queuecall that
    is being taken from its queue, a recording that is being stopped, and a transcription that is deleted.
    """
    if found.event_type:
        return True
    status = found.data.get("status")
    if event.address.event == "updated" or (found.resource, status) in _UNPUBLISHED or found.resource == "number":
        return False
    return found.resource != "transcribe" or parse_time(found.data.get("tm_delete")) is None


def _moment(found: Found) -> datetime | None:
    """When it came to be so; ``None`` where nobody knows."""
    return last_change(found.data)[0] or parse_time(found.timestamp)
