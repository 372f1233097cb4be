"""How a gateway stands, as one value for who embeds it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from jackfield._delivery.sink_runner import SinkStats
from jackfield._gateway.listener import ListenerState
from jackfield._journal import JournalStats
from jackfield.config import Route
from jackfield.reports.feed_stats import FeedStats

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
    """What was sent to the inbox and is no webhook of any feed, by the reason why it was turned down."""
