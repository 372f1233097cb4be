"""Which of VoIPBIN's events is which neutral kind: one table, by resource and word.

Documented names have a dot (``call.status``), deployed ones an underscore (``call_hangup``); both are
a resource and a word, and both are here. An event whose kind depends on its payload has a `ByField`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import attrs

from jackfield_voipbin.times import parse_time

__all__ = ["NIL_UUID", "TABLE", "ByField", "kind_by", "kind_by_fields", "native_name", "rule_of"]

NIL_UUID = "00000000-0000-0000-0000-000000000000"
"""What the platform writes where there is no reference."""

# A call that ended for one of these reasons and was never answered has failed.
UNANSWERED = ("busy", "noanswer", "failed")


@attrs.frozen
class ByField:
    """A kind that depends on one field of the payload."""

    field: str
    kinds: Mapping[str, str]
    otherwise: str = ""
    """The kind for any other value; empty where the event is unmapped then."""
    missing: str = ""
    """The kind where there is no value; empty where that is `otherwise`."""


_CALL_STATUS = {
    "dialing": "call.originated",
    "ringing": "call.alerting",
    "answered": "call.connected",
    "progressing": "call.connected",
    "terminating": "call.clearing",
    "canceling": "call.clearing",
    "hangup": "call.cleared",
}
_AGENT_STATUS = ByField(
    "status",
    {
        "available": "agent.ready",
        "away": "agent.not_ready",
        "busy": "agent.busy",
        "ringing": "agent.reserved",
        "offline": "agent.logged_off",
    },
)
# Of SMS inbound and outbound, of other channels incoming and outgoing.
_DIRECTION = dict.fromkeys(("inbound", "incoming"), "message.received") | dict.fromkeys(
    ("outbound", "outgoing"), "message.sent"
)
_MESSAGE_CREATED = ByField("direction", _DIRECTION, missing="message.sent")
_TRANSCRIPTION = {
    "created": "transcription.started",
    "started": "transcription.started",
    "progressing": "transcription.progressed",
    "done": "transcription.completed",
    "completed": "transcription.completed",
    "speech_started": "transcription.speech_started",
    "speech_interim": "transcription.speech_interim",
    "speech_ended": "transcription.speech_ended",
}
_CAMPAIGN_STATUS = {"run": "campaign.started", "stopping": "campaign.stopping", "stop": "campaign.stopped"}


def _lifecycle(entity: str) -> dict[str, str]:
    return {word: f"{entity}.{word}" for word in ("created", "updated", "deleted")}


TABLE: Mapping[str, Mapping[str, str | ByField]] = {
    "call": {
        "created": "call.initiated",
        "status": ByField("status", _CALL_STATUS, otherwise="call.updated"),
        "dialing": "call.originated",
        "ringing": "call.alerting",
        "progressing": "call.connected",
        "terminating": "call.clearing",
        "canceling": "call.clearing",
        "hangup": "call.cleared",
        "ended": "call.cleared",
        "updated": "call.updated",
        "deleted": "call.deleted",
        "assigned": "offer.created",
    },
    "groupcall": {
        "created": "call_group.created",
        "progressing": "call_group.connected",
        "hangup": "call_group.cleared",
        "deleted": "call_group.deleted",
    },
    "queue": {
        "joined": "contact.queued",
        "connected": "contact.connected",
        "left": ByField(
            "reason",
            dict.fromkeys(("abandoned", "hangup", "caller_hangup"), "contact.abandoned"),
            otherwise="contact.dequeued",
            missing="contact.abandoned",
        ),
        "created": "queue.started",
        "updated": "queue.updated",
        "deleted": "queue.stopped",
    },
    "queuecall": {
        "created": "contact.created",
        "joined": "contact.queued",
        "waiting": "contact.queued",
        "connecting": "offer.created",
        "connected": "contact.connected",
        "serviced": "contact.connected",
        "abandoned": "contact.abandoned",
        "timeout": "contact.dequeued",
        "done": "contact.ended",
        "deleted": "contact.deleted",
        "updated": "contact.updated",  # ours, from GET /queues
    },
    "agent": {
        "status": _AGENT_STATUS,
        "status_updated": _AGENT_STATUS,
        "created": "agent.created",
        "updated": "agent.updated",
        "deleted": "agent.deleted",
    },
    "message": {
        "received": "message.received",
        "sent": "message.sent",
        "delivery": "message.delivery_updated",
        "created": ByField("direction", _DIRECTION),
        "updated": "message.delivery_updated",
        "deleted": "message.deleted",
        "ringing": "message.deleted",  # the platform's mistaken name for it until August 2026
    },
    "activeflow": {
        "created": "flow.started",
        "updated": ByField("status", {"ended": "flow.completed"}, otherwise="flow.step_executed"),
        "completed": "flow.completed",
        "deleted": "flow.deleted",
    },
    "conference": {
        "created": "conference.started",
        "started": "conference.started",
        "updated": "conference.updated",
        "deleted": "conference.ended",
        "ended": "conference.ended",
        "joined": "conference.participant_joined",
        "left": "conference.participant_left",
    },
    "conferencecall": {
        "joined": "conference.participant_joined",
        "left": "conference.participant_left",
        "leaved": "conference.participant_left",
    },
    "recording": {
        "started": "recording.started",
        "completed": "recording.completed",
        "finished": "recording.completed",
    },
    "transcribe": _TRANSCRIPTION,
    "transcription": _TRANSCRIPTION,
    "transcript": {"created": "transcription.segment_completed", "completed": "transcription.segment_completed"},
    "campaign": {
        "created": "campaign.created",
        "updated": "campaign.updated",
        "deleted": "campaign.deleted",
        "status": ByField("status", _CAMPAIGN_STATUS),
        "status_run": "campaign.started",
        "status_stopping": "campaign.stopping",
        "status_stop": "campaign.stopped",
    },
    "number": {"created": "number.provisioned", "updated": "number.updated", "deleted": "number.released"},
    "email": {"created": "message.sent", "updated": "message.delivery_updated", "deleted": "message.deleted"},
    "conversation": {
        "created": "conversation.started",
        "updated": "conversation.updated",
        "message_created": _MESSAGE_CREATED,
        "message_updated": "message.delivery_updated",
        "message_deleted": "message.deleted",
    },
    "webchat": {"message_created": _MESSAGE_CREATED, "session_ended": "conversation.ended"},
    "chat": _lifecycle("chat"),
    "chatparticipant": {"added": "chat.participant_added", "removed": "chat.participant_removed"},
    "chatmessage": {
        "created": "chat.message_posted",
        "reaction_updated": "chat.reaction_updated",
        "deleted": "chat.message_deleted",
    },
    "aicall": {
        "status_initializing": "ai_call.initiated",
        "status_progressing": "ai_call.connected",
        "status_pausing": "ai_call.paused",
        "status_resuming": "ai_call.resumed",
        "status_terminating": "ai_call.clearing",
        "status_terminated": "ai_call.cleared",
    },
    "aimessage": {"created": "ai_call.message_completed", "intermediate": "ai_call.message_progressed"},
    "summary": _lifecycle("summary"),
    "ai": _lifecycle("ai"),
    "team": _lifecycle("team"),
    "outdial": _lifecycle("outdial"),
    "campaigncall": _lifecycle("campaign_call"),
    "account": _lifecycle("account"),
}

_SEPARATOR = re.compile(r"[._]")


@lru_cache(1024)
def native_name(event_type: str) -> tuple[str, str]:
    """An event's resource and word: ``agent_status_updated`` and ``agent.status.updated`` are agent, status_updated."""
    resource, *word = _SEPARATOR.split(event_type)
    return resource, "_".join(word)


