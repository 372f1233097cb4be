"""One client's way through the journal: from a position on, and then live, without a hole or a repetition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
import trio

from jackfield._gateway.committed import CommittedEvents
from jackfield._gateway.missing import missing_events, own_event
from jackfield._journal.durable import DurableSubscription
from jackfield._routing.index import SelectorIndex
from jackfield._serve.asking import NEWEST, OLDEST
from jackfield._serve.fanout import Fanout, Tap
from jackfield._serve.grants import Grant
from jackfield._serve.messages import Entry, Positions
from jackfield.events import Event
from jackfield.selectors import Selector

__all__ = ["SET_BACK", "Piece", "Start", "Subscription"]

PAGE = 500
SET_BACK = "the journal was set back to before that position, such as by a backup that was put back"


@attrs.frozen
class Piece:
    """What a client gets next."""

    entries: Sequence[Entry] = ()
    notice: Event | None = None
    """What it missed, before the entries."""
    position: int = 0
    """The position up to which it has everything that it selects."""


@attrs.frozen
class Start:
    """Where a subscription begins: behind a position, at the oldest event that there is, or with the next one."""

    position: int = 0
    """The first one that is wanted."""
    gap: str = ""
    """Why what it asked for is not there."""
    asked: str = ""
    """The position that it named."""

    @classmethod
    def of(cls, after: str, positions: Positions, events: CommittedEvents) -> Start:
        """Read what a client says; `ValueError` where that is not a position."""
        if after in ("", NEWEST):
            return cls(events.end)
        if after == OLDEST:
            return cls(0)
        known = positions.read(after)
        if known is None:
            return cls(0, "the position is of another journal; what came between is not known", after)
        if not events.knows(known):
            return cls(known + 1 if known < events.end else 0, f"{SET_BACK}; what came between is not known", after)
        return cls(known + 1, asked=after)


@attrs.define(eq=False)
class Subscription:
    """The events that some selectors and a grant select, from a start on."""

    selectors: tuple[Selector, ...]
    grant: Grant
    _events: CommittedEvents
    _fanout: Fanout
    _positions: Positions
    _start: Start
    _buffer_bytes: int
    _reading: trio.CapacityLimiter
    """One client at a time reads from the disk, so that no sink has to wait for many of them."""
    _on_drop: Callable[[int], object] = lambda _count: None
    _place: DurableSubscription | None = None
    """How far its consumer has come, where it is durable."""
    _next: int = attrs.field(init=False)
    """The position that comes next, until it is live."""
    _sent: int = attrs.field(init=False)
    """The position of the last event that it was given, or passed over."""
    _tap: Tap | None = None
    _index: SelectorIndex[int] = attrs.field(factory=SelectorIndex)
    _notices: list[Event] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self._next = self._start.position
        self._sent = max(0, self._next - 1)
        for selector in self.selectors:
            self._index.add(selector, 0)
        if self._start.gap:
            self._note("gap_suspected", reason=self._start.gap, **{"from": self._start.asked})

    def close(self) -> None:
        """Get nothing more."""
        if self._tap is not None:
            self._fanout.detach(self._tap)
            self._tap = None

    def wants(self, entry: Entry) -> bool:
        """Whether the grant has this event, which a selector has."""
        return self.grant.allows_feed(entry.event.feed)

    async def take(self) -> Piece:
        """What comes next, as soon as there is something; never much at once. It may be no more than a position."""
        piece = await self._take()
        if self._place is not None and (piece.entries or piece.notice is not None):
            # What is missing is given, too: a client that dies before it reads that must get it again.
            self._place.give(piece.entries[-1].position if piece.entries else self._sent)
        self.settle()
        return piece

    def settle(self) -> int:
        """The position up to which it was given everything, 0 where that is not known at the moment.

        That is acknowledged, too, where all that was given to the consumer of a durable one is.
        """
        if self._place is not None and (passed := self.passed):
            self._place.pass_over(passed + 1)
        return self.passed

    async def _take(self) -> Piece:
        if self._notices:
            return Piece((), self._notices.pop(0), 0)
        if self._tap is None:
            return await self._read()
        tap = self._tap
        while not tap.entries and not tap.dropped:
            tap.news = trio.Event()
            await tap.news.wait()
        await trio.lowlevel.checkpoint()
        if tap.dropped and self._place is not None:  # nothing is dropped: it is read again, as fast as the client is
            self.close()
            self._next = self._sent + 1
            return await self._read()
        if tap.dropped:
            return self._dropped(tap)
        entries = tap.take()
        self._sent = entries[-1].position
        return Piece(entries, None, self._sent)

    @property
    def passed(self) -> int:
        """The position up to which it was given everything; 0 where that is not known at the moment."""
        if self._tap is None or self._tap.entries or self._tap.dropped:
            return 0
        return max(self._sent, self._events.end - 1)

    def _dropped(self, tap: Tap) -> Piece:
        count, tap.dropped = tap.dropped, 0
        self._on_drop(count)
        until = self._positions.text(tap.dropped_until)
        reason = f"more than {self._buffer_bytes} bytes waited to be sent; resume behind 'from' for what was dropped"
        self._note("dropped", **{"from": self._positions.text(self._sent), "to": until, "events": count}, reason=reason)
        return Piece((), self._notices.pop(), 0)

    async def _read(self) -> Piece:
        """The next page of what is there already; the last one makes it live."""
        await trio.lowlevel.checkpoint()
        page = self._fanout.read(self._next, PAGE)
        if page is None:
            page = await self._read_journal()
        else:
            self._next += len(page)
        match = self._index.match
        found = [entry for entry in page if match(entry.event) and self.wants(entry)]
        if self._next >= self._events.end:  # and nothing has waited since: what comes from now on is tapped
            self._tap = Tap(self.selectors, self._buffer_bytes, self.wants)
            self._fanout.attach(self._tap)
        self._sent = max(self._sent, self._next - 1)
        return Piece(found, self._notices.pop(0) if self._notices else None, self._sent)

    async def _read_journal(self) -> list[Entry]:
        start, ring = self._next, self._fanout.first
        async with self._reading:
            batch = await self._events.read(start, min(PAGE, max(1, ring - start)))
        if batch.next > ring:  # the journal has let go of what the ring still has
            records = [each for each in batch.records if each.position < ring]
            batch = attrs.evolve(batch, records=records, next=ring, deleted=min(batch.deleted, ring - start))
        self._next = max(batch.next, start)
        self._notices += [each.event for each in missing_events(self._positions.journal, start, batch)]
        return [Entry(*record) for record in batch.records]

    def _note(self, word: str, **data: Any) -> None:
        self._notices.append(own_event(self._positions.journal, word, datetime.now(UTC), data))
