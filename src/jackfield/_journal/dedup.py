"""The ids of the newest events, so that a copy of one is known when it comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import attrs

from jackfield._journal.segments import keys
from jackfield.events import Event

__all__ = ["SeenIds", "key_of", "keys_of"]


def key_of(event: Event) -> bytes:
    """What all copies of an event share and no two events do.

    Empty for the facts about a stream itself, which have no copies.
    """
    if event.kind.startswith("stream."):
        return b""
    provider, scope, scope_id, _, _, _ = event.address
    return keys.salted(keys.salt_of(provider, scope, scope_id), event.id)


def keys_of(events: Sequence[Event]) -> list[bytes]:
    """The key of each of some events; in a few calls where they are what one feed gets in one read."""
    if len(events) > 1:
        source = events[0].address[:3]
        one_source = [event.address[:3] for event in events].count(source) == len(events)
        if one_source and not any(kind.startswith("stream.") for kind in {event.kind for event in events}):
            keys_ = keys.salted_digests(keys.salt_of(*source), [event.id for event in events])
            if keys_ is not None:
                return keys_
    return list(map(key_of, events))


@attrs.define(eq=False)
class SeenIds:
    """As many of the newest ids as the limit says, and all that are not committed yet."""

    _limit: int
    known: set[bytes] = attrs.field(factory=set)
    _order: deque[bytes] = attrs.field(factory=deque)

    def __len__(self) -> int:
        return len(self._order)

    def refill(self, known: Iterable[bytes]) -> None:
        """Take the ids of events that were committed before, the oldest first."""
        new = dict.fromkeys(known)  # at the start of a gateway, so in one step and not key by key
        self.known.update(new)
        self._order.extend(new)

    def add(self, key: bytes) -> None:
        """Take the id of the next event, which is not known yet; an empty one is none."""
        if key:
            self.known.add(key)
            self._order.append(key)

    def took_all(self, new: list[bytes]) -> bool:
        """Take the ids of the next events, where each has one and none is known yet; whether that is so."""
        distinct = set(new)
        if len(distinct) < len(new) or b"" in distinct or not self.known.isdisjoint(distinct):
            return False
        self.known |= distinct
        self._order.extend(new)
        return True

    def forget(self, waiting: int) -> None:
        """Let the oldest go that are beyond the limit, but for the newest `waiting`, which are not committed yet."""
        order, most = self._order, max(self._limit, waiting)
        if (surplus := len(order) - most) > 0:
            self.known.difference_update([order.popleft() for _ in range(surplus)])
