"""Which member is to hold which feed, and what that means for one of them; pure.

Every member computes the same from the same view. Where two views differ for a moment, a feed has one connection more
or less for that long; who writes is decided by the lease alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import attrs
import msgspec

from jackfield._gateway.cluster.gate import CLOCKS, Note
from jackfield.plugin.coordinator import ClusterView, LeaseState

__all__ = ["About", "Decision", "FeedHere", "Peers", "decide", "share_out"]


class FeedHere(msgspec.Struct):
    """What a member says of one feed that it is configured with."""

    holders: int = 1
    running: bool = False
    complete_since: datetime | None = None
    """Since when it has everything, while it is subscribed."""


class About(msgspec.Struct):
    """What a member says of itself at each beat."""

    feeds: dict[str, FeedHere] = {}
    leaving: bool = False
    sinks: dict[str, int] = {}
    """How many events each sink of it lags behind."""
    waiting: int = 0
    """Events that are not committed to its journal."""

    @classmethod
    def read(cls, text: str) -> About:
        """What was written; nothing where that cannot be read, as of a member of another version."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            return cls(leaving=True)

    def write(self) -> str:
        """As text."""
        return msgspec.json.encode(self).decode()


@attrs.frozen
class Peers:
    """The members, as one of them sees them."""

    me: str
    about: Mapping[str, About]
    leases: Mapping[str, LeaseState]

    @classmethod
    def of(cls, me: str, view: ClusterView, known: Mapping[str, LeaseState] = {}) -> Peers:
        """Those of a view; `known` are the leases as they were seen before, which the coordinator may have lost."""
        about = {name: About.read(text) for name, text in view.members.items()}
        return cls(me, about, {**view.leases, **_lost(known, view.leases)})

    def lease(self, feed: str) -> LeaseState:
        """That of a feed."""
        return self.leases.get(feed, LeaseState())

    def running(self, feed: str) -> list[str]:
        """Who is connected to a feed, the writer first."""
        writer = self.lease(feed).member
        found = [name for name, about in self.about.items() if feed in about.feeds and about.feeds[feed].running]
        return sorted(found, key=lambda name: (name != writer, name))

    def covering(self, feed: str, since: datetime | None = None) -> list[str]:
        """Who is subscribed to a feed, beside this one, and has everything since then."""
        found = []
        for name, about in self.about.items():
            complete = about.feeds[feed].complete_since if feed in about.feeds and not about.leaving else None
            if name != self.me and complete is not None and (since is None or complete <= since):
                found.append(name)
        return found

    def able(self, feed: str) -> list[str]:
        """Who could write a feed without a gap, beside this member: has everything that may not be written yet."""
        settled = Note.read(self.lease(feed).note).settled
        return self.covering(feed, None if settled is None else settled.heard - CLOCKS)

    def candidates(self, feed: str) -> list[str]:
        """Who may hold a feed."""
        return [name for name, about in self.about.items() if feed in about.feeds and not about.leaving]


def _lost(known: Mapping[str, LeaseState], now: Mapping[str, LeaseState]) -> dict[str, LeaseState]:
    """The leases of which a coordinator has lost what it knew: their numbers and notes stand."""
    found = {lease: (before, now.get(lease, LeaseState())) for lease, before in known.items()}
    return {
        lease: attrs.evolve(after, fence=before.fence, note=after.note or before.note)
        for lease, (before, after) in found.items()
        if after.fence < before.fence
    }


