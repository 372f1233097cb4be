"""Spans in which nobody could know whether events were missed: merged, each moment stated once, at a bounded pace.

A quiet night must not become a list of statements. What touches, or is less than a minute apart, is one span, whatever
the reasons; at most four spans are stated together; and from one statement to the next it is ten minutes, then twenty,
then forty, then an hour for as long as there is something to state. So a feed states at most four spans an hour in the
long run, and at most sixteen in its first one, beside those of its end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import attrs

__all__ = ["PACE_SECONDS", "SLOWEST_SECONDS", "UnverifiedSpan", "UnverifiedSpans"]

# From one statement to the next, where nothing else is a reason for one; it doubles each time.
PACE_SECONDS = 600.0
SLOWEST_SECONDS = 3600.0
# What lies between two spans and is shorter is stated with them, unless it was stated.
BRIDGED = timedelta(seconds=60)
# Separate spans that are kept: of those that wait to be stated the nearest are joined, the oldest stated are forgotten.
MOST_WAITING = 4
MOST_STATED = 256
MOST_REASONS, MORE = 4, "and more"


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
    """By time."""
    _stated: list[UnverifiedSpan] = attrs.field(factory=list)
    """Without reasons, by time."""
    _stated_at: float = -math.inf
    _pace: float = PACE_SECONDS

    @property
    def waiting_since(self) -> datetime | None:
        """The earliest moment that is still to be stated."""
        return self._waiting[0].since if self._waiting else None

    def add(self, since: datetime, until: datetime, reason: str) -> None:
        """State that span too, as far as it is neither stated nor waiting."""
        for start, stop in list(_without(since, until, [*self._stated, *self._waiting])):
            self._waiting.append(UnverifiedSpan(start, stop, reason))
        self._waiting.sort(key=lambda each: each.since)
        self._waiting = _joined(self._waiting, lambda one, other: self._bridges(one.until, other.since))
        while len(self._waiting) > MOST_WAITING:
            holes = [later.since - one.until for one, later in pairwise(self._waiting)]
            nearest = holes.index(min(holes))
            self._waiting[nearest : nearest + 2] = [_join(*self._waiting[nearest : nearest + 2])]

    def _bridges(self, since: datetime, until: datetime) -> bool:
        return until - since < BRIDGED and not any(each.since < until and since < each.until for each in self._stated)

    def take(self, elapsed: float, *, now: bool = False) -> list[UnverifiedSpan]:
        """What is to be stated at that second: nothing before the pace allows it, unless it must be `now`."""
        passed = elapsed - self._stated_at
        if not self._waiting or (passed < self._pace and not now):
            return []
        lately = passed < self._pace + SLOWEST_SECONDS
        self._pace = min(self._pace * 2, SLOWEST_SECONDS) if lately else PACE_SECONDS
        taken, self._waiting, self._stated_at = self._waiting, [], elapsed
        unexplained = [attrs.evolve(span, reason="") for span in taken]
        stated = sorted([*self._stated, *unexplained], key=lambda each: each.since)
        self._stated = _joined(stated, lambda one, other: other.since <= one.until)[-MOST_STATED:]
        return taken


def _without(since: datetime, until: datetime, spans: Iterable[UnverifiedSpan]) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a span that lie in none of the others."""
    for span in sorted(spans, key=lambda each: each.since):
        if since < (stop := min(until, span.since)):
            yield since, stop
        since = max(since, span.until)
    if since < until:
        yield since, until


def _joined(
    spans: Iterable[UnverifiedSpan], touch: Callable[[UnverifiedSpan, UnverifiedSpan], bool]
) -> list[UnverifiedSpan]:
    """Spans by time, of which neighbours that touch are one, for the reasons of both."""
    joined: list[UnverifiedSpan] = []
    for span in spans:
        if joined and touch(joined[-1], span):
            joined[-1] = _join(joined[-1], span)
        else:
            joined.append(span)
    return joined


def _join(one: UnverifiedSpan, later: UnverifiedSpan) -> UnverifiedSpan:
    reasons = list(dict.fromkeys([*one.reason.split("; "), *later.reason.split("; ")]))
    if len(reasons) > MOST_REASONS:
        reasons = [*reasons[: MOST_REASONS - 1], MORE]
    return UnverifiedSpan(one.since, max(one.until, later.until), "; ".join(reasons))
