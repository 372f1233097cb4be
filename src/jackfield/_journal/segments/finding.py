"""Finds events by their attributes or their receipt, with the help of indexes where there are some."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

import msgspec

from jackfield._journal.segments.entries import pair_hash
from jackfield._journal.segments.indexes import Indexes
from jackfield._journal.segments.kept_keys import KeptKeys
from jackfield._journal.segments.keys import INDEXED, read_attributes
from jackfield._journal.segments.segment import Segment
from jackfield._journal.segments.walk import Line
from jackfield.errors import JournalError

__all__ = ["find", "keys_of", "newest_keys", "scan"]


def find(segments: list[Segment], indexes: Indexes, name: str, value: str) -> Iterator[Line]:
    """The events whose attribute `name`, one of `INDEXED`, is `value`, in order."""
    if name not in INDEXED:
        raise ValueError(f"{name!r} is not one of {', '.join(INDEXED)}")
    text = msgspec.json.encode(value)
    wanted = pair_hash(name, value)
    for segment in list(segments):
        try:
            for line in _candidates(segment, indexes, wanted, text):
                if getattr(read_attributes(line.body), name) == value:
                    yield line
        except FileNotFoundError:
            if segment in segments:
                raise JournalError(f"{segment.path}: is not there any more") from None


def _candidates(segment: Segment, indexes: Indexes, wanted: int, text: bytes) -> Iterator[Line]:
    if segment.next is None:
        segment.read_through()
    if segment.misplaced:
        yield from (line for piece in segment.pieces(segment.first) if not piece.misplaced for line in piece.lines)
        return
    positions = _positions(segment, indexes, wanted)
    if positions is None:
        numbers = list(dict.fromkeys(segment.marks_before(text)))
    else:
        numbers = list(dict.fromkeys(segment.mark_of(position) for position in sorted(positions)))
    for number in numbers:
        for piece in segment.chunk(number):
            if not piece.misplaced:
                yield from (line for line in piece.lines if positions is None or line.position in positions)


def _positions(segment: Segment, indexes: Indexes, wanted: int) -> set[int] | None:
    """What the index says; ``None`` where there is none that can be read."""
    if (index := indexes.get(segment)) is not None:
        try:
            return set(index.find(wanted))
        except JournalError:
            indexes.discard(segment)
    return None


def newest_keys(segments: list[Segment], indexes: Indexes, kept: KeptKeys, count: int) -> list[bytes]:
    """The keys of the newest events, the oldest first; of those that have one, deleted or not."""
    found: list[list[bytes]] = []
    missing = count
    for keys in chain((keys_of(segment, indexes) for segment in reversed(segments)), kept.newest_first()):
        found.append(keys[max(0, len(keys) - missing) :])
        missing -= len(found[-1])
        if missing <= 0:
            break
    return list(chain.from_iterable(reversed(found)))


def keys_of(segment: Segment, indexes: Indexes) -> list[bytes]:
    """The keys of a segment's events, in order, without those that have none."""
    if (index := indexes.get(segment)) is not None:
        try:
            return index.keys()
        except JournalError:
            indexes.discard(segment)
    lines = (line for piece in segment.pieces(segment.first) if not piece.misplaced for line in piece.lines)
    return [key for line in lines if (key := read_attributes(line.body).key())]


def scan(
    segments: list[Segment], indexes: Indexes, since: int, until: int, problem: Callable[[str], object]
) -> Iterator[list[Line]]:
    """The events received from `since` to before `until`, microseconds since 1970, some at a time.

    What is wrong in the segments that may hold such events is reported to `problem`.
    """
    for segment in list(segments):
        index = indexes.get(segment)
        if index is not None and (index.header.received[1] < since or index.header.received[0] >= until):
            continue
        end = segment.first
        try:
            for piece in segment.pieces(segment.first):
                if piece.problem:
                    problem(f"{segment.path.name}: {piece.problem}")
                end = max(end, piece.next)
                if not piece.misplaced and (found := [line for line in piece.lines if since <= line.received < until]):
                    yield found
        except FileNotFoundError:
            if segment in segments:
                raise JournalError(f"{segment.path}: is not there any more") from None
        else:
            if end < (segment.limit or segment.confirmed):
                problem(f"{segment.path.name}: events {end} to {segment.stop - 1} are missing at its end")
