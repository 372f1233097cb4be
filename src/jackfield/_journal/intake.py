"""What comes into the journal and waits to be committed: without copies, within bounds, encoded once."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate
from math import inf
from typing import NamedTuple

import attrs

from jackfield._journal.dedup import SeenIds, key_of, keys_of
from jackfield._journal.log import Bounds, Log
from jackfield._journal.receipts import Receipts, Tokens
from jackfield._journal.soundness import all_sound, problem_of
from jackfield._journal.store import Store
from jackfield.events import Event
from jackfield.reports import EventsDropped, Report
from jackfield.reports._thinning import is_due

__all__ = ["Intake"]


# Groups are cut here so that those who wait for a commit do not wait for all that came after them.
GROUP, GROUP_BYTES = 2000, 8_000_000


class Group(NamedTuple):
    """Events that are committed together."""

    lines: list[bytes]
    received: list[int]
    """Microseconds since 1970."""
    events: list[Event]
    keys: list[bytes]
    """What all copies of an event share; empty where it has none."""


@attrs.define(eq=False)
class Intake:
    """Events that wait to be committed."""

    _bounds: Bounds
    _store: Store
    _log: Log
    window: SeenIds
    _receipts: Receipts
    _report: Callable[[Report], None]
    closed: bool = False
    waiting: list[Event] = attrs.field(factory=list)
    _lines: list[bytes] = attrs.field(factory=list)
    """What is to be kept of each of those."""
    _received: list[int] = attrs.field(factory=list)
    """When each came, microseconds since 1970."""
    _keys: list[bytes] = attrs.field(factory=list)
    _bytes: int = 0
    taken: int = 0
    duplicates: Counter[str] = attrs.field(factory=Counter)
    """By feed, copies of events that had come already."""
    dropped: int = 0
    dropped_for: str = ""
    """Why the last of them was."""

    @property
    def upcoming(self) -> int:
        """The position that the next event to be taken will get."""
        return self._log.end + len(self.waiting)

    @property
    def waiting_bytes(self) -> int:
        """How many bytes those have that wait."""
        return self._bytes

    @property
    def room(self) -> tuple[int, int]:
        """How many events, and about how many bytes, may come from a source that can wait; it takes half of each."""
        if self._store.instant:
            return self._bounds.events, self._bounds.json
        events, size = (self._bounds.events + 1) // 2 - len(self.waiting), self._bounds.json // 2 - self._bytes
        return max(0, events), max(0, size)

    def admit(
        self, events: Sequence[Event], drop: Callable[[int, str], object], tokens: Tokens | None = None
    ) -> list[Event]:
        """Take events, in order; those that are no copies of earlier ones, and were taken.

        `drop` is called with how many have no room, and why. A copy's token is acknowledged when the original is
        committed; that of an event that was dropped is not.
        """
        taken = list(events)
        if tokens is not None or not self._took_all(taken):
            taken = self._take_each(events, drop, tokens)
        self.taken += len(taken)
        return taken

    def _took_all(self, events: list[Event]) -> bool:
        """Take all in one step, where none is a copy, not valid or without room: so it is with nearly all reads."""
        waiting, instant = self.waiting, self._store.instant
        if self.closed or not (instant or len(waiting) + len(events) <= self._bounds.events):
            return False
        made: tuple[list[bytes], list[int], list[bytes]] | None = None
        with suppress(Exception):  # of a provider's own objects, in any way: found and named one by one
            if all_sound(events):
                made = self._store.lines(events), _moments(events), keys_of(events)
        if made is None:
            return False
        lines, received, keys = made
        size = sum(map(len, lines))
        if self._bytes + size > self._bounds.json or not self.window.took_all(keys):
            return False
        waiting += events
        self._lines += lines
        self._received += received
        self._keys += keys
        self._bytes += size
        return True

    def _take_each(
        self, events: Sequence[Event], drop: Callable[[int, str], object], tokens: Tokens | None
    ) -> list[Event]:
        taken: list[Event] = []
        known, waiting = self.window.known, self.waiting
        most = inf if self._store.instant else self._bounds.events  # what waits for nothing needs no room
        most_bytes = self._bounds.json
        for event in events:
            if problem := problem_of(event):
                self.drop(1, f"an event of feed {event.feed} cannot be kept: {problem}")
                continue
            key = key_of(event)
            if key in known:
                self.duplicates[event.feed] += 1
            elif self.closed:
                drop(1, "the journal is closed")
                continue
            elif len(waiting) >= most or self._bytes >= most_bytes:
                drop(1, f"{len(waiting)} events wait for the journal's file, and more have no room")
                continue
            else:
                try:
                    (line,) = self._store.lines([event])
                except Exception as error:  # noqa: BLE001  # a provider's own objects may fail in any way
                    problem = f"{type(error).__name__}: {error}"
                    self.drop(1, f"event {event.id!r} of feed {event.feed} is not valid JSON: {problem}")
                    continue
                self.window.add(key)
                waiting.append(event)
                self._lines.append(line)
                self._received += _moments([event])
                self._keys.append(key)
                self._bytes += len(line)
                taken.append(event)
            if tokens is not None and (token := tokens.by_event.get(event.id)) is not None:
                self._receipts.expect(token, tokens, self._log.end + len(waiting))
        return taken

    def group(self) -> Group:
        """The next events to be committed together."""
        count = GROUP
        if self._bytes > GROUP_BYTES:
            count = bisect_left(list(accumulate(map(len, self._lines[:GROUP]))), GROUP_BYTES) + 1
        return Group(self._lines[:count], self._received[:count], self.waiting[:count], self._keys[:count])

    def committed(self, group: Group) -> None:
        """These are committed: make them readable."""
        count, sizes = len(group.lines), list(map(len, group.lines))
        del self.waiting[:count], self._lines[:count], self._received[:count], self._keys[:count]
        self._bytes -= sum(sizes)
        self._log.extend(group.events, sizes)
        self.window.forget(len(self.waiting))
        if self.closed and not self.waiting:
            self._log.close()

    def abandon(self, reason: str, saved: int) -> None:
        """Give up what waits, of which the oldest are saved elsewhere."""
        if self.waiting:
            if lost := len(self.waiting) - saved:
                self.drop(lost, reason)
            self.waiting.clear()
            self._lines.clear()
            self._received.clear()
            self._keys.clear()
            self._bytes = 0

    def drop(self, count: int, reason: str) -> None:
        """Count a loss, and report it when it is due."""
        self.dropped += count
        self.dropped_for = reason
        if is_due(self.dropped, count):
            self._report(EventsDropped("journal", count, reason, self.dropped))


def _moments(events: Sequence[Event]) -> list[int]:
    """When each was received, microseconds since 1970; all events of one read have the same object for it."""
    moments = [event.received for event in events]
    first = moments[0] if moments else None
    if first is not None and moments.count(first) == len(moments):
        return [int(first.timestamp() * 1_000_000)] * len(moments)
    return [int(each.timestamp() * 1_000_000) for each in moments]
