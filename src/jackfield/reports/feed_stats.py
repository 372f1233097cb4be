"""What a feed has done so far, counted."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime

import attrs

from jackfield.errors import FrameError
from jackfield.reports.feed_states import FeedState

__all__ = ["FeedStats", "WebhookStats", "count_reason"]

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


@attrs.define
class WebhookStats:
    """What became of what a vendor has posted to us."""

    accepted: int = 0
    """Webhooks that were answered with 200: their events are committed."""
    copies: int = 0
    """Events in them that were there already."""
    rejections: Counter[str] = attrs.field(factory=Counter)
    """Webhooks that were answered with an error, by reason; unreadable ones are counted in `FeedStats.unreadable`."""


@attrs.define
class FeedStats:
    """What one feed has done since it was started."""

    since: datetime
    """When it came into its state."""
    state: FeedState = FeedState.DISCONNECTED
    connections: int = 0
    """How often a connection came up."""
    frames: int = 0
    events: int = 0
    """Events of the vendor's; the ``stream`` facts are not counted."""
    ignored: Counter[str] = attrs.field(factory=Counter)
    """Frames and webhooks that were no events, by reason."""
    unreadable: int = 0
    last_unreadable: deque[FrameError] = attrs.field(factory=lambda: deque(maxlen=KEPT_UNREADABLE), repr=False)
    topics: frozenset[str] = frozenset()
    """What the vendor has confirmed on this connection."""
    refused_topics: dict[str, str] = attrs.field(factory=dict)
    """What it refused on this connection, with the reason."""
    gaps: int = 0
    not_verified_count: int = 0
    """Spans in which nobody could know whether events were missed."""
    not_verified_seconds: float = 0.0
    """Their length together."""
    backfilled: int = 0
    """Events that looks by REST for what was missed have brought."""
    backfills_failed: int = 0
    webhooks: WebhookStats = attrs.field(factory=WebhookStats)

    def snapshot(self) -> FeedStats:
        """A copy that does not change any more."""
        return attrs.evolve(
            self,
            ignored=Counter(self.ignored),
            refused_topics=dict(self.refused_topics),
            last_unreadable=deque(self.last_unreadable, KEPT_UNREADABLE),
            webhooks=attrs.evolve(self.webhooks, rejections=Counter(self.webhooks.rejections)),
        )
