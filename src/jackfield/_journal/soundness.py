"""Whether an event is what its annotations say: a plugin's mistake costs that event, and not the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from jackfield.addresses import Address
from jackfield.events import NO_PARTIES, Event, Parties

__all__ = ["all_sound", "problem_of"]

_TEXT_OR_NONE = {str, type(None)}


def all_sound(events: Sequence[Event]) -> bool:
    """Whether nothing is wrong with any of them, but for their payloads; in a few calls for all."""
    parties = [event.parties for event in events if event.parties is not NO_PARTIES]
    try:
        "".join(["".join(msgspec.structs.astuple(each)) for each in parties])
    except TypeError:
        return False
    return (
        set(map(type, [event.id for event in events])) <= {str}
        and set(map(type, [event.kind for event in events])) <= {str}
        and set(map(type, [event.correlation for event in events])) <= _TEXT_OR_NONE
        and all(isinstance(event.received, datetime) for event in events)
        and set(map(type, [event.address for event in events])) <= {Address}
        and set(map(type, parties)) <= {Parties}
    )


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
