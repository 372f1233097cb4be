"""How long what happens often takes, counted in buckets as monitoring wants it; among `jackfield.reports`."""

from __future__ import annotations

from bisect import bisect_left

import attrs

__all__ = ["BOUNDS", "Latency"]

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets, in seconds; behind the last of them is one more."""


@attrs.frozen
class Latency:
    """How long each of many took."""

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    """How many took longer than one of `BOUNDS`, and at most as long as the next."""
    seconds: float = 0.0
    """All together."""

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    def __add__(self, other: Latency) -> Latency:
        """How long all of both took."""
        counts = zip(self.counts, other.counts, strict=True)
        return Latency(tuple(map(sum, counts)), self.seconds + other.seconds)


@attrs.define
class LatencyCounter:
    """As `Latency`; it changes with each that is observed."""

    _counts: list[int] = attrs.field(factory=lambda: [0] * (len(BOUNDS) + 1))
    _seconds: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one that took so long."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def snapshot(self) -> Latency:
        """The counts as they are now."""
        return Latency(tuple(self._counts), self._seconds)
