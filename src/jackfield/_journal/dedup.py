"""The ids of the newest events, so that a copy of one is known when it comes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import attrs

from jackfield._journal.segments import keys
from jackfield.events import Event

__all__ = ["SeenIds", "key_of"]


def key_of(event: Event) -> bytes:
    """What all copies of an event share and no two events do.

    Empty for the facts about a stream itself, which have no copies.
    """
    if event.kind.startswith("stream."):
        return b""
    provider, scope, scope_id, _, _, _ = event.address
    return keys.key_of(provider, scope, scope_id, event.id)


@attrs.define(eq=False)
class SeenIds:
    """As many of the newest ids as the limit says, and all that are not committed yet."""

    _limit: int
    _numbers: OrderedDict[bytes, int] = attrs.field(factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, key: bytes) -> bool:
        return key in self._numbers

    def refill(self, known: Iterable[bytes]) -> None:
        """Take the ids of events that were committed before, the oldest first."""
        for key in known:
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
