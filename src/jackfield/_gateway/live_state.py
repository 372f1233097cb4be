"""The state of a running gateway: reduced from committed events once somebody asks for it, and saved every so often.

It costs nothing before that. Then it begins with the last checkpoint and the events that were committed since, or
where there is none with the journal's events of today, and with what the feeds' vendors list; from there on it follows
each commit. Old events may be read while new ones come, since their order does not matter to the reducer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from zoneinfo import ZoneInfo

import attrs
import trio

from jackfield._feed.session import Session
from jackfield._gateway.syncing import FeedSync
from jackfield._gateway.watch import Watch, check_entities
from jackfield._journal import Journal
from jackfield.config import GatewayOptions
from jackfield.errors import JackfieldError, JournalError
from jackfield.events import Event, Record
from jackfield.reports import FeedState, Report
from jackfield.selectors import Selector
from jackfield.state import Ref, Snapshot, State, Value
from jackfield.state.checkpoint import SILENT, read_checkpoint, write_checkpoint

__all__ = ["LiveState"]

SELECTORS = tuple(map(Selector.parse, ("call.*", "contact.*", "offer.*", "agent.*", "queue.*")))
"""What feeds must subscribe to for it; the facts about their streams come anyway."""
CHECKPOINT_SECONDS = 30.0
PAGE = 200
MOST_READ = 200_000
"""Events that are read back where there is no checkpoint."""
CATCH_UP_SECONDS = 1.0
"""For so long the first to ask waits for old events to be read; the snapshot says how many are not."""
LIVE = frozenset({FeedState.SUBSCRIBED, FeedState.LISTENING})


@attrs.define(eq=False)
class LiveState:
    """The state, its watches, and its checkpoint."""

    _options: GatewayOptions
    _journal: Journal
    _sessions: Mapping[str, Session]
    _select: Callable[[Iterable[Selector]], None]
    _take: Callable[[str, list[Event]], None]
    _report: Callable[[Report], None]
    _state: State = attrs.field(init=False)
    _position: int = 0
    """Of the newest event that is in the state."""
    _saved: int = -1
    """Of the newest event that is in the checkpoint."""
    _unread: int = 0
    """Old events that are not in the state yet."""
    _follows: bool = False
    """Whether it gets each commit."""
    _day: date | None = None
    _watches: list[Watch] = attrs.field(factory=list)
    _syncs: dict[str, FeedSync] = attrs.field(factory=dict)
    _asked: trio.Event = attrs.field(factory=trio.Event)
    _ready: trio.Event = attrs.field(factory=trio.Event)
    _nursery: trio.Nursery | None = None

    def __attrs_post_init__(self) -> None:
        self._state = State(ZoneInfo(self._options.time_zone), self._options.answer_seconds)

    async def snapshot(self) -> Snapshot:
        """Everything as it stands; `JackfieldError` where the gateway was closed before anybody asked."""
        await self.ready()
        return self._state.snapshot(datetime.now(UTC), self._position, self._unread)

    async def ready(self) -> None:
        """Wait until the state has caught up with the journal; the first caller begins that."""
        self._asked.set()
        await self._ready.wait()
        if not self._follows and self._journal.end > 1:
            raise JackfieldError("the gateway is closed, and nobody had asked for its state")

    def watch(self, entities: Iterable[str]) -> Watch:
        """A watch, to be entered."""
        places = self._watches.append, self._watches.remove
        return Watch(check_entities(entities), *places, self._get, self._place, self.snapshot)

    def close(self) -> None:
        """End the watches; the state can still be read."""
        for watch in list(self._watches):
            watch.close()
        self._ready.set()

    # -- following the journal -----------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the journal once somebody asks, until cancelled."""
        await self._asked.wait()
        self._select(SELECTORS)
        position = await self._first_unread()
        end = self._journal.end
        self._unread, self._position = self._journal.log.count(position, end), end - 1
        self._journal.committed.append(self._committed)
        self._follows = True
        self._note_feeds()
        async with trio.open_nursery() as nursery:
            caught_up = trio.Event()
            nursery.start_soon(self._catch_up, position, end, caught_up)
            with trio.move_on_after(CATCH_UP_SECONDS):
                await caught_up.wait()
            self._nursery = nursery
            for name, session in self._sessions.items():
                self.follow(name, session)
            self._ask_live()
            self._ready.set()
            if self._unread:
                await caught_up.wait()
                self._ask_live()  # a list ends what it does not have, and something may have been read only now
            while True:
                await self.save()  # at once too: the next start then reads on from here, and not from its own beginning
                await trio.sleep(CHECKPOINT_SECONDS)
                self._turn_day()

    def follow(self, name: str, session: Session) -> None:
        """Have the lists of one more feed's vendor read."""
        if self._nursery is not None:
            sync = self._syncs[name] = FeedSync(session, partial(self._take, name), self._report)
            self._nursery.start_soon(sync.run)

    def leave(self, name: str) -> None:
        """Have nothing more read of a feed that is removed."""
        if (sync := self._syncs.pop(name, None)) is not None:
            sync.stop()
            self._state.feeds.note(name, self._sessions[name].feed.provider_name, datetime.now(UTC), live=False)

    def _ask_live(self) -> None:
        for name, sync in self._syncs.items():
            if self._sessions[name].stats.state in LIVE:
                sync.ask()

    async def _first_unread(self) -> int:
        """Fill the state from the checkpoint, and return from where the journal must be read."""
        journal = self._journal
        known = read_checkpoint(await journal.checkpoint(), self._state, journal.id)
        if known is not None:
            self._saved = known
            return min(known + 1, journal.end)
        now = datetime.now(UTC)
        since = min(self._state.tables.days.midnight(now), now - SILENT)
        behind = journal.end
        first = 1 + bisect_left(range(1, behind), -MOST_READ, key=lambda each: -journal.log.count(each, behind))
        while first < behind:
            middle = (first + behind) // 2
            batch = await journal.read(middle, 1)
            if not batch.records:
                first = max(batch.next, middle + 1)
            elif batch.records[0].event.received.replace(tzinfo=UTC) < since:  # our own times are UTC
                first = batch.records[0].position + 1
            else:
                behind = middle
        return min(first, journal.end)

    async def _catch_up(self, position: int, end: int, caught_up: trio.Event) -> None:
        """Read what was committed before, while new events come."""
        missed = 0
        while position < end:
            batch = await self._journal.read(position, min(PAGE, end - position))
            missed += batch.deleted + batch.lost
            touched = self._apply(batch.records)
            position = batch.next
            self._unread = self._journal.log.count(position, end)
            for watch in self._watches:
                watch.touch(touched)
            await trio.lowlevel.checkpoint()
        now = datetime.now(UTC)
        self._note_feeds()
        for feed in list(self._state.feeds):
            if feed.name not in self._sessions:
                self._state.feeds.note(feed.name, feed.provider, now, live=False)
            if missed:
                self._state.feeds.miss(feed.name, feed.heard, now)
        caught_up.set()

    def _note_feeds(self) -> None:
        for name, session in self._sessions.items():
            live = session.stats.state in LIVE
            self._state.feeds.note(name, session.feed.provider_name, session.stats.since, live=live)

    def _committed(self, records: list[Record]) -> None:
        touched = self._apply(records)
        self._position = records[-1].position
        for _, event in records:
            if event.kind in ("stream.subscribed", "stream.connected") and event.feed in self._syncs:
                self._syncs[event.feed].ask()
        self._turn_day()
        for watch in self._watches:
            watch.touch(touched)

    def _apply(self, records: Iterable[Record]) -> dict[Ref, None]:
        touched: dict[Ref, None] = {}
        apply = self._state.apply
        for _, event in records:
            if refs := apply(event):
                touched.update(dict.fromkeys(refs))
        return touched

    def _turn_day(self) -> None:
        """At midnight the totals are others."""
        today = self._state.tables.days.day_of(datetime.now(UTC))
        if self._day not in (None, today):
            touched: list[Ref] = [("totals", key) for key, _ in self._state.tables.days.of(self._day)]
            for watch in self._watches:
                watch.touch(touched)
        self._day = today

    def _get(self, ref: Ref) -> Value | None:
        return self._state.get(ref, self._place()[1])

    def _place(self) -> tuple[int, date]:
        return self._position, self._state.tables.days.day_of(datetime.now(UTC))

    # -- the checkpoint ------------------------------------------------------------------------------

    async def save(self) -> None:
        """Write the checkpoint, if anything has come since the last; what cannot be written is tried again later."""
        position = self._position
        if position == self._saved or not self._follows or self._unread:
            return
        pieces = []
        for piece in write_checkpoint(self._state, self._journal.id, position):
            pieces.append(piece)
            await trio.lowlevel.checkpoint()
        try:
            await self._journal.save_checkpoint(pieces)
        except JournalError:  # the journal itself reports what is wrong with its files
            return
        self._saved = position
