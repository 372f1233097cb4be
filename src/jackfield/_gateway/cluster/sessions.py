"""The sessions of feeds that are shared: each runs while this gateway writes the feed, or stands by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import attrs
import trio

from jackfield._feed.recorder import Deliver
from jackfield._feed.session import Session
from jackfield._feed.taking_over import account_of, announce, miss_since
from jackfield._gateway.cluster.gate import NOBODY, Gate, Note
from jackfield._gateway.cluster.standby import StandbyBuffer
from jackfield._gateway.feeds import Feeds
from jackfield._gateway.live_state import LiveState
from jackfield._gateway.shutdown import Tasks
from jackfield._gateway.webhooks import Webhooks
from jackfield._journal import Journal
from jackfield._journal.downtime import Account
from jackfield._journal.fences import Fences
from jackfield.config import ClusterOptions, Feed
from jackfield.plugin.provider import relays
from jackfield.reports import FeedState, Report, StandbyOverflowed

__all__ = ["SharedSessions", "is_shared"]

LOOK_SECONDS = 0.05


def is_shared(feed: Feed) -> bool:
    """Whether one member at a time writes a feed.

    A feed by webhook alone is every member's, since each accepts what its vendor sends to it; and what other gateways
    wrote is shared out among its readers already.
    """
    return not feed.webhook_only and not relays(feed.provider.dialect)


@attrs.define(eq=False)
class SharedSessions:
    """Starts and stops them, each with the gate through which its events go."""

    _options: ClusterOptions
    _feeds: Feeds
    _webhooks: Webhooks
    _live: LiveState
    _journal: Journal
    _tasks: Tasks
    _fences: Fences
    _through: Callable[[str], Deliver]
    _passed: Callable[[], int]
    """The position before which every sink has got everything."""
    _report: Callable[[Report], None]
    relieved: Callable[[str, datetime], bool] = lambda _feed, _since: False
    wake: Callable[[], object] = lambda: None
    _gates: dict[str, tuple[Gate, Session]] = attrs.field(factory=dict)
    _writing_kept: set[str] = attrs.field(factory=set)
    """The feeds of which what was kept is being written."""

    def holders(self) -> dict[str, int]:
        """The feeds that are shared, and how many members are to be connected to each."""
        feeds = [session.feed for session in self._feeds.sessions.values()]
        return {feed.name: feed.connection.holders for feed in feeds if is_shared(feed)}

    @property
    def gates(self) -> dict[str, Gate]:
        """Of the feeds whose session runs here; a configuration that is reloaded may have replaced it."""
        sessions = self._feeds.sessions
        self._gates = {feed: each for feed, each in self._gates.items() if sessions.get(feed) is each[1]}
        return {feed: gate for feed, (gate, _) in self._gates.items()}

    def has_all_since(self, feed: str) -> datetime | None:
        """Since when this gateway has everything of a feed, while it is subscribed; else ``None``."""
        if feed not in self.gates or self._feeds.sessions[feed].stats.state is not FeedState.SUBSCRIBED:
            return None
        return self._gates[feed][0].has_all_since

    def note(self, feed: str, before: str) -> str:
        """What the next holder has to know; what was there before where nothing is known here."""
        if feed not in self.gates:
            return before
        gate, session = self._gates[feed]
        known, note = Note.read(before), gate.note(account_of(session) or gate.account, self._passed())
        return Note(note.account or known.account, note.newest or known.newest).write()

    def known(self, feed: str, note: Note) -> Note:
        """What the last holder left; where the coordinator has nothing, what this gateway's own journal knows."""
        account = self._journal.accounts().get(feed)
        return note if note.account or account is None else Note.of(account, note.newest)

    # -- sessions ----------------------------------------------------------------------------------

    def start(self, feed: str, account: Account | None) -> None:
        """Connect; `account` is the last holder's, where this gateway is to write at once and not to stand by."""
        buffer = StandbyBuffer(self._options.standby_bytes, self._options.standby_seconds)
        gate = Gate(feed, self._through(feed), lambda: self._journal.upcoming, trio.current_time, buffer)
        gate.relief = partial(self._relieved, feed)
        gate.wake = self.wake
        buffer.on_drop = partial(self._overflowed, feed)
        session = self._reopen(feed, gate, account)
        self._gates[feed] = gate, session
        self._feeds.run(feed, self._tasks)
        self._live.follow(feed, session)

    def _reopen(self, feed: str, gate: Gate | None = None, account: Account | None = None) -> Session:
        """A session in the place of another one, whose counts it goes on with."""
        before = self._feeds.sessions[feed]
        session = self._feeds.open(before.feed, NOBODY, gate, account)
        session.recorder.stats = before.recorder.stats
        if gate is not None:
            session.recorder.withhold = gate.withhold
        self._webhooks.refresh(self._feeds.sessions)
        return session

    def _relieved(self, feed: str, since: datetime) -> bool:
        return self._feeds.sessions[feed].feed.connection.holders > 1 and self.relieved(feed, since)

    def _overflowed(self, feed: str, total: int) -> None:
        self._report(StandbyOverflowed(feed, total))

    def begin(self, feed: str, fence: int) -> None:
        """From now on this gateway's events of a feed have that number; to be saved before any is written."""
        self._fences.begin(feed, self._journal.upcoming, fence, self._passed())

    def open(self, feed: str, fence: int, until: float, note: Note) -> int:
        """Write a feed, first what was kept; how much that was. What neither has, by the last note, is a gap."""
        gate, session = self._gates[feed]
        gaps, flushed = gate.gaps(note), len(gate.buffer)
        if gate.complete_since is None and note.settled is not None:
            miss_since(session, note.settled.heard, NOBODY)
        gate.open(fence, until)
        announce(session, gaps)
        if not gate.buffer.is_empty and feed not in self._writing_kept:
            self._writing_kept.add(feed)
            self._tasks.cluster.start(partial(self._write_kept, feed))
        return flushed

    async def _write_kept(self, feed: str) -> None:
        try:
            await self.write_kept(feed, lambda gate: gate.is_open)
        finally:
            self._writing_kept.discard(feed)
        gate = self.gates.get(feed)
        if gate is not None and gate.is_open and gate.holes:  # what came meanwhile had no room
            holes, gate.holes = gate.holes, []
            announce(self._gates[feed][1], holes)

    async def write_kept(self, feed: str, may: Callable[[Gate], bool] = lambda _: True) -> int:
        """Write what was kept of a feed, no faster than it is committed, and what comes meanwhile behind it.

        How many events that were; it ends early where it `may` not go on.
        """
        written = 0
        while (gate := self.gates.get(feed)) is not None and may(gate) and not gate.buffer.is_empty:
            room = await self._journal.room()
            if may(gate):
                written += gate.write_kept(*room)
        return written

    async def stop(self, feed: str, seconds: float) -> None:
        """Disconnect, and wait, for so long at most, until every sink has got what came."""
        if feed not in self.gates:
            return
        self._live.leave(feed)
        await self._feeds.stop(feed)
        end = self._journal.upcoming
        with trio.move_on_after(seconds):
            while True:
                if self._passed() >= end:
                    break
                await trio.sleep(LOOK_SECONDS)

    def forget(self, feed: str) -> None:
        """Nothing runs there any more; webhooks are accepted all the same."""
        if feed in self.gates:
            del self._gates[feed]
            self._reopen(feed)
