"""From a message to an event: each neutral field, and what of the message it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jackfield.addresses import Address
from jackfield.events import Event, EventDraft
from jackfield_voipbin.bare import name_of
from jackfield_voipbin.correlation import read_correlation
from jackfield_voipbin.event_names import EventName, event_name
from jackfield_voipbin.fields import first_id
from jackfield_voipbin.frame_format import FrameFormat, Message
from jackfield_voipbin.identity import identity
from jackfield_voipbin.kinds import kind_by
from jackfield_voipbin.plans import UNKNOWN_ID, Plan, plan_at, planned
from jackfield_voipbin.times import last_change, parse_time

__all__ = ["translate"]

_OWNER = ("customer_id",)
# What a named tuple is made of; its own constructor is a Python function, and takes twice as long.
_new_address = tuple.__new__
_NONE: Mapping[str, Any] = {}


def translate(
    message: Message, raw: bytes, feed: str, customer_id: str, at: datetime, inferred: str | None = None
) -> tuple[Event, datetime | None, EventName]:
    """The event in a message of any form, when its resource changed, and what its name means.

    The resource says itself when it changed, or else the message does.
    `customer_id` stands in where the event itself does not say whose it is. What the vendor did not
    name is `inferred`, or without that inferred from the resource alone; an object that is not a known resource is
    ``unmapped.unknown``. A topic that makes no sense places nothing, and is emitted as it is.
    """
    data, timestamp, topic = message.data, message.timestamp, message.topic
    fields: Mapping[str, Any] = data if isinstance(data, dict) else _NONE
    name, size = message.name, len(raw)
    if not name and message.format is FrameFormat.BARE:
        name = name_of(data) if inferred is None else inferred
    # Only the documented envelope has a topic, and not always; the resource itself says whose it is.
    plan, topic_id = (topic and planned(name, topic, fields, size)) or _own(name, fields, customer_id, size)
    own_id = first_id(fields, plan.own_ids)
    changed, dated = last_change(data, plan.stamps)
    kind = plan.kind or kind_by(plan.name.rule, data) or plan.unmapped
    event = EventDraft()
    event.id = identity(plan.name, kind, own_id, topic_id, timestamp, data, dated=dated)
    event.kind = kind
    resource_id = topic_id or own_id or first_id(fields, plan.other_ids) or UNKNOWN_ID
    event.address = _new_address(Address, (*plan.place, resource_id, plan.word))
    event.time = parse_time(timestamp) or changed
    event.received = at
    event.feed = feed
    event.correlation = read_correlation(plan.correlation, fields)
    event.native_type = message.name
    event.native_topic = topic or ""
    event.inferred = not message.name
    event.parties = plan.parties(topic_id or own_id, fields)
    event.data = data
    event.data_json = message.data_json
    event.raw = raw
    return event.freeze(), changed or event.time, plan.name


def _own(name: str, fields: Mapping[str, Any], customer_id: str, size: int) -> tuple[Plan, str]:
    """The plan for a resource that says itself whose it is, and no id of a topic's."""
    resource = event_name(name).resource or UNKNOWN_ID
    return plan_at(name, "customer", first_id(fields, _OWNER) or customer_id, resource, fields, size), ""
