"""How a gateway stands, as one value for programs that embed it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from jackfield.config import Route
from jackfield.reports.feed_stats import FeedStats
from jackfield.reports.stats import JournalStats, ListenerState, SinkStats

__all__ = ["GatewayState"]


@attrs.frozen
class GatewayState:
    """How the gateway stands, and what it has done since it was opened; nothing in it changes later."""

    feeds: Mapping[str, FeedStats]
    """Each feed's connection, since when it is so, what it is subscribed to, what was refused, and counts."""
    sinks: Mapping[str, SinkStats]
    """Whether each sink delivers, waits or is paused, how far it lags, and counts."""
    journal: JournalStats
    listeners: tuple[ListenerState, ...]
    routes: tuple[Route, ...]
    unroutable_webhooks: Mapping[str, int]
    """Requests to the webhook server that were for no feed, by the reason why they were rejected."""
