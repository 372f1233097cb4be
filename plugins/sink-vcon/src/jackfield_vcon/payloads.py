"""What only a vendor's payload says: the text of a message, a segment of a transcript, an agent's notes; pure.

A sink reads neutral attributes. What has none is read here, from fields that a vendor's documentation gives for
exactly that.
"""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.events import Event

__all__ = [
    "ai_call_of",
    "campaign_of",
    "disposition_of",
    "ended_by",
    "role_of",
    "same_message",
    "side_of",
    "supervisor_of",
    "text_of",
]

_NIL = "00000000-0000-0000-0000-000000000000"
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "message": ("text", "content", "body"),
    "chat": ("text", "content"),
    "transcription": ("message", "text"),
    "ai_call": ("content", "message"),
    "summary": ("content", "text"),
}


def text_of(event: Event) -> str:
    """The text of what an event is about; empty where there is none."""
    data = event.data if isinstance(event.data, dict) else {}
    for name in _TEXTS.get(event.kind.partition(".")[0], ()):
        if isinstance(text := data.get(name), str) and text:
            return text
    return ""


def side_of(event: Event) -> str:
    """Who spoke a segment: ``in`` the customer, ``out`` the other side; empty where that is not said."""
    said = _text(event, "direction")
    return said if said in ("in", "out") else ""


def role_of(event: Event) -> str:
    """Who said something in a talk with a machine: ``user``, ``assistant`` …; empty where that is not said."""
    return _text(event, "role")


def ai_call_of(event: Event) -> str:
    """The talk with a machine in which something was said."""
    return _text(event, "aicall_id")


def disposition_of(event: Event) -> dict[str, str]:
    """How an agent classified a contact, and his notes, as far as he did."""
    return {name: text for name in ("disposition", "notes") if (text := _text(event, name))}


def supervisor_of(event: Event) -> str:
    """The id of the agent who listens to another."""
    return _text(event, "wiretapping_recipient")


def same_message(event: Event) -> str:
    """The id by which the vendor has published this message already; a conversation's repeats it."""
    return _text(event, "reference_id") if _text(event, "reference_type") == "message" else ""


def ended_by(event: Event) -> str:
    """Who ended a call: ``remote`` the far end, ``local`` ours; empty where that is not said."""
    said = _text(event, "hangup_by")
    return said if said in ("remote", "local") else ""


def campaign_of(event: Event) -> tuple[str, str]:
    """The campaign that made a call, and the dialling list from which it took the number."""
    if not event.kind.startswith("campaign_call."):
        return "", ""
    found = (_text(event, name) for name in ("campaign_id", "outdial_id"))
    campaign, contact_list = ("" if each == _NIL else each for each in found)
    return campaign, contact_list


def _text(event: Event, name: str) -> str:
    found = event.data.get(name) if isinstance(event.data, dict) else None
    return found if isinstance(found, str) else ""
