"""Whether an event is what its annotations say: a plugin's mistake costs that event, and not the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from jackfield.addresses import Address
from jackfield.events import NO_PARTIES, Event, Parties

__all__ = ["all_sound", "problem_of"]

_TEXT_OR_NONE = {str, type(None)}


def all_sound(events: Sequence[Any]) -> bool:
    """Whether they are events in whose fields nothing is wrong, but for their payloads; `problem_of` says what is."""
    for event in events:
        parties = event.parties
        if not (
            type(event.id) is str
            and type(event.kind) is str
            and type(event.correlation) in _TEXT_OR_NONE
            and isinstance(event.received, datetime)
            and type(event.address) is Address
            and (parties is NO_PARTIES or (type(parties) is Parties and _all_texts(parties)))
        ):
            return False
    return True


def _all_texts(parties: Parties) -> bool:
    try:
        "".join(msgspec.structs.astuple(parties))
    except TypeError:
        return False
    return True


def problem_of(event: Event) -> str:
    """What is wrong with an event, in words; empty for a good one, as far as that is known without its payload."""
    for name, right in (("id", str), ("kind", str), ("received", datetime), ("address", Address), ("parties", Parties)):
        value = getattr(event, name, None)
        if not isinstance(value, right):
            return f"{name} is {value!r:.80}, and not of type {right.__name__}"
    if type(event.correlation) not in _TEXT_OR_NONE:
        return f"correlation is {event.correlation!r:.80}, and neither a text nor None"
    try:
        msgspec.convert(msgspec.structs.asdict(event.parties), Parties)
    except msgspec.ValidationError as error:
        return f"parties: {error}"
    return ""
