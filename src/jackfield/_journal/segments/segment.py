"""One segment file: its header, and a sparse index by which its events are found."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

import attrs

from jackfield._journal.segments.format import SegmentHeader, parse_segment_header
from jackfield._journal.segments.walk import Piece, walk
from jackfield.errors import JournalError

__all__ = ["SUFFIX", "Segment", "segment_name"]

SUFFIX = ".jsonl"
# So far apart are the places from which a segment can be read; a read costs at least that much.
MARK_BYTES = 65_536
MOST_HEADER_BYTES = 4096


def segment_name(first: int) -> str:
    """The name of the segment that begins with that position; names sort as positions do."""
    return f"{first:020d}{SUFFIX}"


@attrs.define(eq=False)
class Segment:
    """A file of groups; what is known of it is kept in `marks`."""

    path: Path
    header: SegmentHeader
    size: int
    """Where the next group goes; what stands behind it in the file does not count."""
    next: int | None = None
    """The position behind its last event; ``None`` until it was read through."""
    torn: int = 0
    """How many bytes of an unfinished group stand at its end."""
    problems: list[str] = attrs.field(factory=list)
    """What was found while it was read through."""
    marks: list[tuple[int, int]] = attrs.field(factory=list)
    """Positions and byte offsets of some groups, ascending."""

    @classmethod
    def examine(cls, path: Path) -> Segment | str:
        """A segment by its first line, or what is wrong with it."""
        try:
            with path.open("rb") as file:
                line = file.readline(MOST_HEADER_BYTES)
                size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise JournalError(f"{path}: cannot be read: {error.strerror}") from None
        header = parse_segment_header(line[:-1]) if line.endswith(b"\n") else None
        if header is None:
            return f"{path.name}: its first line is not that of a segment"
        if path.name != segment_name(header.first):
            return f"{path.name}: holds the segment that begins with event {header.first}"
        return cls(path, header, size, marks=[(header.first, len(line))])

    def note(self, position: int, offset: int) -> None:
        """Mark a group's place where the last mark is far enough away."""
        if offset - self.marks[-1][1] >= MARK_BYTES:
            self.marks.append((position, offset))

    def read_through(self) -> None:
        """Walk it once from beginning to end: find its marks, its end, and what is wrong with it."""
        if self.next is not None:
            return
        start = self.marks[0][1]
        end = self.header.first
        for piece in walk(self._bytes(start, self.size), 0, end, self.header.journal):
            end = piece.next
            if piece.torn:
                self.torn = piece.end - piece.offset
                self.size -= self.torn
            else:
                self.note(piece.first, start + piece.offset)
            if piece.problem:
                self.problems.append(f"{self.path.name}: {piece.problem}")
        self.next = end

    def pieces(self, position: int) -> Iterator[Piece]:
        """The pieces that hold the events from that position on."""
        self.read_through()
        number = max(0, bisect_right(self.marks, (position, self.size)) - 1)
        while number < len(self.marks):
            expected, start = self.marks[number]
            stop = self.marks[number + 1][1] if number + 1 < len(self.marks) else self.size
            yield from walk(self._bytes(start, stop), 0, expected, self.header.journal)
            number += 1

    def _bytes(self, start: int, stop: int) -> bytes:
        try:
            with self.path.open("rb") as file:
                return os.pread(file.fileno(), stop - start, start)
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be read: {error.strerror}") from None
