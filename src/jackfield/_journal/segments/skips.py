"""Positions that no event has: left out after a power failure and in a copy, so that none is given twice; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Self

import attrs

from jackfield._journal.segments.format import FolderHeader
from jackfield._journal.segments.segment import Segment

__all__ = ["Skips", "skips_of"]

# A machine that lost power that often has no sink that still stands before the first of them.
MOST = 1000


@attrs.frozen
class Skips:
    """Ranges of positions, ascending, that were skipped on purpose and are not missing."""

    ranges: tuple[tuple[int, int], ...] = ()

    def adding(self, ranges: Iterable[tuple[int, int]]) -> Self:
        """These and more; ranges that touch become one."""
        joined: list[tuple[int, int]] = []
        for start, stop in sorted([*self.ranges, *ranges]):
            if joined and start <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(stop, joined[-1][1])
            elif start < stop:
                joined.append((start, stop))
        return type(self)(tuple(joined[-MOST:]))

    @property
    def stop(self) -> int:
        """Where the last range ends."""
        return self.ranges[-1][1] if self.ranges else 0

    def behind(self, position: int) -> int:
        """That position, or where the range ends within which it is."""
        return next((stop for start, stop in self.ranges if start < position < stop), position)

    def count(self, start: int, stop: int) -> int:
        """How many positions from `start` to before `stop` were not skipped."""
        skipped = sum(max(0, min(stop, end) - max(start, begin)) for begin, end in self.ranges)
        return max(0, stop - start - skipped)

    def end_before(self, upcoming: int) -> int:
        """The position behind the last event, where the next one gets the position `upcoming`."""
        if self.ranges and self.ranges[-1][1] == upcoming:
            return self.ranges[-1][0]
        return upcoming


def skips_of(header: FolderHeader | None, segments: Sequence[Segment]) -> Skips:
    """What ``journal.json`` says, and what the segments' first lines say, which is the same unless that is damaged."""
    between = [(one.limit, other.first) for one, other in pairwise(segments) if one.limit is not None]
    return Skips(header.skipped if header else ()).adding(between)
