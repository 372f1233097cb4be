"""Texts that can be written: a vendor may send half of a surrogate pair, which no checkpoint and no page can hold."""

from __future__ import annotations

import msgspec

from jackfield.events import NO_PARTIES, Event, without_half_pairs

__all__ = ["writable"]


def writable(event: Event) -> Event:
    """The event, or it without half pairs where what the state keeps of it has any."""
    parties = event.parties
    shown = () if parties is NO_PARTIES else msgspec.structs.astuple(parties)
    texts = "".join((event.correlation or "", event.address.resource_id, *shown))
    if not texts.isascii():
        try:
            texts.encode()
        except UnicodeEncodeError:
            return without_half_pairs(event)
    return event
