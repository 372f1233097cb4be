"""What all events of one name at one place, and all payloads of the same fields, have in common: worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from jackfield.events import Parties
from jackfield.kinds import unmapped_kind
from jackfield_voipbin.correlation import CorrelationFields, correlation_fields
from jackfield_voipbin.event_names import EventName, event_name
from jackfield_voipbin.parties import parties_reader
from jackfield_voipbin.times import stamps_in
from jackfield_voipbin.topics import PROVIDER, Topic, event_word, parse_topic

__all__ = ["UNKNOWN_ID", "Plan", "planned"]

UNKNOWN_ID = "unknown"
"""Stands where an address needs an id and the vendor gave none."""

# So many plans are kept; a customer's feed needs one or two hundred. Texts of vendors may be of any length.
MOST, LONG, LONG_FRAME = 4096, 500, 4096


class Plan(msgspec.Struct, frozen=True):
    """How an event is made of a payload."""

    name: EventName
    place: tuple[str, str, str, str]
    """Of the address, what comes before the resource's id."""
    word: str
    """And what comes after it."""
    unmapped: str
    """The kind where the name has none for a payload."""
    id_fields: tuple[str, ...]
    """Those that hold the resource's id where neither the topic has it nor a field by the event's name."""
    parties: Callable[[str, Mapping[str, Any]], Parties]


class FieldPlan(msgspec.Struct, frozen=True):
    """What the names of a resource's fields say by themselves."""

    stamps: tuple[str, ...]
    """Those that say when something happened to it."""
    correlation: CorrelationFields


def by_fields(resource: str, fields: Mapping[str, Any], size: int) -> FieldPlan:
    """The plan for payloads of a resource with these fields, which came in a frame of that size."""
    return (_by_fields if size < LONG_FRAME else _by_fields.__wrapped__)(resource, *fields)


@lru_cache(MOST)
def _by_fields(resource: str, *names: str) -> FieldPlan:
    return FieldPlan(stamps_in(names), correlation_fields(resource, names))


def planned(name: str, topic: str) -> tuple[Plan, str] | None:
    """The plan for an event of that name on a topic, and the resource's id in it; ``None`` where the topic is none."""
    head, _, resource_id = topic.rpartition(":")
    if len(head) < LONG and (plan := _under(name, head)) is not None:
        return plan, resource_id
    place = _place(topic, event_name(name))
    return None if place is None else (plan_at(name, place.scope, place.scope_id, place.resource), place.resource_id)


def plan_at(name: str, scope: str, scope_id: str, resource: str) -> Plan:
    """The plan for an event of that name there."""
    return (_plan if len(scope_id) + len(resource) < LONG else _plan.__wrapped__)(name, scope, scope_id, resource)


@lru_cache(MOST)
def _plan(name: str, scope: str, scope_id: str, resource: str) -> Plan:
    known = event_name(name)
    return Plan(
        known,
        (PROVIDER, scope, scope_id, resource),
        event_word(name, resource) or UNKNOWN_ID,
        unmapped_kind(resource),
        (f"{resource}_id",),
        parties_reader(resource),
    )


@lru_cache(MOST)
def _under(name: str, head: str) -> Plan | None:
    """The plan for topics of four segments, by the first three; ``None`` for any others."""
    if head.count(":") != 2:
        return None
    try:
        place = parse_topic(head)
    except ValueError:
        return None
    return _plan(name, place.scope, place.scope_id, place.resource)


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
