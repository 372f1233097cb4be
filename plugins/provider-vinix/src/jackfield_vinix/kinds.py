"""Which event is which neutral kind: one table, by family and word."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from jackfield.kinds import unmapped_kind
from jackfield_vinix.wire import text_of

__all__ = ["FAMILIES", "TABLE", "Also", "kind_of", "kind_rule", "kinds_at"]

Also = tuple[str, Callable[[Mapping[str, Any]], bool]]
"""Another kind, and whether a payload says that its event is of that one."""

FAMILIES = ("queue", "recipient", "session")
"""The contact centre's families."""

TABLE: Mapping[str, Mapping[str, str]] = {
    "queue": {
        "create": "queue.started",
        "delete": "queue.stopped",
        "join": "contact.queued",
        "leave": "contact.dequeued",  # or contact.abandoned, by its reason
        "delivered": "contact.routed",
        "sync": "queue.snapshot",
    },
    "recipient": {
        "create": "agent.logged_on",
        "login": "agent.logged_on",
        "delete": "agent.logged_off",
        "logout": "agent.logged_off",
        "ready": "agent.ready",
        "away": "agent.not_ready",
        "pause": "agent.queue_paused",
        "resume": "agent.queue_resumed",
        "wrapup_start": "agent.wrapup_started",
        "wrapup_complete": "agent.wrapup_ended",
        "offer": "offer.created",
        "reject": "offer.rejected",
        "rescind": "offer.rescinded",
        "delivered": "contact.connected",
        "hangup": "contact.disconnected",
        "external_call_start": "agent.external_call_started",
        "external_call_end": "agent.external_call_ended",
        "sync": "agent.snapshot",
        "wiretap_start": "supervision.started",
        "wiretap_stop": "supervision.ended",
        "wiretap_failed": "supervision.failed",
        "interaction_finalize_start": "contact.disposition_started",
        "interaction_finalize_end": "contact.disposition_completed",
    },
    "session": {
        "create": "contact.created",
        "delete": "contact.ended",
    },
    "call": {
        "CHANNEL_CREATE": "call.initiated",  # or call.originated, by its direction
        "CHANNEL_PROGRESS": "call.alerting",
        "CHANNEL_PROGRESS_MEDIA": "call.alerting",
        "CHANNEL_ANSWER": "call.connected",
        "CHANNEL_BRIDGE": "call.bridged",
        "CHANNEL_UNBRIDGE": "call.unbridged",
        "CHANNEL_HOLD": "call.held",
        "CHANNEL_UNHOLD": "call.retrieved",
        "CHANNEL_TRANSFEROR": "call.transferred",
        "CHANNEL_TRANSFEREE": "call.transferred",
        "CHANNEL_DESTROY": "call.cleared",  # or call.failed, where it was never answered
        "PARK_PARKED": "call.parked",
        "PARK_RETRIEVED": "call.unparked",
        "PARK_ABANDONED": "call.cleared",
        "DTMF": "call.digit_received",
        "RECORD_START": "recording.started",
        "RECORD_STOP": "recording.completed",
    },
    "conference": {
        "conference-create": "conference.started",
        "conference-destroy": "conference.ended",
        "add-member": "conference.participant_joined",
        "del-member": "conference.participant_left",
    },
}

_KINDS = {(family, word): kind for family, words in TABLE.items() for word, kind in words.items()}

# What else the events of one word can be, by what their payload says.
_ALSO: Mapping[tuple[str, str], str] = {
    ("queue", "leave"): "contact.abandoned",
    ("call", "CHANNEL_CREATE"): "call.originated",
    ("call", "CHANNEL_DESTROY"): "call.failed",
}
# Why a call ended that nobody answered, where the payload does not say how long it lasted.
_NEVER_ANSWERED = frozenset(
    {
        "USER_BUSY",
        "NO_ANSWER",
        "NO_USER_RESPONSE",
        "ORIGINATOR_CANCEL",
        "CALL_REJECTED",
        "UNALLOCATED_NUMBER",
        "INVALID_NUMBER_FORMAT",
        "NO_ROUTE_DESTINATION",
        "DESTINATION_OUT_OF_ORDER",
        "SUBSCRIBER_ABSENT",
        "USER_NOT_REGISTERED",
        "PROGRESS_TIMEOUT",
        "LOSE_RACE",
        "INCOMPATIBLE_DESTINATION",
    }
)

# The documentation says that a reason is given and not which there are; these are the words for a
# caller who hung up that KAZOO and its call-centre applications use, without what stands between words.
_GAVE_UP = re.compile(r"(caller|customer|member)?(abandon(ed)?|hangup|hungup)|(caller|originator)cancel(l?ed)?")


def kind_rule(family: str, word: str) -> tuple[str, Also | None]:
    """The kind of a word's events, ``unmapped.<family>`` where it is not in the table; and what else they can be."""
    kind = _KINDS.get((family, word))
    if kind is None:
        return unmapped_kind(family), None
    other = _ALSO.get((family, word))
    return kind, None if other is None else (other, _IS_OTHER[other])


def kind_of(family: str, word: str, data: Mapping[str, Any]) -> str:
    """The neutral kind of an event; ``unmapped.<family>`` for a word that is not in the table."""
    kind, also = kind_rule(family, word)
    return kind if also is None or not also[1](data) else also[0]


def _plain(reason: Any) -> str:
    return "".join(filter(str.isalnum, reason)).lower() if isinstance(reason, str) else ""


def kinds_at(family: str, word: str | None) -> frozenset[str]:
    """The kinds that events of a family with this word, or any for ``None``, can have."""
    words = TABLE.get(family, {})
    if word is not None and word not in words:
        return frozenset({unmapped_kind(family)})
    possible = words if word is None else (word,)
    kinds = {words[each] for each in possible} | {_ALSO[family, each] for each in possible if (family, each) in _ALSO}
    return frozenset(kinds | {unmapped_kind(family)} if word is None else kinds)


def _is_abandoned(data: Mapping[str, Any]) -> bool:
    return bool(_GAVE_UP.fullmatch(_plain(data.get("reason"))))


def _is_outbound(data: Mapping[str, Any]) -> bool:
    return text_of(data, "call_direction").lower() == "outbound"


def _is_unanswered(data: Mapping[str, Any]) -> bool:
    billed = text_of(data, "billing_seconds")
    if billed.isdecimal():
        return int(billed[:18]) == 0
    return text_of(data, "hangup_cause").upper() in _NEVER_ANSWERED


_IS_OTHER: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "contact.abandoned": _is_abandoned,
    "call.originated": _is_outbound,
    "call.failed": _is_unanswered,
}
