"""Committed events, from one place to all clients: each event is matched once, and each text made once.

A client that is up to date has a `Tap`, a bounded buffer of what it selects. The newest events of all are in a ring, so
that a client that was away for a moment gets what it has missed from memory, and the journal in memory has a past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs
import trio

from jackfield._routing.index import SelectorIndex
from jackfield._serve.messages import Entry
from jackfield.events import Record
from jackfield.selectors import Selector

__all__ = ["Fanout", "Holds", "Tap"]

RING_EVENTS, RING_BYTES = 10_000, 64_000_000
SLACK = 1.25


@attrs.define(eq=False)
class Tap:
    """What waits for one client; the whole buffer is dropped when it is full, and that is noted."""

    selectors: tuple[Selector, ...]
    most_bytes: int
    wants: Callable[[Entry], bool]
    """What else decides beside the selectors."""
    entries: list[Entry] = attrs.field(factory=list)
    bytes: int = 0
    dropped: int = 0
    """Events that had no room since the last notice."""
    dropped_until: int = 0
    """The position of the last of them."""
    news: trio.Event = attrs.field(factory=trio.Event)

    def put(self, entry: Entry) -> None:
        """Buffer an event, without waiting."""
        if not self.wants(entry):
            return
        if self.dropped or (self.bytes + (size := len(entry.event.to_json())) > self.most_bytes and self.entries):
            self.dropped += 1 + len(self.entries)
            self.dropped_until = entry.position
            self.entries, self.bytes = [], 0
        else:
            self.entries.append(entry)
            self.bytes += size
        self.news.set()

    def take(self) -> list[Entry]:
        """Everything that waits."""
        taken, self.entries, self.bytes = self.entries, [], 0
        return taken


@attrs.define(eq=False)
class Fanout:
    """The ring, and the taps by what they select."""

    first: int
    """The position of the oldest event in the ring."""
    most_events: int = RING_EVENTS
    most_bytes: int = RING_BYTES
    _ring: list[Entry] = attrs.field(factory=list)
    _sizes: list[int] = attrs.field(factory=list)
    _bytes: int = 0
    _index: SelectorIndex[Tap] = attrs.field(factory=SelectorIndex)
    _taps: set[Tap] = attrs.field(factory=set)

    @property
    def taps(self) -> int:
        """How many clients are up to date."""
        return len(self._taps)

    def put(self, records: Iterable[Record]) -> None:
        """Take the events of one commit; never waits."""
        for record in records:
            entry = Entry(*record)
            if entry.position != self.first + len(self._ring):
                self._ring, self._sizes, self._bytes = [], [], 0
                self.first = entry.position
            # A frame and its payload; what came by REST or a webhook may have the payload alone.
            size = 1000 + max(len(entry.event.raw), len(entry.event.data_json or b""))
            self._ring.append(entry)
            self._sizes.append(size)
            self._bytes += size
            if self._taps:
                for tap in self._index.match(entry.event):
                    tap.put(entry)
        if len(self._ring) > self.most_events * SLACK or self._bytes > self.most_bytes * SLACK:
            self._let_go()

    def _let_go(self) -> None:
        count, left = max(0, len(self._ring) - self.most_events), self._bytes
        left -= sum(self._sizes[:count])
        while left > self.most_bytes:
            left -= self._sizes[count]
            count += 1
        self._bytes = left
        del self._ring[:count], self._sizes[:count]
        self.first += count

    def read(self, position: int, most: int) -> list[Entry] | None:
        """The next events from there on; ``None`` where the ring does not go back so far."""
        start = position - self.first
        return None if start < 0 else self._ring[start : start + most]

    def with_id(self, id: str) -> list[Entry]:
        """The events with this id, of whatever sources."""
        return [entry for entry in self._ring if entry.event.id == id]

    def attach(self, tap: Tap) -> None:
        """Let a tap have what comes from now on."""
        self._taps.add(tap)
        for selector in tap.selectors:
            self._index.add(selector, tap)

    def detach(self, tap: Tap) -> None:
        """Let it have no more."""
        if tap in self._taps:
            self._taps.remove(tap)
            for selector in tap.selectors:
                self._index.remove(selector, tap)


@attrs.define(eq=False)
class Holds:
    """What the feeds are subscribed to for clients; kept for a while after the last one has gone.

    A client that reconnects misses nothing then, and the vendors see no change.
    """

    _select: Callable[[Iterable[Selector]], None]
    _deselect: Callable[[Iterable[Selector]], None]
    _linger: float
    _most: int = 2000
    _held: dict[Selector, int] = attrs.field(factory=dict)
    _idle: dict[Selector, float] = attrs.field(factory=dict)
    """Since when nobody wants them, the oldest first."""

    def hold(self, selectors: Iterable[Selector]) -> None:
        """Somebody wants these."""
        for each in selectors:
            if each not in self._held and self._idle.pop(each, None) is None:
                self._select([each])
            self._idle.pop(each, None)
            self._held[each] = self._held.get(each, 0) + 1

    def release(self, selectors: Iterable[Selector], now: float) -> None:
        """Somebody does not want them any more."""
        for each in selectors:
            self._held[each] -= 1
            if not self._held[each]:
                del self._held[each]
                self._idle[each] = now
        self.sweep(now)

    def sweep(self, now: float) -> None:
        """Give up what nobody has wanted for long."""
        while self._idle and (len(self._idle) > self._most or next(iter(self._idle.values())) <= now - self._linger):
            selector = next(iter(self._idle))
            del self._idle[selector]
            self._deselect([selector])

    def close(self) -> None:
        """Give up everything."""
        self._deselect([*self._held, *self._idle])
        self._held.clear()
        self._idle.clear()
