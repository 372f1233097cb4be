"""What all events of one name at one place, whose payloads have the same fields, have in common: worked out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from jackfield.events import Parties
from jackfield.kinds import unmapped_kind
from jackfield_voipbin.correlation import CorrelationFields, correlation_fields
from jackfield_voipbin.event_names import EventName, event_name
from jackfield_voipbin.kinds import kind_by_fields
from jackfield_voipbin.parties import parties_reader
from jackfield_voipbin.times import stamps_in
from jackfield_voipbin.topics import PROVIDER, Topic, event_word, parse_topic

__all__ = ["UNKNOWN_ID", "Plan", "plan_at", "planned"]

UNKNOWN_ID = "unknown"
"""Stands where an address needs an id and the vendor gave none."""

# So many plans are kept; a customer's feed needs one or two hundred. Texts of vendors may be of any length, so there
# are plans for what is in frames of fewer bytes alone.
MOST, LONG_FRAME = 4096, 4096


class Plan(msgspec.Struct, frozen=True):
    """How an event is made of a payload; of fields, those that are there, best first."""

    name: EventName
    place: tuple[str, str, str, str]
    """Of the address, what comes before the resource's id."""
    word: str
    """And what comes after it."""
    kind: str
    """Empty where it depends on what the payload says."""
    unmapped: str
    """The kind where the name has none for a payload."""
    own_ids: tuple[str, ...]
    """The fields that hold the resource's id, by the event's name."""
    other_ids: tuple[str, ...]
    """And those that hold it where neither the topic has it nor these."""
    stamps: tuple[str, ...]
    """The fields that say when something happened to it."""
    correlation: CorrelationFields
    parties: Callable[[str, Mapping[str, Any]], Parties]


def planned(name: str, topic: str, fields: Mapping[str, Any], size: int) -> tuple[Plan, str] | None:
    """The plan for an event of that name on a topic, with such a payload in a frame of that size, and the topic's id.

    ``None`` where the topic is none.
    """
    head, _, resource_id = topic.rpartition(":")
    under = _under if size < LONG_FRAME else _under.__wrapped__
    if (plan := under(name, head, *fields)) is not None:
        return plan, resource_id
    place = _place(topic, event_name(name))
    if place is None:
        return None
    return plan_at(name, place.scope, place.scope_id, place.resource, fields, size), place.resource_id


def plan_at(name: str, scope: str, scope_id: str, resource: str, fields: Iterable[str], size: int) -> Plan:
    """The plan for an event of that name there."""
    return (_plan if size < LONG_FRAME else _plan.__wrapped__)(name, scope, scope_id, resource, *fields)


@lru_cache(MOST)
def _plan(name: str, scope: str, scope_id: str, resource: str, *fields: str) -> Plan:
    known = event_name(name)
    return Plan(
        known,
        (PROVIDER, scope, scope_id, resource),
        event_word(name, resource) or UNKNOWN_ID,
        kind_by_fields(known.rule, fields),
        unmapped_kind(resource),
        tuple(each for each in known.id_fields if each in fields),
        tuple(each for each in (f"{resource}_id",) if each in fields),
        stamps_in(fields),
        correlation_fields(resource, fields),
        parties_reader(resource),
    )


@lru_cache(MOST)
def _under(name: str, head: str, *fields: str) -> Plan | None:
    """The plan for topics of four segments, by the first three; ``None`` for any others."""
    if head.count(":") != 2:
        return None
    try:
        place = parse_topic(head)
    except ValueError:
        return None
    return _plan.__wrapped__(name, place.scope, place.scope_id, place.resource, *fields)


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
