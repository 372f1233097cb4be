"""What only a vendor's payload says: the text of a message, a segment of a transcript, a summary; pure.

A sink reads neutral attributes. Texts have none, so each field that is read here is one that the documentation of a
vendor gives for exactly that.
"""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.events import Event

__all__ = ["side_of", "text_of"]

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
    data = event.data if isinstance(event.data, dict) else {}
    said = data.get("direction")
    return said if said in ("in", "out") else ""
