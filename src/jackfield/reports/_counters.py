"""The counters behind the stats: they change with each event, so a snapshot is made only when somebody asks."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

import attrs

from jackfield.errors import FrameError
from jackfield.reports.feed_states import FeedState
from jackfield.reports.feed_stats import FeedStats, WebhookStats
from jackfield.reports.latency import LatencyCounter
from jackfield.reports.stats import SinkState, SinkStats

__all__ = [
    "MOST_REASONS",
    "OTHER_REASONS",
    "FeedCounters",
    "SinkCounters",
    "WebhookCounters",
    "count_reason",
    "remember",
]

T = TypeVar("T")

# Feeds, or sinks, that are gone and whose counts are kept for one of the same name.
MOST_FORMER = 1000

# Unreadable frames that are kept whole for inspection; they are counted without a limit.
KEPT_UNREADABLE = 16

# Different reasons that are counted apart; a vendor that puts numbers into its texts could make any number of them.
MOST_REASONS = 64
OTHER_REASONS = "other reasons"


def count_reason(reasons: Counter[str], reason: str) -> str:
    """Count one more for a reason; under which it was counted."""
    if reason not in reasons and len(reasons) >= MOST_REASONS:
        reason = OTHER_REASONS
    reasons[reason] += 1
    return reason


def remember(former: dict[str, T], name: str, counters: T) -> None:
    """Keep the counts of a feed or a sink that is gone, of the newest so many."""
    former[name] = counters
    if len(former) > MOST_FORMER:
        del former[next(iter(former))]


@attrs.define
class WebhookCounters:
    """As `WebhookStats`."""

    accepted: int = 0
    copies: int = 0
    rejections: Counter[str] = attrs.field(factory=Counter)

    def snapshot(self) -> WebhookStats:
        """The counts as they are now."""
        return WebhookStats(self.accepted, self.copies, MappingProxyType(dict(self.rejections)))


@attrs.define
class FeedCounters:
    """As `FeedStats`."""

    since: datetime
    state: FeedState = FeedState.DISCONNECTED
    connections: int = 0
    frames: int = 0
    events: int = 0
    last_event_at: datetime | None = None
    ignored: Counter[str] = attrs.field(factory=Counter)
    unreadable: int = 0
    last_unreadable: deque[FrameError] = attrs.field(factory=lambda: deque(maxlen=KEPT_UNREADABLE), repr=False)
    topics: frozenset[str] = frozenset()
    refused_topics: dict[str, str] = attrs.field(factory=dict)
    gaps: int = 0
    gap_seconds: float = 0.0
    not_verified_count: int = 0
    not_verified_seconds: float = 0.0
    backfills: int = 0
    backfilled: int = 0
    backfills_failed: int = 0
    requests_failed: int = 0
    slow_steps: int = 0
    webhooks: WebhookCounters = attrs.field(factory=WebhookCounters)

    def count_on(self, before: FeedCounters) -> None:
        """Take over the counts of the feed in whose place this one is; how that stood is over."""
        for field in attrs.fields(FeedCounters):
            if field.name not in ("since", "state", "topics", "refused_topics"):
                setattr(self, field.name, getattr(before, field.name))

    def snapshot(self, copies: int = 0) -> FeedStats:
        """The counts as they are now; the journal knows which events were copies."""
        counts = {field.name: getattr(self, field.name) for field in attrs.fields(FeedCounters)}
        return FeedStats(
            **counts
            | {
                "copies": copies,
                "ignored": MappingProxyType(dict(self.ignored)),
                "last_unreadable": tuple(self.last_unreadable),
                "refused_topics": MappingProxyType(dict(self.refused_topics)),
                "webhooks": self.webhooks.snapshot(),
            }
        )


@attrs.define
class SinkCounters:
    """As `SinkStats`; what waits is known by the pipeline and the journal."""

    state: SinkState = "delivering"
    delivered: int = 0
    dropped: int = 0
    dead: int = 0
    failures: int = 0
    retried: int = 0
    batches: LatencyCounter = attrs.field(factory=LatencyCounter)

    def snapshot(
        self, lag: int, waiting_since: datetime | None = None, held_bytes: int = 0, *, breaker_open: bool = False
    ) -> SinkStats:
        """The counts as they are now."""
        counts = self.state, self.delivered, self.dropped, self.dead, self.failures
        more = self.retried, self.batches.snapshot(), waiting_since, held_bytes, breaker_open
        return SinkStats(*counts, lag, *more)
