"""From a documented envelope to an event: address, kind, time, identity, correlation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from jackfield.addresses import Address
from jackfield.errors import FrameError
from jackfield.events import Event, content_id
from jackfield.frames import decode_payload
from jackfield_voipbin.kinds import NIL_UUID, kind_of, native_name
from jackfield_voipbin.times import latest_time, parse_time
from jackfield_voipbin.topics import PROVIDER, Topic, event_word, parse_topic
from jackfield_voipbin.wire import Frame

__all__ = ["UNKNOWN_ID", "translate"]

UNKNOWN_ID = "unknown"
"""Stands where an address needs an id and the vendor gave none."""

# Fields that hold the id of the call at which a contact's resources meet, best first. The call, and
# not the activeflow, since queue events and queuecalls know the call only.
_CALL_FIELDS = ("master_call_id", "call_id")
# Else what the resources of one exchange have in common.
_OTHER_FIELDS = ("activeflow_id", "conversation_id", "chat_id", "session_id", "aicall_id", "transcribe_id")
# Resources that belong to no contact.
_NO_CONTACT = frozenset({"agent", "ai", "account", "campaign", "number", "outdial", "queue", "team"})


def translate(frame: Frame, raw: bytes, feed: str, customer_id: str, at: datetime) -> Event:
    """The event in a documented envelope; `FrameError` where its name or topic makes no sense.

    `customer_id` stands in where the event itself does not say whose it is.
    """
    event_type = frame.event_type
    if not isinstance(event_type, str) or not event_type:
        raise FrameError(f"event_type is {event_type!r} and not a name", raw)
    data, data_json = decode_payload(frame.data, raw)
    topic = _topic(frame, customer_id, data, raw)
    resource_id = topic.resource_id or _first_id(data, "id", f"{topic.resource}_id") or UNKNOWN_ID
    word = event_word(event_type, topic.resource)
    return Event(
        id=_identity(event_type, resource_id, frame.timestamp, data),
        kind=kind_of(event_type, topic.resource, data),
        address=Address(PROVIDER, topic.scope, topic.scope_id, topic.resource, resource_id, word),
        time=parse_time(frame.timestamp) or latest_time(data),
        received=at,
        feed=feed,
        correlation=_correlation(topic.resource, data),
        native_type=event_type,
        native_topic=frame.topic if isinstance(frame.topic, str) else "",
        data=data,
        data_json=data_json,
        raw=raw,
    )


def _topic(frame: Frame, customer_id: str, data: Any, raw: bytes) -> Topic:
    if isinstance(frame.topic, str):
        try:
            return parse_topic(frame.topic)
        except ValueError as error:
            raise FrameError(str(error), raw) from None
    # The quick start's second example has no topic; the resource itself says whose it is.
    resource, _ = native_name(frame.event_type)
    return Topic("customer", _first_id(data, "customer_id") or customer_id, resource or UNKNOWN_ID, "")


def _first_id(data: Any, *fields: str) -> str:
    """The first of these fields that holds a reference; empty where none does."""
    if isinstance(data, dict):
        for field in fields:
            value = data.get(field)
            if isinstance(value, str) and value and value != NIL_UUID:
                return value
    return ""


def _correlation(resource: str, data: Any) -> str | None:
    if call := _first_id(data, *_CALL_FIELDS):
        return call
    refers_to_call = resource == "queuecall" or (isinstance(data, dict) and data.get("reference_type") == "call")
    if refers_to_call and (call := _first_id(data, "reference_id")):
        return call
    if resource in ("call", "groupcall"):
        return _first_id(data, "id") or None
    if resource in _NO_CONTACT:
        return None
    return _first_id(data, *_OTHER_FIELDS, "id") or None


def _identity(event_type: str, resource_id: str, timestamp: Any, data: Any) -> str:
    """The same for every copy of an event: the topic it came by and the order of its keys do not count."""
    name = ".".join(native_name(event_type))
    payload = msgspec.json.encode(data, order="deterministic")
    return content_id(b"voipbin", name.encode(), resource_id.encode(), str(timestamp).encode(), payload)