def kind_by(rule: str | ByField, data: Any) -> str:
    """The neutral kind by a rule of the table; empty where it has none for such a payload."""
    if isinstance(rule, ByField):
        value = data.get(rule.field) if isinstance(data, dict) else None
        fallback = rule.missing or rule.otherwise if value in (None, "") else rule.otherwise
        rule = rule.kinds.get(value, fallback) if isinstance(value, str) else fallback
    if rule == "call.cleared" and isinstance(data, dict) and _has_failed(data):
        return "call.failed"
    return rule


def kind_by_fields(rule: str | ByField, fields: Collection[str]) -> str:
    """The kind that is the same for all payloads with these fields; empty where it is not, or there is none."""
    if isinstance(rule, ByField) and rule.field in fields:
        return ""
    kind = kind_by(rule, {})
    return "" if kind == "call.cleared" and "hangup_reason" in fields else kind


def rule_of(event_type: str) -> str | ByField:
    """What the table says of an event's name; empty where it does not have it."""
    resource, word = native_name(event_type)
    return TABLE.get(resource, {}).get(word, "")


def _has_failed(call: Mapping[str, Any]) -> bool:
    """Whether a call that is over has no moment of being answered; years 1 and 9999 are none."""
    return call.get("hangup_reason") in UNANSWERED and parse_time(call.get("tm_progressing")) is None
