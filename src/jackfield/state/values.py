"""Calls, contacts, agents, queues, feeds as they stand: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

import msgspec

from jackfield.events import Cause, Direction, Media

__all__ = [
    "Agent",
    "Call",
    "Certainty",
    "Change",
    "Contact",
    "Entity",
    "Feed",
    "Queue",
    "Ref",
    "Snapshot",
    "Totals",
    "Value",
]

Entity = Literal["call", "contact", "agent", "queue", "feed", "totals"]

Ref = tuple[Entity, str]
"""What sort of thing, and its key."""

Certainty = Literal["live", "stale", "unconfirmed"]
"""``stale``: the feed is down. ``unconfirmed``: the feed had a gap since, and nothing has confirmed the value."""


class Call(msgspec.Struct, frozen=True):
    """One leg or connection."""

    key: str
    """``<provider>/<id>``."""
    feed: str
    id: str
    state: str
    """Of `jackfield.state.lives.CALL`; ``unknown`` where no event has said it."""
    since: datetime
    """When it came to this state."""
    began: datetime
    """When it was first heard of."""
    seen: datetime
    """The time of its newest event."""
    over: bool
    direction: Direction = ""
    caller: str = ""
    caller_name: str = ""
    callee: str = ""
    callee_name: str = ""
    agent: str = ""
    """The key of the agent whose call it is."""
    contact: str = ""
    """The key of the contact that it belongs to; empty where the vendor does not say."""
    cause: Cause = ""


class Contact(msgspec.Struct, frozen=True):
    """One customer's interaction that is queued and handled."""

    key: str
    """``<provider>/<correlation>``."""
    feed: str
    id: str
    """The correlation."""
    state: str
    """Of `jackfield.state.lives.CONTACT`; ``unknown`` where no event has said it."""
    since: datetime
    began: datetime
    seen: datetime
    over: bool
    direction: Direction = ""
    caller: str = ""
    caller_name: str = ""
    callee: str = ""
    queue: str = ""
    """The key of its latest queue."""
    queue_name: str = ""
    agent: str = ""
    """The key of the agent that it was offered to or connected with last."""
    agent_name: str = ""
    media: Media = ""
    cause: Cause = ""
    queued_at: datetime | None = None
    connected_at: datetime | None = None
    held_since: datetime | None = None
    """Since when one of its calls is on hold; ``None`` where none is, or the vendor does not say."""

    @property
    def waits(self) -> bool:
        """Whether it waits for an agent."""
        return self.state in ("queued", "offered")


class Agent(msgspec.Struct, frozen=True):
    """Somebody who handles contacts."""

    key: str
    feed: str
    id: str
    name: str
    state: str
    """Of `jackfield.state.lives.AGENT`; ``unknown`` where no event has said it."""
    since: datetime
    seen: datetime
    contact: str = ""
    """The key of the contact that rings there or is in hand."""
    external: bool = False
    """Whether ``busy`` means a call outside every queue."""
    paused: tuple[str, ...] = ()
    """Keys of the queues that the agent accepts nothing from."""
    reason: str = ""
    """Why the agent is not ready or logged off, in the vendor's words; empty where it does not say."""


class Queue(msgspec.Struct, frozen=True):
    """One queue."""

    key: str
    feed: str
    id: str
    name: str
    state: str
    """``started``, ``stopped`` or ``unknown``."""
    waiting: int = 0
    """How many contacts are known to wait."""
    waiting_since: datetime | None = None
    """Since when the longest of them waits."""


class Feed(msgspec.Struct, frozen=True):
    """One feed, and what its state is worth."""

    name: str
    provider: str
    live: bool
    """Whether its events come."""
    since: datetime
    stale_since: datetime | None = None
    """Since when nothing came, while it is down."""
    gap_since: datetime | None = None
    """The beginning of its last gap."""
    gap_until: datetime | None = None
    synced_at: datetime | None = None
    """When its vendor was last asked for the whole state."""
    complete: tuple[str, ...] = ()
    """Of which entities every one is known: ``call``, ``agent`` … What is not named here is unknown, not empty."""

    def certainty(self, value: Call | Contact | Agent | Queue) -> Certainty:
        """What a value that came by this feed is worth."""
        if not self.live:
            return "stale"
        if isinstance(value, Queue) or self.gap_until is None:
            return "live"
        over = not isinstance(value, Agent) and value.over
        return "live" if over or value.seen >= self.gap_until else "unconfirmed"


class Totals(msgspec.Struct, frozen=True):
    """What became of a day's contacts, in all, of one queue or of one agent."""

    queued: int = 0
    answered: int = 0
    answered_within: int = 0
    """Of these, within the configured time."""
    abandoned: int = 0
    ended: int = 0
    wait_ms: int = 0
    """How long the answered waited, in all."""
    handle_ms: int = 0
    """How long agents had them, in all, of those that are over."""
    handled: int = 0
    """Answered ones that are over."""

    @property
    def service_level(self) -> float | None:
        """The share of answered and abandoned contacts that were answered in time; ``None`` without any."""
        offered = self.answered + self.abandoned
        return self.answered_within / offered if offered else None

    @property
    def abandoned_share(self) -> float | None:
        """The share of answered and abandoned contacts that were abandoned; ``None`` without any."""
        offered = self.answered + self.abandoned
        return self.abandoned / offered if offered else None

    @property
    def mean_wait(self) -> float | None:
        """Seconds that an answered contact waited, on average."""
        return self.wait_ms / self.answered / 1000 if self.answered else None

    @property
    def mean_handling(self) -> float | None:
        """Seconds that agents had a contact, on average."""
        return self.handle_ms / self.handled / 1000 if self.handled else None


Value = Call | Contact | Agent | Queue | Feed | Totals


class Change(msgspec.Struct, frozen=True):
    """One thing as it stands now; ``None`` where it was forgotten."""

    entity: Entity
    key: str
    value: Value | None


class Snapshot(msgspec.Struct, frozen=True):
    """Everything as it stands after one event."""

    position: int
    """The journal's position of the newest event that is in it; 0 for none."""
    feeds: Mapping[str, Feed]
    """By name."""
    calls: Mapping[str, Call]
    contacts: Mapping[str, Contact]
    agents: Mapping[str, Agent]
    queues: Mapping[str, Queue]
    day: date
    """Today, in the configured time zone."""
    totals: Mapping[str, Totals]
    """Of today's contacts: in all under the key ``""``, else by the key of a queue or an agent."""
    hours: Mapping[datetime, Mapping[str, Totals]] = {}
    """Of today's, those that were queued in each hour, by its beginning: in all under ``""``, and by queue."""
    unread: int = 0
    """Events that were committed before and are still being read back, as at the first start with an old journal."""
    forgotten: int = 0
    """Calls and contacts that had to make room for newer ones before they were over."""

    def certainty(self, value: Call | Contact | Agent | Queue) -> Certainty:
        """What a value is worth: its feed may be down, or have missed what happened since."""
        feed = self.feeds.get(value.feed)
        return "unconfirmed" if feed is None else feed.certainty(value)

    @property
    def live(self) -> bool:
        """Whether every feed is."""
        return all(feed.live for feed in self.feeds.values())
