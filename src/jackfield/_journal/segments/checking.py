"""Reads all segments and their indexes, and compares them with their checksums."""

from __future__ import annotations

from collections.abc import Iterator

from jackfield._journal.segments.indexes import Indexes
from jackfield._journal.segments.segment import Segment
from jackfield.errors import JournalError

__all__ = ["check"]


def check(segments: list[Segment], indexes: Indexes, findings: list[str]) -> Iterator[str]:
    """What was found at the start, and everything else that is not what was written, each once."""
    yield from findings
    known = set(findings)
    for segment in list(segments):
        fresh = segment.fresh()
        try:
            fresh.read_through()
        except FileNotFoundError:
            if segment in segments:
                yield f"{segment.path.name}: is not there any more"
            continue
        yield from (each for each in fresh.problems if each not in known)
        if (index := indexes.get(segment)) is not None:
            try:
                index.verify()
            except JournalError as error:
                indexes.discard(segment)
                yield f"{error}; it is made again"
