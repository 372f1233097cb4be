"""Who takes part in an event of KAZOO's, from the fields that name them; the sources are in `docs/how-to/vinix.md`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import msgspec

from jackfield.events import NO_PARTIES, Cause, Direction, Media, Parties
from jackfield_vinix.wire import text_of

__all__ = ["PartyFields", "parties_of", "party_fields", "read_parties"]

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
_AWAY = frozenset({"away", "delete", "logout"})
Reason = Literal["", "cause", "agent"]
# The published samples have `call_session`, KAZOO's own code `call`.
_MEDIA: Mapping[str, Media] = {"call": "voice", "call_session": "voice", "fax": "fax", "conference": "voice"}


class PartyFields(msgspec.Struct, frozen=True):
    """Those of a payload's fields that may name a party, and what else its event's family and word say of them."""

    named: tuple[tuple[str, str], ...]
    """Each with what it names."""
    directions: tuple[str, ...]
    others: bool
    """Whether there are any that count in some events only."""
    media: Media
    reason: Reason


def party_fields(family: str, word: str, names: Collection[str]) -> PartyFields | None:
    """Those among the names of an event's fields, which are folded; ``None`` where nothing names a party."""
    media = _MEDIA.get(family, "")
    named = tuple(each for each in _NAMED if each[0] in names)
    directions = tuple(each for each in _DIRECTION_FIELDS if each in names)
    others = any(each in names for each in ("session_type", "username", "hangup_cause", "reason"))
    if not (media or named or directions or others):
        return None
    return PartyFields(named, directions, others, media, _reason_of(family, word))


def _reason_of(family: str, word: str) -> Reason:
    """What the reason in an event explains: an end, why an agent is away, or neither."""
    if word == "hangup" or (word == "delete" and family == "session"):
        return "cause"
    return "agent" if word in _AWAY and family == "recipient" else ""


def parties_of(family: str, word: str, fields: Mapping[str, Any]) -> Parties:
    """The parties that an event's outermost fields name; `fields` is folded."""
    those = party_fields(family, word, fields)
    return NO_PARTIES if those is None else read_parties(fields, those)


def read_parties(fields: Mapping[str, Any], those: PartyFields) -> Parties:
    """The same, where it is known which of the fields may name one."""
    named: dict[str, Any] = {}
    for field, name in those.named:
        text = fields[field]
        if type(text) is not str:
            text = text_of(fields, field)
        if text:
            named[name] = text
    for field in those.directions:
        if direction := _DIRECTIONS.get(text_of(fields, field)):
            named["direction"] = direction
            break
    media = those.media
    if those.others:
        media = media or _MEDIA.get(text_of(fields, "session_type"), "")
        if "agent_id" in named:
            if username := text_of(fields, "username"):
                named["agent_name"] = username
            if those.reason == "agent" and (why := text_of(fields, "reason")):
                named["agent_reason"] = why
        if cause := text_of(fields, "hangup_cause") or (those.reason == "cause" and text_of(fields, "reason")):
            named["cause"] = _CAUSES.get(cause.upper(), "other")
    if media:
        named["media"] = media
    return Parties(**named) if named else NO_PARTIES
