"""Who takes part in an event of KAZOO's, from the fields that name them; the sources are in `docs/how-to/vinix.md`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.events import NO_PARTIES, Cause, Direction, Media, Parties
from jackfield_vinix.wire import text_of

__all__ = ["parties_of"]

_NAMED = (
    ("caller_id_number", "caller"),
    ("caller_id_name", "caller_name"),
    ("callee_id_number", "callee"),
    ("callee_id_name", "callee_name"),
    ("recipient_id", "agent_id"),
    ("queue_id", "queue_id"),
    ("queue_name", "queue_name"),
)
_DIRECTION_FIELDS = ("call_direction", "direction")

_DIRECTIONS: Mapping[str, Direction] = {"inbound": "inbound", "outbound": "outbound"}

# FreeSWITCH's causes (ITU-T Q.850 and its own); the contact centre writes them in lower case too.
_CAUSES: Mapping[str, Cause] = {
    "NORMAL_CLEARING": "normal",
    "NORMAL": "normal",
    "USER_BUSY": "busy",
    "NO_ANSWER": "no_answer",
    "NO_USER_RESPONSE": "no_answer",
    "ALLOTTED_TIMEOUT": "timeout",
    "RECOVERY_ON_TIMER_EXPIRE": "timeout",
    "PROGRESS_TIMEOUT": "timeout",
    "CALL_REJECTED": "rejected",
    "ORIGINATOR_CANCEL": "abandoned",
    "LOSE_RACE": "other",
    "PICKED_OFF": "other",
    "ATTENDED_TRANSFER": "other",
    "BLIND_TRANSFER": "other",
}
# The published samples have `call_session`, KAZOO's own code `call`.
_MEDIA: Mapping[str, Media] = {"call": "voice", "call_session": "voice", "fax": "fax", "conference": "voice"}


def parties_of(family: str, word: str, fields: Mapping[str, Any]) -> Parties:
    """The parties that an event's outermost fields name; `fields` is folded."""
    named: dict[str, Any] = {}
    for field, name in _NAMED:
        if field in fields and (text := text_of(fields, field)):
            named[name] = text
    if media := _MEDIA.get(family) or ("session_type" in fields and _MEDIA.get(text_of(fields, "session_type"))):
        named["media"] = media
    for field in _DIRECTION_FIELDS:
        if field in fields and (direction := _DIRECTIONS.get(text_of(fields, field))):
            named["direction"] = direction
            break
    if "agent_id" in named and (username := text_of(fields, "username")):
        named["agent_name"] = username
    # Elsewhere a reason explains a state.
    ending = word == "hangup" or (word == "delete" and family == "session")
    if cause := text_of(fields, "hangup_cause") or (ending and text_of(fields, "reason")):
        named["cause"] = _CAUSES.get(cause.upper(), "other")
    return Parties(**named) if named else NO_PARTIES
