"""What happened to a bare resource: a question that VoIPBIN's websocket leaves to its reader.

Which resource it is says `jackfield_voipbin.shapes`. The name is that under which the platform publishes the event, as
far as the resource shows it: ``deleted`` once it has a ``tm_delete``; ``created`` while it has no ``tm_update`` and is
in a state that it may be created in; else its state; else ``updated``. Which of two names it is that one resource fits,
as ``call_progressing`` and a ``call_updated`` of a call in progress, says `jackfield_voipbin.naming`. Every event with
such a name is marked as inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield_voipbin.shapes import resource_of
from jackfield_voipbin.times import parse_time

__all__ = ["name_as", "name_of"]

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
