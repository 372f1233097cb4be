"""Spans in which nobody could know whether events were missed: merged, each moment stated once, at a bounded pace."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime

import attrs

__all__ = ["PACE_SECONDS", "UnverifiedSpan", "UnverifiedSpans"]

# From one statement to the next, where nothing else is a reason for one.
PACE_SECONDS = 600.0
# Separate spans that are kept: those that wait to be stated are joined beyond that, those that were stated forgotten.
MOST_WAITING = 16
MOST_STATED = 256


@attrs.frozen
class UnverifiedSpan:
    """Events may have been missed between two moments, or not: nobody could know."""

    since: datetime
    until: datetime
    reason: str


@attrs.define
class UnverifiedSpans:
    """What of one feed is to be stated, and what was."""

    _waiting: list[UnverifiedSpan] = attrs.field(factory=list)
    _stated: list[UnverifiedSpan] = attrs.field(factory=list)
    _stated_at: float = -math.inf

    @property
    def waiting_since(self) -> datetime | None:
        """The earliest moment that is still to be stated."""
        return self._waiting[0].since if self._waiting else None

    def add(self, since: datetime, until: datetime, reason: str) -> None:
        """State that span too, as far as it is neither stated nor waiting."""
        for start, stop in _without(since, until, [*self._stated, *self._waiting]):
            _join(self._waiting, UnverifiedSpan(start, stop, reason))
        if len(self._waiting) > MOST_WAITING:
            since, until = self._waiting[0].since, max(span.until for span in self._waiting)
            self._waiting = [UnverifiedSpan(since, until, self._waiting[0].reason)]

    def take(self, elapsed: float, *, now: bool = False) -> list[UnverifiedSpan]:
        """What is to be stated at that second: nothing before the pace allows it, unless it must be `now`."""
        if not self._waiting or (elapsed - self._stated_at < PACE_SECONDS and not now):
            return []
        taken, self._waiting, self._stated_at = self._waiting, [], elapsed
        for span in taken:
            _join(self._stated, attrs.evolve(span, reason=""))
        del self._stated[:-MOST_STATED]
        return taken


def _without(since: datetime, until: datetime, spans: Iterable[UnverifiedSpan]) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a span that lie in none of the others."""
    for span in sorted(spans, key=lambda each: each.since):
        if since < (stop := min(until, span.since)):
            yield since, stop
        since = max(since, span.until)
    if since < until:
        yield since, until


def _join(spans: list[UnverifiedSpan], new: UnverifiedSpan) -> None:
    """Add a span that overlaps no other; a neighbour with the same reason is extended."""
    for index, span in enumerate(spans):
        if span.reason == new.reason and (span.until == new.since or span.since == new.until):
            del spans[index]
            _join(spans, UnverifiedSpan(min(span.since, new.since), max(span.until, new.until), new.reason))
            return
    spans.append(new)
    spans.sort(key=lambda each: each.since)
