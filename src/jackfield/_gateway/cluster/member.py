"""One gateway as a member of a cluster: it says that it lives, holds its share of the feeds, and takes over others'."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

import attrs
import trio

from jackfield._gateway.cluster.gate import Note
from jackfield._gateway.cluster.sessions import SharedSessions
from jackfield._gateway.cluster.sharing import About, FeedHere, Peers, decide
from jackfield._gateway.cluster.standby import OVERLAP_SECONDS
from jackfield._journal.fences import Fences
from jackfield.config import ClusterConfig
from jackfield.errors import ConnectionLost
from jackfield.plugin.coordinator import ClusterView, OpenCoordinator
from jackfield.reports import ClusterLost, ClusterRejoined, ClusterStats, FeedHeld, FeedReleased, Report, SharedFeed

__all__ = ["Member"]

# So often in the time of a lease a member says that it lives.
BEATS = 3
# A member stops writing before its lease ends, by this part of it: clocks run differently, and answers take time.
MARGIN = 0.1
# For this part of a lease's time one that is new waits, where a feed was held: its holder may be connected still.
SETTLE = 0.5
SOON = 0.05
# What was written so shortly before a gap may not have reached every sink.
OVERLAP = timedelta(seconds=OVERLAP_SECONDS)
LEAVE_SECONDS = 2.0


@attrs.define(eq=False)
class Member:
    """Made for each gateway whose configuration has a cluster."""

    _config: ClusterConfig
    _sessions: SharedSessions
    _fences: Fences
    _report: Callable[[Report], None]
    _about: Callable[[], tuple[dict[str, int], int]]
    """How far sinks lag, and how many events are not committed."""
    name: str = attrs.field(init=False)
    _open: OpenCoordinator = attrs.field(init=False)
    _nursery: trio.Nursery = attrs.field(init=False)
    _peers: Peers = attrs.field(init=False)
    _writing: set[str] = attrs.field(factory=set)
    """The feeds whose lease this member has."""
    _stopping: set[str] = attrs.field(factory=set)
    _yielding: dict[str, float] = attrs.field(factory=dict)
    """Until when another member is given the time to take a feed."""
    _since: float | None = None
    """Since when the coordinator answers."""
    _joined: bool = False
    """Whether it has ever answered."""
    _trouble: str = ""
    _leaving: bool = False
    _woken: trio.Event = attrs.field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        # A name of its own for each run: the leases of a run that was killed are not this one's.
        self.name = f"{self._config.options.member or socket.gethostname()}-{secrets.token_hex(4)}"
        self._peers = Peers(self.name, {}, {})
        self._sessions.relieved = lambda feed, since: bool(self._peers.covering(feed, since - OVERLAP))
        self._sessions.wake = self.wake

    @property
    def _lease_seconds(self) -> float:
        return self._config.options.lease_seconds

    def stats(self) -> ClusterStats:
        """How the cluster stands, as this member sees it."""
        feeds: dict[str, SharedFeed] = {}
        for feed in self._sessions.holders():
            lease, gate = self._peers.lease(feed), self._sessions.gates.get(feed)
            if gate is None:
                feeds[feed] = SharedFeed("elsewhere", lease.member, lease.fence)
                continue
            kept = len(gate.buffer), gate.buffer.dropped
            feeds[feed] = SharedFeed("writes" if gate.is_open else "stands by", lease.member, lease.fence, *kept)
        return ClusterStats(self.name, tuple(sorted(self._peers.about)), feeds, self._trouble)

    def wake(self) -> None:
        """Take the next turn at once."""
        self._woken.set()

    # -- the loop ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Be a member until cancelled, or until `leave`."""
        options = self._config.options
        opening = self._config.coordinator.open(options.name, self.name, options.lease_seconds)
        async with opening as self._open, trio.open_nursery() as self._nursery:
            while True:
                try:
                    pause = await self._turn()
                except (ConnectionLost, trio.TooSlowError) as error:
                    pause = self._lost(str(error) or f"{self._config.coordinator.shown}: no answer in time")
                with trio.move_on_after(pause):
                    await self._woken.wait()
                self._woken = trio.Event()

    def _lost(self, reason: str) -> float:
        if not self._trouble:
            self._report(ClusterLost(reason, self._joined))
        self._trouble, self._since = reason, None
        return min(1.0, self._lease_seconds / BEATS)

    async def _turn(self) -> float:
        """Beat, and do what is to be done then; in how many seconds the next turn is due."""
        began, mine = trio.current_time(), self._here()
        sinks, waiting = self._about()
        about = About(mine, self._leaving, sinks, waiting)
        held = {feed: self._sessions.note(feed, self._peers.lease(feed).note) for feed in self._writing}
        with trio.fail_after(self._lease_seconds / BEATS):
            view = await self._open.beat(about.write(), held)
        self._answered(view, began)
        for feed in [*self._writing]:
            self._renewed(feed, began)
        for feed, gate in self._sessions.gates.items():
            if not gate.is_open:
                gate.buffer.written(Note.read(self._peers.lease(feed).note).newest)
        if not self._leaving:
            await self._act(self._here())
        theirs = [
            lease.seconds_left for feed in mine if (lease := self._peers.lease(feed)).member not in ("", self.name)
        ]
        due = min([self._lease_seconds / BEATS, *(left + SOON for left in theirs if left > 0)])
        return max(SOON, due - (trio.current_time() - began))

    def _here(self) -> dict[str, FeedHere]:
        """What this member says of its feeds."""
        return {
            feed: FeedHere(holders, feed in self._sessions.gates, self._sessions.has_all_since(feed))
            for feed, holders in self._sessions.holders().items()
        }

    def _answered(self, view: ClusterView, began: float) -> None:
        self._peers = Peers.of(self.name, view, self._peers.leases)
        if self._since is None:
            self._since, self._joined = began, True
            self._report(ClusterRejoined(self.name, len(view.members)))
        self._trouble = ""

    def _renewed(self, feed: str, began: float) -> None:
        """Write on where the lease is still held; a gate that had closed before that opens again."""
        lease, gate = self._peers.lease(feed), self._sessions.gates.get(feed)
        if lease.member != self.name:
            self._writing.discard(feed)
            if gate is not None:
                gate.close()
            self._report(FeedReleased(feed, self.name, "the lease had ended"))
            return
        if gate is None or feed in self._stopping:
            return
        was_open, gate.until = gate.is_open, self._until(began)
        if not was_open and not gate.handing_over:
            self._sessions.open(feed, lease.fence, gate.until, Note.read(lease.note))

    def _until(self, began: float) -> float:
        return began + self._lease_seconds * (1 - MARGIN)

    # -- what is to be done ------------------------------------------------------------------------

    async def _act(self, mine: Mapping[str, FeedHere]) -> None:
        now = trio.current_time()
        settled = self._since is not None and now - self._since >= self._lease_seconds * SETTLE
        self._yielding = {feed: until for feed, until in self._yielding.items() if until > now}
        handing_over = [feed for feed, gate in self._sessions.gates.items() if gate.handing_over]
        others = {feed: here for feed, here in mine.items() if feed not in self._stopping}
        decision = decide(self._peers, others, self._writing, handing_over, self._yielding, settled=settled)
        for feed in decision.acquire:
            await self._acquire(feed)
        for feed in decision.start:
            self._sessions.start(feed, None)
        for feed in decision.hand_over:
            await self._release(feed, "another member that has everything takes over")
        for feed in decision.stop:
            self._stopping.add(feed)
            self._nursery.start_soon(self._stop, feed)
        for feed in [each for each in self._writing if each not in self._sessions.gates]:  # as a reload leaves it
            if feed in mine:
                lease = self._peers.lease(feed)
                self._sessions.start(feed, Note.read(lease.note).settled)
                self._sessions.open(feed, lease.fence, self._until(now), Note())
            else:
                await self._release(feed, "it is not configured here any more")

    async def _acquire(self, feed: str) -> None:
        began, lease = trio.current_time(), self._peers.lease(feed)
        with trio.fail_after(self._lease_seconds / BEATS):
            fence = await self._open.acquire(feed, max(lease.fence, self._fences.newest(feed)))
        if not fence:
            return
        self._writing.add(feed)
        note = self._sessions.known(feed, Note.read(lease.note))
        if feed not in self._sessions.gates:
            self._sessions.start(feed, note.settled)
            note = Note()  # its session announces what is missing
        self._sessions.begin(feed, fence)
        await trio.to_thread.run_sync(self._fences.save)
        flushed = self._sessions.open(feed, fence, self._until(began), note)
        self._report(FeedHeld(feed, self.name, fence, flushed))

    async def _release(self, feed: str, reason: str) -> None:
        gate = self._sessions.gates.get(feed)
        if gate is not None:
            gate.close()
        note = self._sessions.note(feed, self._peers.lease(feed).note)
        self._yielding[feed] = trio.current_time() + self._lease_seconds
        self._writing.discard(feed)
        self._report(FeedReleased(feed, self.name, reason))
        with trio.fail_after(self._lease_seconds / BEATS):
            await self._open.release(feed, note)

    async def _stop(self, feed: str) -> None:
        """Disconnect from a feed, and give back its lease once what came is delivered, or that takes too long."""
        try:
            await self._sessions.stop(feed, self._lease_seconds)
            if feed in self._writing:
                with suppress(ConnectionLost, trio.TooSlowError):  # the next turn says so; the lease ends by itself
                    await self._release(feed, "it is another member's share")
        finally:
            self._sessions.forget(feed)
            self._stopping.discard(feed)
            self._woken.set()

    def prepare_to_leave(self) -> None:
        """Take nothing over any more: the gateway is being closed."""
        self._leaving = True
        self._woken.set()

    async def write_kept(self) -> None:
        """Commit what waited for the coordinator and nobody else writes; to be called once the feeds have stopped.

        It comes under the number that this gateway had, so it is late where another member has taken over unseen.
        """
        for feed, gate in self._sessions.gates.items():
            is_free = gate.fence and self._peers.lease(feed).member in ("", self.name)
            if is_free and (kept := await self._sessions.write_kept(feed)) and not gate.is_open:
                reason = f"the gateway was closed; {kept} events that waited for the coordinator are committed"
                self._report(FeedReleased(feed, self.name, reason))

    async def leave(self) -> None:
        """Give every lease back, with how far this gateway came; to be called when its sinks are done."""
        if self._since is None:
            return  # nobody answers; the leases end by themselves
        with trio.move_on_after(LEAVE_SECONDS), suppress(ConnectionLost, trio.TooSlowError):
            for feed in [*self._writing]:
                await self._release(feed, "the gateway was closed")
            await self._open.leave()