def share_out(
    holders: Mapping[str, int], candidates: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Who is to be connected to each feed, of its candidates: as evenly as can be, with few changes to what is `now`.

    Of what is now, the first of each feed writes it.
    """
    shared = {feed: [name for name in now.get(feed, ()) if name in candidates[feed]] for feed in sorted(holders)}
    load = Counter({name: 0 for feed in candidates for name in candidates[feed]})
    load.update(name for names in shared.values() for name in names)
    for feed, names in shared.items():
        wanted = min(holders[feed], len(candidates[feed]))
        while len(names) > wanted:
            # The busiest goes; of several the writer last.
            gone = max(reversed(names), key=lambda name: load[name])
            names.remove(gone)
            load[gone] -= 1
        while len(names) < wanted:
            new = min((name for name in candidates[feed] if name not in names), key=lambda name: (load[name], name))
            names.append(new)
            load[new] += 1
    while (move := _move(shared, candidates, load)) is not None:
        feed, busy, idle = move
        shared[feed][shared[feed].index(busy)] = idle
        load[busy] -= 1
        load[idle] += 1
    return {feed: tuple(names) for feed, names in shared.items()}


def _move(
    shared: Mapping[str, Sequence[str]], candidates: Mapping[str, Sequence[str]], load: Mapping[str, int]
) -> tuple[str, str, str] | None:
    """A feed that one member should give to another: best one that it does not write."""
    moves = [
        (load[idle] - load[busy], place == 0, feed, busy, idle)
        for feed, names in shared.items()
        for place, busy in enumerate(names)
        for idle in candidates[feed]
        if idle not in names and load[busy] - load[idle] >= 2
    ]
    return min(moves)[2:] if moves else None


@attrs.frozen
class Decision:
    """What a member is to do now, feed by feed."""

    start: tuple[str, ...] = ()
    """Connect, and stand by."""
    acquire: tuple[str, ...] = ()
    """Win the lease; with success write, and connect first where that is not so yet."""
    hand_over: tuple[str, ...] = ()
    """Give the lease to the member that stands by."""
    stop: tuple[str, ...] = ()
    """Disconnect, and give the lease back where it is held."""


def decide(
    peers: Peers,
    mine: Mapping[str, FeedHere],
    writing: Iterable[str],
    handing_over: Iterable[str] = (),
    yielding: Iterable[str] = (),
    *,
    settled: bool,
) -> Decision:
    """What is to be done with `mine`, the feeds of this member's configuration.

    `writing` are those whose lease it has; one of them that it is `handing_over` another member is to write, and for
    one that it is `yielding` it gives others the time to take it. A member that is not `settled` has not seen the
    cluster for long enough to know that nobody else is connected to a feed whose lease is free.
    """
    holders = {feed: here.holders for feed, here in mine.items()}
    candidates = {feed: sorted({*peers.candidates(feed), peers.me}) for feed in mine}
    shared = share_out(holders, candidates, {feed: _now(peers, feed, here) for feed, here in mine.items()})
    writing, handing_over, yielding = frozenset(writing), frozenset(handing_over), frozenset(yielding)
    writes = Counter(peers.lease(feed).member for feed in mine)
    start: list[str] = []
    acquire: list[str] = []
    hand_over: list[str] = []
    stop: list[str] = []
    for feed, here in mine.items():
        lease, mine_now, is_mine = peers.lease(feed), feed in writing, peers.me in shared[feed]
        able = peers.able(feed)
        if here.holders > 1:
            if is_mine and not here.running and lease.member not in ("", peers.me):
                start.append(feed)
            lacks = feed in handing_over or here.complete_since is None
            writes_more = not hand_over and any(writes[each] + 2 <= writes[peers.me] for each in able)
            if mine_now and able and (lacks or not is_mine or writes_more):
                hand_over.append(feed)
        if not lease.member and not mine_now and feed not in yielding:
            knows = settled or here.running or not lease.fence
            if knows and (here.running or is_mine) and _may_write(peers, feed, here, lease):
                acquire.append(feed)
        elif here.running and not is_mine and lease.member != peers.me:
            if here.holders == 1 or set(shared[feed]) & set(able) - {lease.member}:
                stop.append(feed)
        elif here.running and here.holders == 1 and (lease.member != peers.me or not is_mine):
            stop.append(feed)
    return Decision(tuple(start), tuple(acquire), tuple(hand_over), tuple(stop))


def _now(peers: Peers, feed: str, here: FeedHere) -> list[str]:
    """Who holds a feed; one who was cut off from the cluster may be connected still."""
    running = peers.running(feed)
    return running[:1] if here.holders == 1 else running


def _may_write(peers: Peers, feed: str, here: FeedHere, lease: LeaseState) -> bool:
    """Whether no other member that stands by is better, since it has what this one lacks."""
    others = peers.covering(feed)
    if not others:
        return True
    if here.complete_since is None:
        return False
    settled = Note.read(lease.note).settled
    return settled is None or here.complete_since <= settled.heard - CLOCKS or not peers.able(feed)
