"""The way of one feed's events into the journal: open while this member writes, and into a buffer while it does not.

What another member wrote, and up to when, is known by the note that it left with the lease. So whoever takes over knows
which of its own holes nobody has filled: a feed's gap is announced for a span in which no member was subscribed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import msgspec

from jackfield._feed.gap import AnnouncedGap
from jackfield._feed.recorder import Committed, Deliver
from jackfield._gateway.cluster.standby import StandbyBuffer
from jackfield._journal.downtime import Account, AccountRow
from jackfield.events import Event

__all__ = ["Gate", "Note"]

# By so much the clocks of two members may differ.
CLOCKS = timedelta(seconds=1)
MOST_LAG = timedelta(minutes=5)
MOST_SENT = 1000
NOBODY = "no member of the cluster wrote"


class Note(msgspec.Struct):
    """What the holder of a feed leaves for the next one, with the lease."""

    account: tuple[int, int | None, int | None, int | None] | None = None
    """As `Account.row`, but never behind what every sink has got."""
    newest: str = ""
    """The id of the newest event that every sink has got."""

    @classmethod
    def of(cls, account: Account | None, newest: str) -> Note:
        """One that says so."""
        return cls(None if account is None else account.row(0)[:4], newest)

    @classmethod
    def read(cls, text: str) -> Note:
        """What was written; empty where that cannot be read, or there is nothing."""
        try:
            return msgspec.json.decode(text, type=cls) if text else cls()
        except msgspec.MsgspecError:
            return cls()

    @property
    def settled(self) -> Account | None:
        """The account again."""
        return None if self.account is None else Account.of(AccountRow(*self.account, position=0))

    def write(self) -> str:
        """As text."""
        return msgspec.json.encode(self).decode()


@attrs.define
class _Sent:
    position: int
    newest: str
    oldest_at: datetime


@attrs.define(eq=False)
class Gate:
    """Called with each feed's events, as the way in that a session has."""

    feed: str
    _through: Deliver
    _upcoming: Callable[[], int]
    """The journal's next position."""
    _clock: Callable[[], float]
    buffer: StandbyBuffer
    relief: Callable[[datetime], bool] = lambda _: False
    """Whether another member that is connected to the feed has everything since then."""
    wake: Callable[[], object] = lambda: None
    """Called when the lease is to be handed over."""
    fence: int = 0
    until: float = -math.inf
    """Until when this member writes, unless its lease is renewed."""
    writing: bool = False
    handing_over: bool = False
    """Whether another member is to write from now on, since it has what came while this one was not subscribed."""
    complete_since: datetime | None = None
    """Since when the buffer has everything, but for `holes`; ``None`` before the first subscription."""
    holes: list[AnnouncedGap] = attrs.field(factory=list)
    account: Account | None = None
    """The newest that the session has given."""
    _sent: deque[_Sent] = attrs.field(factory=deque)
    """What was written and may not have reached every sink, oldest first."""
    _newest: str = ""
    _lag: timedelta = timedelta()
    """How long after its moment the newest event came: what a busy vendor has still to send was not heard."""

    def __call__(
        self, events: list[Event], tokens: Mapping[str, str] = {}, committed: Committed | None = None, /
    ) -> None:
        """Let events through, or keep them."""
        is_open = self.is_open
        if is_open and self.buffer.is_empty:
            self._write(events, tokens, committed)
            return
        if len(events) == 1 and events[0].kind.startswith("stream."):
            self._learn(events[0])
            if not is_open:
                return  # of a connection that nobody hears of yet
        dropped = self.buffer.put(events, tokens, committed, self._clock())
        if dropped is not None:
            self.holes.append(AnnouncedGap(*dropped, "the buffer of the member that stood by was full"))

    @property
    def is_open(self) -> bool:
        """Whether this member writes; never behind the end of its lease, even where nobody had the time to say so."""
        if self.writing and self._clock() >= self.until:
            self.close()
        return self.writing

    def _write(self, events: list[Event], tokens: Mapping[str, str], committed: Committed | None) -> None:
        self._through(events, tokens, committed)
        self._learn(events[-1])
        position, last = self._upcoming(), events[-1]
        if last.origin == "live" and last.time is not None:
            self._lag = min(max(timedelta(), last.received - last.time), MOST_LAG)
        if self._sent and (len(self._sent) >= MOST_SENT or last.origin != "live"):
            self._sent[-1].position = position
            if last.origin == "live":
                self._sent[-1].newest = last.id
        elif last.origin == "live" and not last.kind.startswith("stream."):
            self._sent.append(_Sent(position, last.id, events[0].received))

    def keep(self, note: Callable[[Account], object], account: Account) -> None:
        """What the session says of its time: for this gateway's next run, and for the next holder."""
        self.account = account
        note(account)

    def _learn(self, event: Event) -> None:
        if self.complete_since is None and event.kind == "stream.subscribed":
            data: Any = event.data
            if isinstance(data, dict) and data.get("topics"):
                self.complete_since = event.received

    # -- gaps --------------------------------------------------------------------------------------

    def withhold(self, since: datetime, until: datetime, cause: str) -> bool:
        """Whether a gap of this member's connection is none of the feed's yet: what `FeedRecorder.withhold` asks."""
        if self.is_open and not self.relief(since):
            return False
        if self.writing:
            self.close()
            self.handing_over = True
            self.wake()
        self.holes.append(AnnouncedGap(since, until, cause))
        return True

    def gaps(self, note: Note) -> list[AnnouncedGap]:
        """The spans that neither the last holder nor this member has, by the note that was left."""
        settled = note.settled
        if settled is None:
            return []
        wrote, complete = settled.heard - CLOCKS, self.complete_since
        found = [] if complete is None or complete <= wrote else [AnnouncedGap(wrote, complete, NOBODY)]
        holes = [hole for hole in self.holes if hole.until > wrote]
        return found + [AnnouncedGap(max(hole.since, wrote), hole.until, hole.reason) for hole in holes]

    # -- writing -----------------------------------------------------------------------------------

    def open(self, fence: int, until: float) -> None:
        """Write from now on, once what was kept is written: by `write_kept`, as often as there is room for some."""
        self.fence, self.until, self.writing, self.handing_over = fence, until, True, False
        self.buffer.ages = False
        self.holes.clear()

    def write_kept(self, events: float = math.inf, size: float = math.inf) -> int:
        """Write the oldest of what was kept, where so many events and bytes have room; how many events."""
        taken = self.buffer.take(events, size)
        for copies in taken:
            self._write(copies.events, copies.tokens, copies.committed)
        return sum(len(copies.events) for copies in taken)

    def close(self) -> None:
        """Write nothing more."""
        self.writing = False
        self.buffer.ages = True

    @property
    def has_all_since(self) -> datetime | None:
        """Since when nothing is missing here."""
        return self.holes[-1].until if self.holes else self.complete_since

    def note(self, account: Account | None, passed: int) -> Note:
        """What to leave for the next holder, where every sink has got everything before position `passed`."""
        while self._sent and self._sent[0].position <= passed:
            self._newest = self._sent.popleft().newest or self._newest
        behind = [self._sent[0].oldest_at] if self._sent else []
        behind += [] if self.buffer.oldest_at is None else [self.buffer.oldest_at]
        behind += [hole.since for hole in self.holes[:1]]  # which another member is to fill
        if account is not None:
            heard = min([account.heard, *behind]) - self._lag
            accounted = None if account.accounted is None else min(account.accounted, heard)
            account = attrs.evolve(account, heard=heard, accounted=accounted)
        return Note.of(account, self._newest)
