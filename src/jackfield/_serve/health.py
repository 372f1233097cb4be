"""Whether a gateway is alive, whether it can confirm what is sent to it, and what is not as it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from jackfield._gateway.snapshot import GatewayState
from jackfield.reports.feed_states import FeedState

__all__ = ["LAG_EVENTS", "LAG_SECONDS", "Health", "health_of"]

LAG_EVENTS = 10_000
"""A sink that is so many events behind is a reason for being degraded."""
LAG_SECONDS = 300.0
"""Likewise one whose oldest event waits for so long."""

# A feed by webhook alone listens; it has nothing to subscribe to.
WELL = frozenset({FeedState.SUBSCRIBED, FeedState.LISTENING})


@attrs.frozen
class Health:
    """How a gateway stands, for a probe."""

    ready: bool
    """Whether a webhook that comes now can be committed; a slow sink or a feed that is down changes nothing in that."""
    reasons: Mapping[str, str]
    """What is not as it should be, by its name, such as ``feeds.office``."""

    @property
    def status(self) -> str:
        """``ok``, ``degraded``, or ``unavailable``."""
        return "unavailable" if not self.ready else "degraded" if self.reasons else "ok"

    def as_document(self) -> dict[str, Any]:
        """The JSON body of an answer."""
        return {"status": self.status, "ready": self.ready, "reasons": dict(self.reasons)}


def health_of(state: GatewayState, now: datetime) -> Health:
    """The health of a gateway in this state."""
    held = all(worker.up for worker in state.workers.values())
    return Health(held and not state.journal.failing, dict(_reasons(state, now)))


def _reasons(state: GatewayState, now: datetime) -> Iterator[tuple[str, str]]:
    if state.journal.failing:
        yield "journal", f"writing fails; {state.journal.waiting} events are not committed"
    for name, worker in state.workers.items():
        if not worker.up:
            seconds = max(0.0, (now - worker.since).total_seconds())
            yield f"workers.{name}", f"down for {seconds:.0f} s; it holds {', '.join(worker.feeds) or 'no feed'}"
    shared = {} if state.cluster is None else state.cluster.feeds
    if state.cluster is not None and state.cluster.trouble:
        yield "cluster", state.cluster.trouble
    for name, feed in state.feeds.items():
        if name in shared and shared[name].role == "elsewhere":
            if not shared[name].holder:
                yield f"feeds.{name}", "no member of the cluster holds it"
        elif feed.state not in WELL:
            yield f"feeds.{name}", f"{feed.state.value} for {max(0.0, (now - feed.since).total_seconds()):.0f} s"
        elif feed.refused_topics:
            yield f"feeds.{name}", f"{len(feed.refused_topics)} topics are refused"
    for name, sink in state.sinks.items():
        seconds = (now - sink.waiting_since).total_seconds() if sink.waiting_since else 0.0
        behind = f"{sink.lag} events behind" + (f", the oldest for {seconds:.0f} s" if seconds >= 1.0 else "")
        if sink.state != "delivering":
            yield f"sinks.{name}", f"{sink.state}, {behind}"
        elif sink.lag >= LAG_EVENTS or seconds >= LAG_SECONDS:
            yield f"sinks.{name}", behind
