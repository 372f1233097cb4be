"""Frames that a vendor could have sent too: the examples with other ids, and with more in them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from jackfield.events import Event
from jackfield.testing._mutations import json_in

__all__ = ["enlarged", "identifiers_of", "with_other_ids"]

LEAST_DIGITS = 6


def identifiers_of(events: Iterable[Event]) -> list[str]:
    """What names things in these events, the longest first."""
    found = {text for event in events for text in (event.id, event.address.resource_id, event.correlation) if text}
    return sorted(found, key=len, reverse=True)


def with_other_ids(frame: bytes, identifiers: Iterable[str], number: int) -> bytes:
    """The frame with each of these as another one of its form: other digits in its last places."""
    for text in identifiers:
        other = _other(text, number).encode()
        if text.isalnum():
            parts = re.split(rb"(?<![0-9A-Za-z])" + re.escape(text.encode()) + rb"(?![0-9A-Za-z])", frame)
            frame = other.join(parts)
        else:
            frame = frame.replace(text.encode(), other)
    return frame


def _other(text: str, number: int) -> str:
    places = [index for index, character in enumerate(text) if character.isascii() and character.isdigit()]
    if len(places) < LEAST_DIGITS:
        return f"{text}{number}"
    letters = list(text)
    for place, digit in zip(reversed(places), reversed(str(number)), strict=False):
        letters[place] = digit
    return "".join(letters)


def enlarged(frame: bytes, size: int) -> bytes | None:
    """A frame with so many more bytes in the first object of its JSON object, or in itself; ``None`` without one."""
    before, document = json_in(frame) or (b"", None)
    if not isinstance(document, dict):
        return None
    inner = next((each for each in document.values() if isinstance(each, dict)), document)
    inner["x_filler"] = "x" * size
    return before + msgspec.json.encode(document)
