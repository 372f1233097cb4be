"""Who takes part in an event of VoIPBIN's, from the fields of its resource that mean exactly this.

Fields of one name mean different things on different resources: a transcript's ``direction`` is that of the audio, an
AI message's that of the text; so each resource has its own line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.events import NO_PARTIES, Cause, Direction, Media, Parties
from jackfield_voipbin.kinds import NIL_UUID

__all__ = ["parties_of"]

# The resources between two addresses, with what they travel by.
_MEDIA: Mapping[str, Media] = {"call": "voice", "groupcall": "voice", "message": "sms", "email": "email"}

_DIRECTIONS: Mapping[str, Direction] = {
    "incoming": "inbound",
    "inbound": "inbound",
    "outgoing": "outbound",
    "outbound": "outbound",
}

# bin-call-manager models/call/call.go: HangupReason.
_CAUSES: Mapping[str, Cause] = {
    "normal": "normal",
    "busy": "busy",
    "noanswer": "no_answer",
    "dialout": "no_answer",
    "cancel": "abandoned",
    "timeout": "timeout",
    "failed": "failed",
}
_BY_NAME = frozenset({"agent", "queue"})
_REFERENCES = (("queue_id", "queue_id"), ("agent_id", "agent_id"), ("service_agent_id", "agent_id"))


def parties_of(resource: str, resource_id: str, fields: Mapping[str, Any]) -> Parties:
    """The parties that a resource names; `resource_id` is that of the event's address."""
    named: dict[str, Any] = {}
    if (media := _MEDIA.get(resource)) is not None:
        _between_addresses(media, fields, named)
    elif resource in _BY_NAME:
        named[f"{resource}_id"] = _text(fields.get("id")) or resource_id
        named[f"{resource}_name"] = _text(fields.get("name"))
    elif resource == "queuecall" and fields.get("reference_type") == "call":
        named["media"] = "voice"
    for field, name in _REFERENCES:
        if field in fields and (text := _text(fields[field])):
            named[name] = text
    return Parties(**named) if named else NO_PARTIES


def _between_addresses(media: Media, fields: Mapping[str, Any], named: dict[str, Any]) -> None:
    named["media"] = media
    if isinstance(source := fields.get("source"), dict):
        named["caller"], named["caller_name"] = _text(source.get("target")), _text(source.get("target_name"))
    callee = fields.get("destination")
    if "targets" in fields:
        targets = fields["targets"]
        if isinstance(targets, list) and len(targets) == 1 and isinstance(targets[0], dict):  # a message to one number
            callee = targets[0].get("destination") or callee
    if isinstance(callee, dict):
        named["callee"], named["callee_name"] = _text(callee.get("target")), _text(callee.get("target_name"))
    if direction := _DIRECTIONS.get(_text(fields.get("direction"))):
        named["direction"] = direction
    if reason := _text(fields.get("hangup_reason")):
        named["cause"] = _CAUSES.get(reason, "other")
    if fields.get("owner_type") == "agent":
        named["agent_id"] = _text(fields.get("owner_id"))


def _text(value: object) -> str:
    return value if isinstance(value, str) and value != NIL_UUID else ""
