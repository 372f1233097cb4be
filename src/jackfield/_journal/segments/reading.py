"""Reads events by position out of segments, some of which may be deleted meanwhile."""

from __future__ import annotations

import attrs

from jackfield._journal.segments.segment import Segment
from jackfield._journal.segments.skips import Skips
from jackfield._journal.segments.walk import Line

__all__ = ["Lines", "read"]


@attrs.frozen
class Lines:
    """The events at some positions."""

    lines: list[Line]
    next: int
    """Where to read on."""
    deleted: int = 0
    """How many events before the oldest one were asked for."""
    lost: int = 0
    """How many events should be there and cannot be read; positions that were skipped on purpose do not count."""
    problem: str = ""
    """What is wrong with some of them; empty where nothing is."""


def read(segments: list[Segment], position: int, most: int, upcoming: int, skips: Skips) -> Lines:
    """The events at the next `most` positions from there on, of those below `upcoming`.

    Where nothing is due at the next `most` positions, since they were skipped, those behind them.
    """
    while True:
        there = list(segments)
        oldest = min(there[0].first, upcoming) if there else upcoming
        start = max(position, oldest)
        # Positions between two segments were skipped on purpose.
        start = min(next((max(start, each.first) for each in there if each.stop > start), upcoming), upcoming)
        stop = max(start, min(start + most, upcoming))
        lines: list[Line] = []
        problems: list[str] = []
        due = 0
        for segment in there:
            begin, end = max(start, segment.first), min(stop, segment.stop)
            if begin < end:
                due += end - begin
                try:
                    lines += _lines(segment, begin, end, problems)
                except FileNotFoundError:
                    if segment not in segments:  # retention has deleted it
                        break
                    problems.append(f"{segment.path.name}: is not there any more")
        else:
            return Lines(
                lines, skips.behind(stop), skips.count(position, oldest), due - len(lines), "; ".join(problems)
            )


def received_at(segments: list[Segment], position: int) -> int | None:
    """When the oldest event came of the segment that holds a position, microseconds since 1970, where it is known."""
    holds = (each.received for each in reversed(segments.copy()) if each.first <= position)
    return next(holds, 0) or None


def _lines(segment: Segment, start: int, stop: int, problems: list[str]) -> list[Line]:
    """A segment's events at these positions."""
    found: list[Line] = []
    end = start
    for piece in segment.pieces(start):
        found += [line for line in piece.lines if start <= line.position < stop and not piece.misplaced]
        if piece.problem and piece.next > start:
            problems.append(f"{segment.path.name}: {piece.problem}")
        end = max(end, piece.next)
        if end >= stop:
            break
    else:
        problems.append(f"{segment.path.name}: events {end} to {stop - 1} are missing at its end")
    return found
