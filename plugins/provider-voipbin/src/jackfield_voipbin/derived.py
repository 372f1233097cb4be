"""What the platform says elsewhere or not at all: who joins a conference, the queue of a contact, an offer that failed.

A conference's joins and leaves show only as a changed ``conferencecall_ids``. A queuecall does not name its queue, but
the call that it refers to did when its flow came to the action ``queue_join``.

A queuecall that waits again after it was offered to an agent was not queued a second time: the offer has failed. A call
whose end is announced by two events (``call.status`` and ``call.ended``) is cleared by the first.

A derived event has an id made from its content, so that every gateway gives it the same; it is marked as inferred, has
no native type, and its data name what it was derived from. Nothing is derived from a conference's first sight, since
nobody knows who joined then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs
import msgspec

from jackfield.events import Event, content_id, encode_data
from jackfield_voipbin.recent import Recent
from jackfield_voipbin.topics import PROVIDER

__all__ = ["RESOURCES", "Deriver"]

RESOURCES = frozenset({"queuecall", "conference"})
MOST_REMEMBERED = 10_000

# Events whose payload is the whole conference: the documented ones of participants are not.
_WHOLE = ("conference.started", "conference.updated", "conference.ended")
_Members = tuple[datetime, frozenset[str]]


@attrs.define
class Deriver:
    """What was seen of one feed's calls and conferences; outlives connections."""

    _queues: Recent[str, str] = attrs.field(factory=lambda: Recent(MOST_REMEMBERED))
    """By call: the queue that it joined last."""
    _offers: Recent[str, tuple[datetime, str]] = attrs.field(factory=lambda: Recent(MOST_REMEMBERED))
    """By queuecall: when it was offered last, and to which agent."""
    _cleared: Recent[str, str] = attrs.field(factory=lambda: Recent(MOST_REMEMBERED))
    """By call: the id of the event that ended it."""
    _members: Recent[str, _Members] = attrs.field(factory=lambda: Recent(MOST_REMEMBERED))
    """By conference: whose calls are in it, and since when that is so."""

    def derive(self, event: Event, changed: datetime | None) -> Iterator[Event]:
        """The event, with what is known of it besides, and the events that follow from it."""
        fields: Mapping[str, Any] = event.data if isinstance(event.data, dict) else {}
        match event.address.resource:
            case "queuecall":
                call_id = fields.get("reference_id")
                if isinstance(call_id, str) and (queue_id := self._queues.get(call_id)) is not None:
                    event = attrs.evolve(event, parties=msgspec.structs.replace(event.parties, queue_id=queue_id))
                if changed is not None:
                    event = self._offer(event, event.address.resource_id, changed)
            case "conference":
                yield event
                if changed is not None:
                    yield from self._participants(event, fields, changed)
                return
        yield event

    def _offer(self, event: Event, queuecall_id: str, changed: datetime) -> Event:
        if event.kind == "offer.created":
            self._offers.put(queuecall_id, (changed, event.parties.agent_id))
        elif event.kind == "contact.queued" and (offer := self._offers.get(queuecall_id)) is not None:
            at, agent_id = offer
            if changed > at:
                parties = msgspec.structs.replace(event.parties, agent_id=agent_id)
                return attrs.evolve(event, kind="offer.rescinded", parties=parties)
        return event

    def call(self, event: Event) -> Event:
        """A call's event, with what is known of it besides."""
        self._note_queue(event.data)
        if event.kind in ("call.cleared", "call.failed"):
            call_id = event.address.resource_id
            ended_by = self._cleared.get(call_id)
            if ended_by is not None and ended_by != event.id:
                return attrs.evolve(event, kind="call.updated")
            self._cleared.put(call_id, event.id)
        return event

    def _note_queue(self, call: Any) -> None:
        """Remember the queue that a call joins, if its action says one."""
        action = call.get("action") if isinstance(call, dict) else None
        option = action.get("option") if isinstance(action, dict) else None
        queue_id = option.get("queue_id") if isinstance(option, dict) else None
        if isinstance(queue_id, str) and isinstance(call_id := call.get("id"), str):
            self._queues.put(call_id, queue_id)

    def _participants(self, event: Event, conference: Mapping[str, Any], changed: datetime) -> Iterator[Event]:
        conference_id, listed = conference.get("id"), conference.get("conferencecall_ids")
        if not isinstance(conference_id, str) or not isinstance(listed, list | None) or event.kind not in _WHOLE:
            return
        # The platform leaves an empty list out.
        members = frozenset(each for each in listed or () if isinstance(each, str))
        known = self._members.get(conference_id)
        if known is not None and changed <= known[0]:
            return  # a copy, or one that was overtaken
        self._members.put(conference_id, (changed, members))
        if known is None and event.kind != "conference.started":
            return
        before = frozenset() if known is None else known[1]
        for word, calls in (("joined", members - before), ("left", before - members)):
            for call_id in sorted(calls):
                yield _participant(event, conference_id, call_id, word, changed)


def _participant(event: Event, conference_id: str, call_id: str, word: str, changed: datetime) -> Event:
    kind = f"conference.participant_{word}"
    data = {"id": conference_id, "conferencecall_id": call_id, "derived_from": "conferencecall_ids"}
    return attrs.evolve(
        event,
        id=content_id(encode_data((PROVIDER, kind, conference_id, call_id), ordered=True)),
        kind=kind,
        address=event.address._replace(event=word),
        time=changed,
        native_type="",
        inferred=True,
        data=data,
        data_json=None,
    )
