"""What a feed has done so far, counted; what `GatewayState.feeds` holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import attrs

from jackfield.errors import FrameError
from jackfield.reports.feed_states import FeedState

__all__ = ["FeedStats", "WebhookStats"]

NONE: Mapping[str, int] = MappingProxyType({})


@attrs.frozen
class WebhookStats:
    """What became of a vendor's webhook requests."""

    accepted: int = 0
    """Webhooks that were answered with 200: their events are committed."""
    copies: int = 0
    """Events in them that were there already."""
    rejections: Mapping[str, int] = NONE
    """Webhooks that were answered with an error, by reason; unreadable ones are counted in `FeedStats.unreadable`."""


@attrs.frozen
class FeedStats:
    """What one feed has done since the gateway was opened; one that was removed and added again counts on."""

    since: datetime
    """When it came into its state."""
    state: FeedState = FeedState.DISCONNECTED
    connections: int = 0
    """How often a connection came up."""
    frames: int = 0
    events: int = 0
    """Events of the vendor's, copies too; the ``stream`` facts are not counted."""
    copies: int = 0
    """Those of them that had come already; ``frames / (events - copies)`` is how often the vendor sends each."""
    last_event_at: datetime | None = None
    """When the last of them came."""
    ignored: Mapping[str, int] = NONE
    """Frames and webhooks that were no events, by reason."""
    unreadable: int = 0
    last_unreadable: tuple[FrameError, ...] = attrs.field(default=(), repr=False)
    """The newest frames and webhooks that could not be read, oldest first."""
    topics: frozenset[str] = frozenset()
    """What the vendor has confirmed on this connection."""
    refused_topics: Mapping[str, str] = MappingProxyType({})
    """What it refused on this connection, with the reason."""
    gaps: int = 0
    """Gaps that were announced."""
    gap_seconds: float = 0.0
    """Their length together."""
    not_verified_count: int = 0
    """Spans in which nobody could know whether events were missed."""
    not_verified_seconds: float = 0.0
    """Their length together."""
    backfills: int = 0
    """Backfills that came to their end, regular ones too."""
    backfilled: int = 0
    """Events that they have brought."""
    backfills_failed: int = 0
    requests_failed: int = 0
    """Requests by HTTP that the protocol needed and that were given up, or ended with their connection."""
    slow_steps: int = 0
    """Steps of the provider's protocol that held up everything else in the process."""
    webhooks: WebhookStats = attrs.field(factory=WebhookStats)
