"""Texts for the page: states as people say them, and nothing from outside that is long."""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.state import Agent, Value

__all__ = ["address_of", "clip", "state_of"]

LONGEST = 160
"""Maximum length of any text from outside, so that no payload makes the board grow."""

_WORDS: Mapping[str, str] = {
    "created": "new",
    "initiated": "new",
    "originated": "dialling",
    "alerting": "ringing",
    "held": "on hold",
    "clearing": "ending",
    "cleared": "ended",
    "queued": "waiting",
    "routed": "offered",
    "disconnected": "agent left",
    "dequeued": "left the queue",
    "logged_off": "logged off",
    "not_ready": "away",
    "reserved": "offered",
    "wrapup": "wrap-up",
    "started": "open",
    "stopped": "closed",
}
"""What the page says for a state of `jackfield.state`; the others are said as they are."""


def clip(text: str) -> str:
    """The text, shortened to `LONGEST` characters."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def address_of(event: Event) -> Address:
    """The event's address with shortened segments."""
    return Address(*map(clip, event.address))


def state_of(value: Value, *, contact: bool = False) -> str:
    """The state of a call, a contact, an agent or a queue, in one or two words."""
    state: str = getattr(value, "state", "")
    if isinstance(value, Agent) and value.external:
        return "outside call"
    if contact and state == "connected":
        return "with agent"
    return _WORDS.get(state, state)
