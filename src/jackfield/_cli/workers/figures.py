"""The figures of several gateways as one: what is counted is summed, what stands now is chosen; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import reduce
from types import MappingProxyType
from typing import Any, TypeVar

import attrs

from jackfield._cli.workers.messages import UnitState
from jackfield.reports import FeedState, FeedStats, JournalStats, SinkStats, WebhookStats
from jackfield.reports.stats import SINK_STATES

__all__ = ["NO_JOURNAL", "added", "continued", "journal_of", "sinks_of", "without_connection"]

T = TypeVar("T", FeedStats, SinkStats, JournalStats, WebhookStats)
Choice = Callable[[Any, Any], Any]

NO_JOURNAL = JournalStats(0, 0, 0, 0, 0, 0, 0, MappingProxyType({}))
"""That of a gateway in which nothing has happened."""


def added(one: Any, other: Any) -> Any:
    """The sum of two counts, or of two mappings of them."""
    if isinstance(one, Mapping):
        return dict(Counter(one) + Counter(other))
    if isinstance(one, WebhookStats):
        return _merged(one, other, {})
    return one + other


def _where_known(choose: Choice) -> Choice:
    """The choice between two values of which either may be unknown."""

    def chosen(one: Any, other: Any) -> Any:
        return other if one is None else one if other is None else choose(one, other)

    return chosen


def _second(_one: Any, other: Any) -> Any:
    return other


_RANKS: Mapping[str, int] = {state: rank for rank, state in enumerate(SINK_STATES)}


def _worst(one: str, other: str) -> str:
    return max(one, other, key=lambda state: _RANKS[state])


# What stands now; everything else is counted.
_SINK: Mapping[str, Choice] = {
    "state": _worst,
    "lag": added,
    "waiting_since": _where_known(min),
    "held_bytes": added,
    "breaker_open": max,
}
_JOURNAL: Mapping[str, Choice] = {
    "waiting": added,
    "kept": added,
    "dead_lettered": added,
    "failing": max,
    "waiting_bytes": added,
    "size_bytes": added,
    "limit_bytes": _where_known(added),
    "retain_seconds": _where_known(max),
    "oldest_at": _where_known(min),
}
_FEED: Mapping[str, Choice] = {
    "since": _second,
    "state": _second,
    "last_event_at": _where_known(max),
    "last_unreadable": _second,
    "topics": _second,
    "refused_topics": _second,
}


def _merged(one: T, other: T, gauges: Mapping[str, Choice]) -> T:
    names = [field.name for field in attrs.fields(type(one))]
    return type(one)(
        **{name: gauges.get(name, added)(getattr(one, name), getattr(other, name)) for name in names},
    )


def continued(before: UnitState, now: UnitState) -> UnitState:
    """How a gateway stands that an earlier process has run too: its counts go on from there."""
    first = dict.fromkeys(_SINK, _second), dict.fromkeys(_JOURNAL, _second)
    feeds = {
        name: _merged(before.feeds[name], each, _FEED) if name in before.feeds else each
        for name, each in now.feeds.items()
    }
    sinks = {
        name: _merged(before.sinks[name], each, first[0]) if name in before.sinks else each
        for name, each in now.sinks.items()
    }
    return UnitState(feeds, sinks, _merged(before.journal, now.journal, first[1]))


def sinks_of(units: Iterable[UnitState]) -> dict[str, SinkStats]:
    """Each sink over all gateways."""
    sinks: dict[str, SinkStats] = {}
    for unit in units:
        for name, each in unit.sinks.items():
            sinks[name] = _merged(sinks[name], each, _SINK) if name in sinks else each
    return sinks


def journal_of(units: Iterable[UnitState]) -> JournalStats:
    """All journals as one."""
    journals = [unit.journal for unit in units]
    return reduce(lambda one, other: _merged(one, other, _JOURNAL), journals) if journals else NO_JOURNAL


def without_connection(unit: UnitState, at: datetime) -> UnitState:
    """How the gateway of a feed stands whose process has ended."""
    feeds = {
        name: attrs.evolve(each, state=FeedState.DISCONNECTED, since=at, topics=frozenset())
        for name, each in unit.feeds.items()
    }
    return UnitState(feeds, unit.sinks, attrs.evolve(unit.journal, waiting=0, waiting_bytes=0))
