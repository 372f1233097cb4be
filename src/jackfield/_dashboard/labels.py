"""Words for people out of vendors' payloads: guesses at the fields that hold them, shown and never relied on.

What a row is and which state it has comes from the neutral kind and address alone. Vendors call the
rest what they like; where none of these names is there, the id is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jackfield.addresses import Address
from jackfield.events import Event

__all__ = ["address_of", "agent_id", "called", "caller", "clip", "id_of", "name", "queue_id", "queue_name"]

LONGEST = 160
"""Characters of any text that came from outside, so that no payload makes the board grow."""

_NAME = ("name", "display_name", "username")
_CALLER = ("caller_id_name", "caller_name", "caller_id_number", "source.target_name", "source.target", "from")
_CALLED = ("callee_id_name", "callee_id_number", "destination.target_name", "destination.target", "to")
_QUEUE_ID = ("queue_id",)
_QUEUE_NAME = ("queue_name", "queue.name")
_AGENT_ID = ("agent_id", "recipient_id")


def clip(text: str) -> str:
    """The text, shortened if it is too long to be shown."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def id_of(event: Event) -> str:
    """What one thing of one provider is called on the board."""
    return key(event, event.address.resource_id)


def key(event: Event, id: str) -> str:
    """The same, for an id that the event mentions."""
    return f"{clip(event.address.provider)}/{clip(id)}"


def address_of(event: Event) -> Address:
    """The event's address, with no segment longer than can be shown."""
    return Address(*map(clip, event.address))


def name(event: Event) -> str:
    """What the thing that the event is about is called."""
    return _first(event.data, _NAME)


def caller(event: Event) -> str:
    """Who calls."""
    return _first(event.data, _CALLER)


def called(event: Event) -> str:
    """Who is called."""
    return _first(event.data, _CALLED)


def queue_id(event: Event) -> str:
    """The queue that the event is about or mentions, as `id_of`; empty where there is none."""
    if event.address.resource == "queue":
        return id_of(event)
    found = _first(event.data, _QUEUE_ID)
    return key(event, found) if found else ""


def queue_name(event: Event) -> str:
    """What that queue is called."""
    return _first(event.data, _QUEUE_NAME) or (name(event) if event.address.resource == "queue" else "")


def agent_id(event: Event) -> str:
    """The agent whom the event mentions, as `id_of`; empty where there is none."""
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
