"""What the operator's page shows beside the events: feeds, sinks, the journal, rates and notices; pure and bounded."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Any

import attrs

from jackfield._gateway.snapshot import GatewayState
from jackfield.reports import ClusterStats, FeedStateChanged, GapSuspected, Report

__all__ = ["Operations"]

RATE_SAMPLES = 6
"""Measurements that a rate is computed from."""
MOST_NOTICES = 60
LONGEST = 500
DOWN = frozenset({"disconnected", "connecting", "reconnecting"})
"""States of a feed that has no connection."""


# Of a sink's figures.
SHOWN = ("state", "delivered", "dropped", "dead", "failures", "lag")


@attrs.define(eq=False)
class Operations:
    """The gateway's figures over the last seconds, and the newest reports."""

    _samples: deque[tuple[float, dict[str, int]]] = attrs.field(factory=lambda: deque(maxlen=RATE_SAMPLES))
    _state: GatewayState | None = None
    _providers: dict[str, str] = attrs.field(factory=dict)
    _notices: deque[dict[str, Any]] = attrs.field(factory=lambda: deque(maxlen=MOST_NOTICES))
    _serial: int = 0
    _since: dict[str, datetime] = attrs.field(factory=dict)
    """Since when each feed is down that is; a failed attempt to connect does not begin it anew."""
    _reasons: dict[str, str] = attrs.field(factory=dict)
    _gaps: dict[str, GapSuspected] = attrs.field(factory=dict)
    """The last gap of each feed."""

    def observe(self, report: Report, now: datetime) -> None:
        """Take in one report."""
        if report.level == "debug":
            return
        match report:
            case FeedStateChanged(feed=name, state=state, reason=reason):
                down, was_down = state.value in DOWN, name in self._since
                if not down:
                    self._since.pop(name, None)
                    self._reasons.pop(name, None)
                else:
                    self._since.setdefault(name, now)
                    known = self._reasons.get(name, "")
                    self._reasons[name] = reason or known
                    if was_down and self._reasons[name] == known:
                        return  # another failed attempt
            case GapSuspected(feed=name):
                self._gaps[name] = report
        self._serial += 1
        text = str(report)
        text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
        self._notices.append({"key": str(self._serial), "at": now.timestamp(), "level": report.level, "text": text})

    def measure(self, state: GatewayState, providers: dict[str, str], at: float) -> None:
        """Take in the gateway's counts at a monotonic time."""
        self._state, self._providers = state, providers
        counts = {f"feed {name}": feed.events for name, feed in state.feeds.items()}
        counts |= {f"sink {name}": sink.delivered for name, sink in state.sinks.items()}
        counts["events"] = state.journal.taken
        self._samples.append((at, counts))

    def shown(self) -> dict[str, Any]:
        """JSON for the page."""
        state = self._state
        if state is None:
            return {"rate": 0.0, "journal": {}, "feeds": [], "sinks": [], "notices": list(self._notices)}
        feeds = [
            {
                "key": name,
                "provider": self._providers.get(name, ""),
                "state": feed.state.value,
                "since": self._since.get(name, feed.since).timestamp(),
                "reason": "; ".join(filter(None, (_shared(state.cluster, name), self._reasons.get(name, "")))),
                "rate": self._rate(f"feed {name}"),
                "events": feed.events,
                "unreadable": feed.unreadable,
                "topics": len(feed.topics),
                "refused": len(feed.refused_topics),
                "gaps": feed.gaps,
                "gap": self._gap(name),
                "not_verified": feed.not_verified_seconds,
            }
            for name, feed in state.feeds.items()
        ]
        sinks = [
            {"key": name, "rate": self._rate(f"sink {name}"), **{each: getattr(sink, each) for each in SHOWN}}
            for name, sink in state.sinks.items()
        ]
        journal = state.journal
        return {
            "rate": self._rate("events"),
            "journal": {
                "taken": journal.taken,
                "waiting": journal.waiting,
                "dropped": journal.dropped,
                "kept": journal.kept,
                "failing": journal.failing,
            },
            "feeds": feeds,
            "sinks": sinks,
            "notices": list(self._notices),
        }

    def _gap(self, feed: str) -> list[Any] | None:
        gap = self._gaps.get(feed)
        return None if gap is None else [gap.since.timestamp(), gap.until.timestamp(), gap.cause[:LONGEST]]

    def _rate(self, name: str) -> float:
        """Increments per second of a counter, over the last measurements."""
        (began, first), (ended, last) = self._samples[0], self._samples[-1]
        return round((last[name] - first.get(name, 0)) / (ended - began), 1) if ended > began else 0.0


def _shared(cluster: ClusterStats | None, feed: str) -> str:
    """What this gateway has to do with a feed that it shares with others; empty where it does not."""
    shared = None if cluster is None else cluster.feeds.get(feed)
    if shared is None:
        return ""
    if shared.role == "writes":
        return f"writes it, under number {shared.fence}"
    holder = shared.holder or "nobody"
    return f"{holder} writes it" if shared.role == "elsewhere" else f"stands by, {holder} writes it"
