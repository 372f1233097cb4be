"""How a gateway stands, as one value for programs that embed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

import attrs

from jackfield._delivery import SinkPipeline
from jackfield._feed.session import Session
from jackfield._gateway.listening import Listening
from jackfield._journal import Journal
from jackfield.config import Route
from jackfield.reports.feed_stats import FeedStats
from jackfield.reports.stats import ClusterStats, DurableStats, JournalStats, ListenerState, ServeStats, SinkStats
from jackfield.reports.workers import WorkerStats

__all__ = ["GatewayState", "SupportsState", "gateway_state"]


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
    serve: ServeStats = attrs.field(factory=ServeStats)
    """The programs and pages that ``[serve]`` serves."""
    cluster: ClusterStats | None = None
    """The gateways that feeds are shared with; ``None`` where there are none."""
    workers: Mapping[str, WorkerStats] = MappingProxyType({})
    """The processes that hold the feeds, by number; none where it is this one alone."""
    durable: Mapping[str, DurableStats] = MappingProxyType({})
    """Durable subscriptions, by name; those of clients of ``[serve]`` have the name of their token before theirs."""


class SupportsState(Protocol):
    """Whose state can be asked for: a gateway, or several processes that are one."""

    def state(self) -> GatewayState:
        """How it stands now."""


def gateway_state(
    sessions: Mapping[str, Session],
    pipelines: Mapping[str, SinkPipeline],
    journal: Journal,
    listeners: Listening,
    routes: Iterable[Route],
    rejections: Mapping[str, int],
    shares: tuple[ServeStats, ClusterStats | None],
) -> GatewayState:
    """How all this stands."""
    feeds = {name: session.stats.snapshot(journal.copies_of(name)) for name, session in sessions.items()}
    sinks = {name: pipeline.snapshot() for name, pipeline in pipelines.items()}
    return GatewayState(
        MappingProxyType(feeds),
        MappingProxyType(sinks),
        journal.snapshot(),
        tuple(listeners.states()),
        tuple(routes),
        MappingProxyType(dict(rejections)),
        *shares,
        durable=MappingProxyType(listeners.durables.states()),
    )
