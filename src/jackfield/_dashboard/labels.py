"""Names and numbers for display, from an event's address and parties; if the vendor names nobody, the id is shown."""

from __future__ import annotations

from jackfield.addresses import Address
from jackfield.events import Event

__all__ = ["address_of", "agent_id", "agent_name", "called", "caller", "clip", "id_of", "queue_id", "queue_name"]

LONGEST = 160
"""Maximum length of any text from outside, so that no payload makes the board grow."""


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


def caller(event: Event) -> str:
    """The caller's name or number."""
    return clip(event.parties.caller_name or event.parties.caller)


def called(event: Event) -> str:
    """The callee's name or number."""
    return clip(event.parties.callee_name or event.parties.callee)


def queue_id(event: Event) -> str:
    """The key of the queue that the event is about or mentions; empty if there is none."""
    if event.address.resource == "queue":
        return id_of(event)
    return key(event, event.parties.queue_id) if event.parties.queue_id else ""


def queue_name(event: Event) -> str:
    """The name of that queue."""
    return clip(event.parties.queue_name)


def agent_id(event: Event) -> str:
    """The key of the agent that the event mentions; empty if there is none."""
    return key(event, event.parties.agent_id) if event.parties.agent_id else ""


def agent_name(event: Event) -> str:
    """The name of that agent."""
    return clip(event.parties.agent_name)
