"""For how long an outage a journal holds what comes meanwhile, at the rate at which events came last."""

from __future__ import annotations

import attrs

from jackfield._journal.store import SegmentStore

__all__ = ["Coverage", "measure_coverage"]

NEWEST = 10_000
UNITS = (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0))


@attrs.frozen
class Coverage:
    """How long, and at which rate."""

    seconds: float
    events_per_second: float
    bytes: int

    def __str__(self) -> str:
        amount, unit = next(
            ((self.seconds / each, name) for name, each in UNITS if self.seconds >= 2 * each), (self.seconds, "seconds")
        )
        size = f"{self.bytes / 1e9:g} GB" if self.bytes >= 1e9 else f"{self.bytes / 1e6:g} MB"
        return f"{size} is about {amount:.0f} {unit} at {self.events_per_second:.3g} events/s"


def measure_coverage(store: SegmentStore, keep_bytes: int) -> Coverage | None:
    """How long an outage `keep_bytes` cover at the rate of the newest events; ``None`` where there are too few."""
    end = store.folder.end
    start = max(store.first, end - NEWEST)
    lines = [*store.read(start, 1).lines, *store.read(end - 1, 1).lines]
    if len(lines) < 2 or (passed := (lines[1].received - lines[0].received) / 1_000_000) <= 0:
        return None
    rate = store.count(lines[0].position, lines[1].position) / passed
    size = store.size / store.count(store.first, end)
    return Coverage(keep_bytes / (rate * size), rate, keep_bytes)
