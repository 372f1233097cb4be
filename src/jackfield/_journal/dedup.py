"""The ids of the newest events, so that a copy of one is known when it comes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable

import attrs

from jackfield.events import Event

__all__ = ["SeenIds", "key_of"]

KEY_BYTES = 16


def key_of(event: Event) -> bytes:
    """What all copies of an event share and no two events do: a digest of its source and its id.

    Empty for the facts about a stream itself, which have no copies.
    """
    if event.kind.startswith("stream."):
        return b""
    provider, scope, scope_id, _, _, _ = event.address
    text = f"{provider}/{scope}/{len(scope_id)}/{scope_id}{event.id}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:KEY_BYTES]


@attrs.define(eq=False)
class SeenIds:
    """As many of the newest ids as the limit says, and all that are not committed yet."""

    _limit: int
    _numbers: OrderedDict[bytes, int] = attrs.field(factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, key: bytes) -> bool:
        return key in self._numbers

    def refill(self, keys: Iterable[bytes]) -> None:
        """Take the ids of events that were committed before, the oldest first."""
        for key in keys:
            self._numbers[key] = 0

    def add(self, key: bytes, position: int) -> None:
        """Take the id of the event at that position; an empty one is none."""
        if key:
            self._numbers[key] = position

    def forget(self, committed: int) -> None:
        """Let the oldest go that are beyond the limit; those of events from position `committed` on stay."""
        numbers = self._numbers
        while len(numbers) > self._limit:
            key, position = numbers.popitem(last=False)
            if position >= committed:
                numbers[key] = position
                numbers.move_to_end(key, last=False)
                break
