"""From a message to an event: address, kind, time, correlation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.kinds import unmapped_kind
from jackfield_voipbin.bare import name_of
from jackfield_voipbin.event_names import EventName, event_name
from jackfield_voipbin.frame_format import FrameFormat, Message
from jackfield_voipbin.identity import identity
from jackfield_voipbin.kinds import NIL_UUID, kind_by
from jackfield_voipbin.parties import parties_of
from jackfield_voipbin.times import last_change, parse_time
from jackfield_voipbin.topics import PROVIDER, Topic, event_word, parse_topic

__all__ = ["UNKNOWN_ID", "correlation_of", "translate"]

UNKNOWN_ID = "unknown"
"""Stands where an address needs an id and the vendor gave none."""

# Fields that hold the id of the call at which a contact's resources meet, best first. The call, and
# not the activeflow, since queue events and queuecalls know the call only.
_CALL_FIELDS = ("master_call_id", "call_id")
# Else what the resources of one exchange have in common.
_OTHER_FIELDS = ("activeflow_id", "conversation_id", "chat_id", "session_id", "aicall_id", "transcribe_id", "id")
_OWNER, _REFERENCE, _ID = ("customer_id",), ("reference_id",), ("id",)
_NO_IDS = ("", NIL_UUID)
_NONE: Mapping[str, Any] = {}
_CALLS = frozenset({"call", "groupcall"})
# Resources that belong to no contact.
_NO_CONTACT = frozenset({"agent", "ai", "account", "campaign", "number", "outdial", "queue", "team"})


def translate(
    message: Message, raw: bytes, feed: str, customer_id: str, at: datetime, inferred: str | None = None
) -> tuple[Event, datetime | None]:
    """The event in a message of any form, and when its resource changed, as it says itself, else as the message does.

    `customer_id` stands in where the event itself does not say whose it is. What the vendor did not
    name is `inferred`, or without that inferred from the resource alone; an object that is not a known resource is
    ``unmapped.unknown``. A topic that makes no sense places nothing, and is emitted as it is.
    """
    data = message.data
    fields: Mapping[str, Any] = data if isinstance(data, dict) else _NONE
    name = message.name
    if not name and message.format is FrameFormat.BARE:
        name = name_of(data) if inferred is None else inferred
    known = event_name(name)
    # Only the documented envelope has a topic, and not always; the resource itself says whose it is.
    place = (message.topic and _place(message.topic, known)) or _own_place(known, fields, customer_id)
    resource, resource_id = place.resource, place.resource_id
    own_id = fields.get("id")
    if not isinstance(own_id, str) or own_id in _NO_IDS:
        own_id = _first_id(fields, known.id_fields)
    kind = kind_by(known.rule, data) or unmapped_kind(resource)
    changed, dated = last_change(data)
    time = parse_time(message.timestamp) or changed
    event = Event(
        id=identity(known, kind, own_id, resource_id, message.timestamp, data, dated=dated),
        kind=kind,
        address=Address(
            PROVIDER,
            place.scope,
            place.scope_id,
            resource,
            resource_id or own_id or _first_id(fields, (f"{resource}_id",)) or UNKNOWN_ID,
            event_word(name, resource) or UNKNOWN_ID,
        ),
        time=time,
        received=at,
        feed=feed,
        correlation=correlation_of(resource, fields),
        native_type=message.name,
        native_topic=message.topic or "",
        inferred=not message.name,
        parties=parties_of(resource, resource_id or own_id, fields),
        data=data,
        data_json=message.data_json,
        raw=raw,
    )
    return event, changed or time


def _place(text: str, name: EventName) -> Topic | None:
    """Where a topic places an event of that name; ``None`` where it makes no sense."""
    try:
        topic = parse_topic(text.rstrip(":"))  # a free last segment may be there and empty
    except ValueError:
        return None
    if ":" not in topic.resource_id:
        return topic
    # The platform's longer topics have the event's name before the id.
    named, _, resource_id = topic.resource_id.partition(":")
    other = event_name(named)
    longer = bool(resource_id) and (other.resource, other.word) == (name.resource, name.word)
    return Topic(topic.scope, topic.scope_id, topic.resource, resource_id) if longer else topic


def _own_place(name: EventName, fields: Mapping[str, Any], customer_id: str) -> Topic:
    return Topic("customer", _first_id(fields, _OWNER) or customer_id, name.resource or UNKNOWN_ID, "")


def _first_id(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these fields that holds a reference; empty where none does."""
    for name in names:
        if name in fields and isinstance(value := fields[name], str) and value not in _NO_IDS:
            return value
    return ""


def correlation_of(resource: str, fields: Mapping[str, Any]) -> str | None:
    """What a resource shares with the others of one contact; ``None`` where it belongs to none."""
    if call := _first_id(fields, _CALL_FIELDS):
        return call
    refers_to_call = resource == "queuecall" or fields.get("reference_type") == "call"
    if refers_to_call and (call := _first_id(fields, _REFERENCE)):
        return call
    if resource in _NO_CONTACT:
        return None
    return _first_id(fields, _ID if resource in _CALLS else _OTHER_FIELDS) or None
