"""Names and numbers from vendors' payloads: guesses at the fields that hold them, for display only.

A row's identity and state come from the neutral kind and address alone. The names of payload fields
differ by vendor; if none of these fields exists, the id is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jackfield.addresses import Address
from jackfield.events import Event

__all__ = ["address_of", "agent_id", "called", "caller", "clip", "id_of", "name", "queue_id", "queue_name"]

LONGEST = 160
"""Maximum length of any text from outside, so that no payload makes the board grow."""

_NAME = ("name", "display_name", "username")
_CALLER = ("caller_id_name", "caller_name", "caller_id_number", "source.target_name", "source.target", "from")
_CALLED = ("callee_id_name", "callee_id_number", "destination.target_name", "destination.target", "to")
_QUEUE_ID = ("queue_id",)
_QUEUE_NAME = ("queue_name", "queue.name")
_AGENT_ID = ("agent_id", "recipient_id")


def clip(text: str) -> str:
    """The text, shortened to `LONGEST` characters."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def id_of(event: Event) -> str:
    """The board's key for the event's resource."""
    return key(event, event.address.resource_id)


def key(event: Event, id: str) -> str:
    """The board's key for another id of the same provider."""
    return f"{clip(event.address.provider)}/{clip(id)}"


def address_of(event: Event) -> Address:
    """The event's address with shortened segments."""
    return Address(*map(clip, event.address))


def name(event: Event) -> str:
    """The name of the event's resource."""
    return _first(event.data, _NAME)


def caller(event: Event) -> str:
    """The caller's name or number."""
    return _first(event.data, _CALLER)


def called(event: Event) -> str:
    """The callee's name or number."""
    return _first(event.data, _CALLED)


def queue_id(event: Event) -> str:
    """The key of the queue that the event is about or mentions; empty if there is none."""
    if event.address.resource == "queue":
        return id_of(event)
    found = _first(event.data, _QUEUE_ID)
    return key(event, found) if found else ""


def queue_name(event: Event) -> str:
    """The name of that queue."""
    return _first(event.data, _QUEUE_NAME) or (name(event) if event.address.resource == "queue" else "")


def agent_id(event: Event) -> str:
    """The key of the agent that the event mentions; empty if there is none."""
    found = _first(event.data, _AGENT_ID)
    return key(event, found) if found else ""


def _first(data: Any, paths: Sequence[str]) -> str:
    for path in paths:
        value = data
        for field in path.split("."):
            value = value.get(field) if isinstance(value, dict) else None
        if isinstance(value, str) and value.strip():
            return clip(value.strip())
    return ""
