"""How sinks, the journal and listeners stand, and what they have done, counted; what `GatewayState` is made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal, get_args

import attrs

from jackfield.reports.latency import Latency
from jackfield.selectors import Selector

__all__ = [
    "SINK_STATES",
    "ClusterStats",
    "DurableStats",
    "JournalStats",
    "ListenerState",
    "Overflow",
    "ServeStats",
    "SharedFeed",
    "SinkState",
    "SinkStats",
]

Overflow = Literal["drop_oldest", "drop_newest", "error"]
"""What is lost when a listener's buffer is full, since a feed never waits.

``drop_oldest`` keeps up with what is happening now, for displays. ``drop_newest`` keeps what was there first.
``error`` ends the listener where its stream would have a hole: `ListenerOverflow` after what was buffered.
"""


@attrs.frozen
class ListenerState:
    """One listener, as it is now."""

    selectors: tuple[Selector, ...]
    waiting: int
    """Events in its buffer."""
    buffer: int
    """How many fit."""
    overflow: Overflow
    dropped: int
    """Events that it lost."""


SinkState = Literal["delivering", "retrying", "paused", "disabled"]
"""How a sink stands."""
SINK_STATES: tuple[SinkState, ...] = get_args(SinkState)


@attrs.frozen
class SinkStats:
    """What one sink has got since the gateway was opened; one that was removed and added again counts on."""

    state: SinkState = "delivering"
    delivered: int = 0
    dropped: int = 0
    """Events that were routed here and lost."""
    dead: int = 0
    """Events that the sink rejected for good, and that are among the dead letters."""
    failures: int = 0
    """Attempts that failed."""
    lag: int = 0
    """Events in the journal behind this sink's cursor, routed here or not."""
    retried: int = 0
    """Events that were sent once more, each time."""
    batches: Latency = attrs.field(factory=Latency)
    """How long attempts took, each to send one batch; those that failed too."""
    waiting_since: datetime | None = None
    """When the oldest event came that the sink is not done with; ``None`` where it is done with all.

    Where that is neither in memory nor on its way, it is when the oldest event of its file came: up to so much earlier.
    """
    held_bytes: int = 0
    """About how much memory is needed by events that were read and are not done with."""
    breaker_open: bool = False
    """Whether nothing but a probe is sent, after failures in a row or because the receiver has asked for a pause."""


@attrs.frozen
class JournalStats:
    """What the journal has done since it was opened."""

    taken: int
    duplicates: int
    dropped: int
    """Events that were not taken, or not committed by the end."""
    waiting: int
    """Events that are not committed yet."""
    kept: int
    """Events that can be read."""
    damaged: int
    """How often an event could not be read that should have been there."""
    unread: int
    """Events that were deleted before every sink had passed them."""
    dead_lettered: Mapping[str, int]
    """Dead letters, by sink."""
    rescued: int = 0
    """Events that were saved beside the journal when its files were gone, as `JournalRescued` says."""
    failing: bool = False
    """Whether writing fails at present, so that nothing is confirmed."""
    commits: Latency = attrs.field(factory=Latency)
    """How long commits took, each of a group of events, from the first attempt to write it."""
    waiting_bytes: int = 0
    """Of the events that are not committed yet."""
    size_bytes: int = 0
    """Of the journal's files of events; 0 where it is in memory."""
    limit_bytes: int | None = None
    """Beyond which the oldest are deleted, read or not; ``None`` where it is in memory."""
    retain_seconds: float | None = None
    """After which those are deleted that all sinks have passed; ``None`` where it is in memory."""
    oldest_at: datetime | None = None
    """When the oldest event came that can be read; ``None`` where there is none, or it is not known yet."""


@attrs.frozen
class ServeStats:
    """What the programs and pages got that are served by HTTP and websocket, and how many there are."""

    clients: int = 0
    """Streams that are open."""
    accepted: int = 0
    """Streams that were opened."""
    sent: int = 0
    """Events that were sent, to all clients together."""
    sent_bytes: int = 0
    """Of events and states."""
    dropped: int = 0
    """Events that were dropped because a client was too slow; it was notified, and can fetch them."""
    rejections: Mapping[str, int] = MappingProxyType({})
    """Requests that were refused, by reason."""


@attrs.frozen
class DurableStats:
    """How one durable subscription stands."""

    behind: int
    """Events that it has not acknowledged, whether they are for it or not."""
    owned: bool = True
    """False for that of a token that is not configured, which nobody can follow."""


@attrs.frozen
class SharedFeed:
    """One feed that is shared with other gateways, as this one sees it."""

    role: Literal["writes", "stands by", "elsewhere"]
    holder: str
    """The member that has the lease; empty for none."""
    fence: int
    """Higher each time that the lease is won."""
    kept: int = 0
    """Copies that this gateway keeps while another one writes."""
    overflowed: int = 0
    """Copies that were dropped although they may not have been written."""


@attrs.frozen
class ClusterStats:
    """The gateways that share feeds, as this one sees them."""

    member: str
    """This one."""
    members: tuple[str, ...]
    """All that live."""
    feeds: Mapping[str, SharedFeed]
    trouble: str = ""
    """Why the coordinator cannot be reached; empty where it can."""
