"""What a bare resource is, and what happened to it: two questions that VoIPBIN's websocket leaves to its reader.

Each resource is known by fields that no other has, and that the platform never leaves out. The name is that
under which the platform publishes the event, as far as the resource shows it: ``deleted`` once it has a
``tm_delete``; ``created`` while it has no ``tm_update`` and is in a state that it may be created in; else its
state; else ``updated``. Which of two names it is that one resource fits, as ``call_progressing`` and a ``call_updated``
of a call in progress, says `jackfield_voipbin.naming`. Every event with such a name is marked as inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield_voipbin.times import parse_time

__all__ = ["FIELDS", "name_as", "name_of", "nearest", "resource_of"]

# In this order: a speech and an intermediate message have the fields of their plainer kin, and more.
FIELDS: Mapping[str, frozenset[str]] = {
    resource: frozenset(fields.split())
    for resource, fields in {
        "call": "source destination action",
        "queuecall": "service_agent_id reference_id",
        "activeflow": "flow_id current_action",
        "agent": "ring_method permission",
        "groupcall": "answer_call_id answer_groupcall_id",
        "conference": "pre_flow_id post_flow_id",
        "message": "targets direction",
        "recording": "on_end_flow_id owner_id",
        "transcribe_speech": "streaming_id transcribe_id",
        "transcript": "transcribe_id message",  # its offset was tm_transcript, and is offset_ms since autumn 2026
        "transcribe": "on_end_flow_id provider",
        "campaigncall": "campaign_id outdial_target_id",
        "campaign": "end_handle service_level",
        "number": "number call_flow_id",
        "aicall": "assistance_id confbridge_id",
        "aimessage_intermediate": "aicall_id sequence",
        "aimessage": "aicall_id active_ai_id",
        "chatmessage": "chat_id medias",
        "chatparticipant": "chat_id tm_joined",
        "conversation_message": "conversation_id source destination",
        "conversation": "account_id self peer",
        "webchat_message": "widget_id session_id",
        "webchat_session": "widget_id local",
        "email": "subject content",
        "outdial": "campaign_id data",
        "ai": "is_insight_active rag_id",
        "team": "start_member_id",
        "account": "message_flow_id",
        "summary": "on_end_flow_id activeflow_id",
    }.items()
}
"""By resource, as its events' names begin: the fields by which it is known."""

# A talk's chat has no field of its own but its type.
_CHAT_TYPES = ("direct", "group", "talk")

# By resource: what the platform names the event of each state.
_STATES: Mapping[str, Mapping[str, str]] = {
    "call": {each: each for each in ("dialing", "ringing", "progressing", "terminating", "canceling", "hangup")},
    "groupcall": {"progressing": "progressing", "hangup": "hangup"},
    "queuecall": {
        "initiating": "created",
        "waiting": "waiting",
        "connecting": "connecting",
        "service": "serviced",
        "done": "done",
        "abandoned": "abandoned",
    },
    "campaign": {"run": "status_run", "stopping": "status_stopping", "stop": "status_stop"},
    "recording": {"initiating": "started", "recording": "started", "ended": "finished"},
    "transcribe": {"progressing": "progressing", "done": "done"},
    "aicall": {
        "initiating": "status_initializing",
        "progressing": "status_progressing",
        "pausing": "status_pausing",
        "resuming": "status_resuming",
        "terminating": "status_terminating",
        "terminated": "status_terminated",
    },
    "webchat_session": {"ended": "ended"},
}

# Those of the states in which the platform creates a resource and says so.
_FIRST_STATES: Mapping[str, tuple[str, ...]] = {
    "call": ("dialing", "ringing"),
    "groupcall": ("progressing",),
    "campaign": ("stop",),
    "transcribe": ("progressing",),
}

# Where the platform has a name of its own for what is ``created`` or ``updated`` elsewhere.
_OWN_WORDS: Mapping[tuple[str, str], str] = {
    ("agent", "updated"): "status_updated",
    ("chatmessage", "updated"): "reaction_updated",
    ("chatparticipant", "created"): "added",
}


def resource_of(data: Mapping[str, Any]) -> str:
    """The resource that these fields are of; empty where it is none that is known."""
    keys = data.keys()
    for resource, fields in FIELDS.items():
        if fields <= keys:
            return resource
    return "chat" if data.get("type") in _CHAT_TYPES else ""


def nearest(data: Mapping[str, Any]) -> str:
    """For a report: what an unknown object resembles most, and what it lacks of that."""

    def share(resource: str) -> float:
        return len(FIELDS[resource] & data.keys()) / len(FIELDS[resource])

    best = max(FIELDS, key=share)
    if not share(best):
        return "it resembles no resource"
    return f"the nearest is {best}, which also has {', '.join(sorted(FIELDS[best] - data.keys()))}"


def name_of(data: Mapping[str, Any]) -> str:
    """The deployed name of the event that left a resource like this; empty where the resource is unknown."""
    return name_as(resource_of(data), data)


def name_as(resource: str, data: Mapping[str, Any]) -> str:
    """The same where the resource is known."""
    if resource in ("", "aimessage_intermediate"):
        return resource
    if resource == "transcribe_speech":
        # Whether speech has begun or ended does not show.
        return "transcribe_speech_interim" if data.get("message") else resource
    return f"{resource}_{_word(resource, data)}"


def _word(resource: str, data: Mapping[str, Any]) -> str:
    if parse_time(data.get("tm_delete")):
        return "deleted"
    status = data.get("status")
    state = _STATES.get(resource, {}).get(status) if isinstance(status, str) else None
    unchanged = parse_time(data.get("tm_update")) is None
    if state and not (unchanged and status in _FIRST_STATES.get(resource, ())):
        return state
    word = "created" if unchanged else "updated"
    return _OWN_WORDS.get((resource, word), word)
