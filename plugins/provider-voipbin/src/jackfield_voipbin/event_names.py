"""What the name of an event says by itself, worked out once for each name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from jackfield_voipbin.kinds import ByField, native_name, rule_of

__all__ = ["INITIAL_STATUS", "STAMPS", "EventName", "event_name"]

STAMPS: Mapping[str, Mapping[str, str]] = {
    "call": {
        "dialing": "",
        "ringing": "tm_ringing",
        "progressing": "tm_progressing",
        "terminating": "",
        "canceling": "",
        "hangup": "tm_hangup",
    },
    "conference": {"terminated": "tm_end"},
}
"""By resource and status, of those that a resource comes into once: the field of its moment, if it has one."""

INITIAL_STATUS: Mapping[str, str] = {"agent": "available", "campaign": "stop"}
"""Of resources whose transitions have no stamps: the status that most are in."""

# What happens to a resource once, so that no time is needed to tell one from the next.
_ONCE = frozenset({"created", "received", "sent", "initializing"})
# As documented, a call's transitions are call.status. Its end then comes as call.ended too, and both are delivered.
_BY_STATUS = {
    resource: {status: field for status, field in fields.items() if status != "hangup"}
    for resource, fields in STAMPS.items()
}
_BY_STATUS["call"]["answered"] = STAMPS["call"]["progressing"]


class EventName(msgspec.Struct, frozen=True):
    """One name's meaning."""

    text: str
    resource: str
    word: str
    rule: str | ByField
    """Its neutral kind, or what that depends on; empty where it has none."""
    id_fields: tuple[str, ...]
    """The fields that may hold its resource's id."""
    repeats: bool
    """Whether it may happen to a resource more than once."""
    stamp: str | None
    """The field of the moment of a transition that happens once, empty where it has none; ``None`` for other events."""
    stamps: Mapping[str, str]
    """The same by status, where the transition is the payload's status."""
    tells_status: bool
    """Whether a later bare frame is compared with its status."""


@lru_cache(1024)
def event_name(text: str) -> EventName:
    """The meaning of a name."""
    resource, word = native_name(text)
    stamps = STAMPS.get(resource, {})
    status = {"ended": "hangup"}.get(word, word)
    if resource == "conference":
        status = "terminated" if word in ("deleted", "ended") else ""
    return EventName(
        text,
        resource,
        word,
        rule_of(text),
        ("id", f"{resource}_id"),
        word.split("_")[-1] not in _ONCE,
        stamps.get(status),
        _BY_STATUS.get(resource, {}) if word == "status" else {},
        resource in STAMPS or resource in INITIAL_STATUS,
    )
