"""What is kept of a thing: facts that can be joined in any order and any number of times; pure.

Of each kind of event the newest time is kept, and of each attribute the newest value; both are maxima, so that order
and copies do not matter. The state is what the table of lives makes of the facts in the order of their times.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from jackfield.events import Parties
from jackfield.kinds import causal_rank
from jackfield.state.lives import UNKNOWN, Life

__all__ = ["AgentTrack", "FeedTrack", "QueueTrack", "Track", "later"]

M = TypeVar("M", bound="tuple[Any, ...]")


def later(known: M | None, new: M) -> M:
    """The greater of two marks that begin with their times."""
    return new if known is None or new > known else known


class Track(msgspec.Struct):
    """A call or a contact."""

    key: str
    id: str
    began: datetime
    seen: datetime
    feed: tuple[datetime, str]
    """The feed of its newest event."""
    live_at: datetime | None = None
    """The time of its newest event that its vendor sent by itself, before its lists may have known of it."""
    facts: dict[str, datetime] = {}
    """By kind: when that happened last."""
    heard: dict[Parties, datetime] = {}
    """The parties that events named, and when each was named last; what one leaves empty another may say."""
    queue: tuple[datetime, str] | None = None
    """The key of its newest queue."""
    agent: tuple[datetime, str] | None = None
    contact: tuple[datetime, str] | None = None
    """The key of a call's contact."""
    confirmed: tuple[datetime, str, datetime] | None = None
    """When its vendor was last asked, the kind that leads to the state that it reported, and since when that is so."""
    calls_over: datetime | None = None
    """Of a contact all of whose known calls are over: since when."""
    newest: tuple[datetime, int, str] | None = None
    """The last of the facts in their order."""
    state: str = UNKNOWN
    since: datetime | None = None
    value: Any = None
    """The frozen value, as long as nothing has changed."""
    counted: tuple[datetime, tuple[str, ...], list[int]] | None = None
    """What a contact contributes to the totals."""
    placed: str = ""
    """The queue in which a contact is counted as waiting."""

    def see(self, feed: str, at: datetime, *, listed: bool) -> None:
        """An event about it came; one that is `listed` was made of what its vendor's lists say."""
        self.value = None
        if not listed and (self.live_at is None or at > self.live_at):
            self.live_at = at
        if at > self.seen:
            self.seen = at
        elif at < self.began:
            self.began = at
        if at >= self.feed[0]:
            self.feed = max(self.feed, (at, feed))

    def hear(self, parties: Parties, at: datetime) -> None:
        """An event named these parties."""
        heard = self.heard
        known = heard.get(parties)
        if known is None:
            if len(heard) >= MOST_PARTIES:
                del heard[min(heard, key=lambda each: (heard[each], repr(each)))]
            heard[parties] = at
        elif at > known:
            heard[parties] = at

    def heed(self, life: Life, kind: str, at: datetime) -> None:
        """A fact that may change the state."""
        facts = self.facts
        known = facts.get(kind)
        if known is not None and at <= known:
            return
        facts[kind] = at
        mark = (at, causal_rank(kind), kind)
        plain = self.confirmed is None and self.calls_over is None
        if known is None and plain and (self.newest is None or mark > self.newest):
            self.newest = mark
            if (state := life.step(self.state, kind)) != self.state:
                self.state, self.since = state, at
        else:
            self.fold(life)

    def confirm(self, life: Life, kind: str, at: datetime, since: datetime) -> None:
        """Its vendor reports that it is in the state to which this kind of event leads."""
        self.confirmed = later(self.confirmed, (at, kind, since))
        self.fold(life)

    def fold(self, life: Life) -> None:
        """Work out the state from all the facts."""
        state, since = UNKNOWN, None
        marks = sorted((at, causal_rank(kind), kind) for kind, at in self.facts.items())
        for at, _, kind in marks:
            if (after := life.step(state, kind)) != state:
                state, since = after, at
        self.newest = marks[-1] if marks else None
        if self.confirmed is not None:
            at, kind, reported_since = self.confirmed
            reported = life.step(UNKNOWN, kind)
            newer = {mark[2] for mark in marks if mark[0] >= at}
            if (not newer or (reported in life.over and newer <= LEAVING)) and state not in (reported, *life.over):
                state, since = reported, reported_since
        if self.calls_over is not None and state not in life.over:
            # The vendor may not say so, or its word was lost; what comes of the contact later is only its echo.
            state, since = "ended", self.calls_over
        self.state, self.since = state, since

    def words(self) -> dict[str, str]:
        """The newest value of each attribute that any event named."""
        marks: dict[str, tuple[datetime, str]] = {}
        for parties, at in self.heard.items():
            for name in _ATTRIBUTES:
                if text := getattr(parties, name):
                    marks[name] = later(marks.get(name), (at, text))
        return {name: text for name, (_, text) in marks.items()}


LEAVING = frozenset({"contact.dequeued", "contact.disconnected", "offer.rescinded", "offer.rejected"})
"""What may come late of a thing that its vendor does not list any more, and does not show that it goes on."""
MOST_PARTIES = 32
"""Different parties of one thing; more make the oldest forgotten."""
_ATTRIBUTES = (
    "direction",
    "caller",
    "caller_name",
    "callee",
    "callee_name",
    "agent_name",
    "queue_name",
    "media",
    "cause",
)


class AgentTrack(msgspec.Struct):
    """An agent: the state that was chosen or reported, and what the agent does meanwhile."""

    key: str
    id: str
    seen: datetime
    feed: tuple[datetime, str]
    name: tuple[bool, datetime, str] | None = None
    """Whether its vendor lists it under that name, which counts for more than what an event calls it; since when."""
    chosen: tuple[datetime, int, str, str] | None = None
    """When, the kind that led there, and why."""
    activity: tuple[datetime, int, str, str] | None = None
    """When, the kind that began or ended it, and the contact."""
    confirmed: tuple[datetime, str, str, datetime] | None = None
    """When its vendor was last asked, the kind that leads to the state it reported, the contact, and since when."""
    queues: dict[str, tuple[datetime, bool]] = {}
    """By queue: whether it accepts nothing from that."""
    value: Any = None


class QueueTrack(msgspec.Struct):
    """A queue."""

    key: str
    id: str
    feed: tuple[datetime, str]
    name: tuple[datetime, str] | None = None
    state: tuple[datetime, str] | None = None
    value: Any = None


class FeedTrack(msgspec.Struct):
    """A feed."""

    name: str
    provider: str
    up: tuple[datetime, bool]
    """When it came up or went down last; our own facts come in order."""
    heard: datetime
    """The time of receipt of its newest event."""
    stale_since: datetime | None = None
    gap: tuple[datetime, datetime] | None = None
    """The end and the beginning of its last gap."""
    synced: tuple[datetime, tuple[str, ...]] | None = None
    value: Any = None
