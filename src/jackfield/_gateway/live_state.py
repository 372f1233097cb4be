"""The state of a running gateway: reduced from committed events once somebody asks for it, and saved every so often.

It costs nothing before that. Then it begins with the last checkpoint and the events that were committed since, or
empty, and with what the feeds' vendors list; from there on it follows each commit.
"""

from __future__ import annotations

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
from jackfield.state.checkpoint import read_checkpoint, write_checkpoint

__all__ = ["LiveState"]

SELECTORS = tuple(map(Selector.parse, ("call.*", "contact.*", "offer.*", "agent.*", "queue.*")))
"""What feeds must subscribe to for it; the facts about their streams come anyway."""
CHECKPOINT_SECONDS = 30.0
PAGE = 500
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
    _day: date | None = None
    _watches: list[Watch] = attrs.field(factory=list)
    _syncs: dict[str, FeedSync] = attrs.field(factory=dict)
    _asked: trio.Event = attrs.field(factory=trio.Event)
    _ready: trio.Event = attrs.field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self._state = State(ZoneInfo(self._options.time_zone), self._options.answer_seconds)

    async def snapshot(self) -> Snapshot:
        """Everything as it stands; `JackfieldError` where the gateway was closed before anybody asked."""
        await self.ready()
        return self._state.snapshot(datetime.now(UTC), self._position)

    async def ready(self) -> None:
        """Wait until the state has caught up with the journal; the first caller begins that."""
        self._asked.set()
        await self._ready.wait()
        if not self._position and self._journal.end > 1 and self._committed not in self._journal.committed:
            raise JackfieldError("the gateway is closed, and nobody had asked for its state")

    def watch(self, entities: Iterable[str]) -> Watch:
        """A watch, to be entered."""
        return Watch(check_entities(entities), self._watches.remove, self._get, self._place, self._begin)

    async def _begin(self, watch: Watch) -> Snapshot:
        """The snapshot of a watch, which gets every change from there on."""
        snapshot = await self.snapshot()
        self._watches.append(watch)
        return snapshot

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
        await self._catch_up()
        async with trio.open_nursery() as nursery:
            for name, session in self._sessions.items():
                sync = self._syncs[name] = FeedSync(session, partial(self._take, name), self._report)
                nursery.start_soon(sync.run)
                if session.stats.state in LIVE:
                    sync.ask()
            self._ready.set()
            while True:
                await self.save()  # at once too: the next start then reads on from here, and not from its own beginning
                await trio.sleep(CHECKPOINT_SECONDS)
                self._turn_day()

    async def _catch_up(self) -> None:
        """Begin with the checkpoint and what was committed since."""
        journal = self._journal
        known = read_checkpoint(await journal.checkpoint(), self._state, journal.id)
        self._position = self._saved = -1 if known is None else known
        position = journal.end if known is None else known + 1
        missed = 0
        while position < journal.end:
            batch = await journal.read(position, PAGE)
            missed += batch.deleted + batch.lost
            self._apply(batch.records)
            position = batch.next
            await trio.lowlevel.checkpoint()
        self._position = max(self._position, journal.end - 1)
        journal.committed.append(self._committed)
        now = datetime.now(UTC)
        for name, session in self._sessions.items():
            since = session.stats.since
            live = session.stats.state in LIVE
            self._state.feeds.note(name, session.feed.provider_name, since, live=live)
        for feed in list(self._state.feeds):
            if feed.name not in self._sessions:
                self._state.feeds.note(feed.name, feed.provider, now, live=False)
            if missed:
                self._state.feeds.miss(feed.name, feed.heard, now)

    def _committed(self, records: list[Record]) -> None:
        touched = self._apply(records)
        self._turn_day()
        for watch in self._watches:
            watch.touch(touched)

    def _apply(self, records: Iterable[Record]) -> dict[Ref, None]:
        touched: dict[Ref, None] = {}
        apply = self._state.apply
        for position, event in records:
            if refs := apply(event):
                touched.update(dict.fromkeys(refs))
                if event.kind in ("stream.subscribed", "stream.connected") and event.feed in self._syncs:
                    self._syncs[event.feed].ask()
            self._position = position
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
        if position == self._saved or not self._ready.is_set():
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
