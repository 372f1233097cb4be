"""One segment file: its header, and a sparse index by which its events are found."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from jackfield._journal.segments.entries import About, Entries
from jackfield._journal.segments.format import SegmentHeader, parse_segment_header
from jackfield._journal.segments.walk import Line, Piece, walk
from jackfield.errors import JournalError

__all__ = ["SUFFIX", "Segment", "segment_name"]

SUFFIX = ".jsonl"
# So far apart are the places from which a segment can be read; a read costs at least that much.
MARK_BYTES = 16_384
# So much is in memory at a time while a segment is read through; more where one group is longer.
WINDOW_BYTES = 1_000_000
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
    confirmed: int = 0
    """Positions below it were confirmed, so none of them is an unfinished write."""
    limit: int | None = None
    """The position where it ends, by the header of the segment that follows; ``None`` for the newest."""
    next: int | None = None
    """The position behind its last event; ``None`` until that is known."""
    torn: int = 0
    """How many bytes of an unfinished group stand at its end."""
    walked: bool = False
    """Whether it was read through."""
    misplaced: bool = False
    """Whether some of its groups do not stand in their order."""
    problems: list[str] = attrs.field(factory=list)
    """What was found while it was read through."""
    received: int = 0
    """When its oldest event came, microseconds since 1970; 0 where that is not known."""
    entries: Entries | None = None
    """What its index will say, where that was collected from its first event on."""
    marks: list[tuple[int, int]] = attrs.field(factory=list)
    """Positions and byte offsets of some groups, ascending."""

    @classmethod
    def examine(cls, path: Path) -> Segment | None:
        """A segment by its first line; ``None`` where that line is not what was written."""
        with path.open("rb") as file:
            line = file.readline(MOST_HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size
        header = parse_segment_header(line[:-1]) if line.endswith(b"\n") else None
        return None if header is None else cls(path, header, size, marks=[(header.first, len(line))])

    @classmethod
    def new(cls, folder: Path, header: SegmentHeader, size: int) -> Segment:
        """One that has only its first line, of that size."""
        first = header.first
        path = folder / segment_name(first)
        return cls(path, header, size, next=first, walked=True, entries=Entries(), marks=[(first, size)])

    @property
    def first(self) -> int:
        """The position of its first event."""
        return self.header.first

    @property
    def stop(self) -> int:
        """The position behind its last event; read through where that is not known."""
        if self.limit is not None:
            return self.limit
        self.read_through()
        assert self.next is not None
        return self.next

    def fresh(self) -> Segment:
        """The same of which nothing is known, to be read through once more."""
        return Segment(self.path, self.header, self.size, self.confirmed, self.limit, marks=self.marks[:1])

    def note(self, position: int, offset: int) -> None:
        """Mark a group's place where the last mark is far enough away."""
        if offset - self.marks[-1][1] >= MARK_BYTES:
            self.marks.append((position, offset))

    def appended(self, position: int, offset: int, received: Sequence[int], about: About) -> None:
        """Note a group's place, and what the index will say of its events; where that is not known, it is read."""
        self.note(position, offset)
        if not self.received:
            self.received = min(received)
        if not about[0]:
            self.entries = None
        elif self.entries is not None:
            self.entries.add(position - self.first, about, received)

    def read_through(self) -> None:
        """Walk it once from start to end: find its marks, its end, and what is wrong with it."""
        if self.walked:
            return
        del self.marks[1:]
        end = self.first
        missing: set[int] = set()
        for piece in self._walk(self.marks[0][1], self.size, end, self.confirmed, self.limit):
            if piece.torn:
                self.torn = piece.end - piece.offset
                self.size -= self.torn
            elif not piece.misplaced:
                self.note(piece.first, piece.offset)
                self.received = self.received or min([line.received for line in piece.lines], default=0)
                if piece.problem:
                    missing |= {*range(end, piece.next)} - {line.position for line in piece.lines}
            else:
                self.misplaced |= any(line.position in missing for line in piece.lines)
            if piece.problem:
                self.problems.append(f"{self.path.name}: {piece.problem}")
            end = piece.next
        due = max(self.confirmed, self.limit or 0)
        if end < due:
            what = f"event {end} is" if due - end == 1 else f"events {end} to {due - 1} are"
            self.problems.append(f"{self.path.name}: {what} missing at its end")
        self.next = max(end, due)
        self.walked = True

    def pieces(self, position: int) -> Iterator[Piece]:
        """The pieces that hold the events from that position on."""
        if self.next is None:
            self.read_through()
        if self.misplaced:
            yield self._in_order()
            return
        for number in range(self.mark_of(position), len(self.marks)):
            pieces = self.chunk(number)
            if not self.walked and any(piece.problem for piece in pieces):
                self.read_through()  # what was known of it does not hold any more
                yield from self.pieces(max(position, self.marks[number][0]))
                return
            yield from pieces

    def mark_of(self, position: int) -> int:
        """The number of the mark behind which an event stands."""
        return max(0, bisect_right(self.marks, (position, self.size)) - 1)

    def chunk(self, number: int) -> list[Piece]:
        """The pieces from a mark to the next; -1 is the last."""
        number %= len(self.marks)
        expected, start = self.marks[number]
        last = number + 1 == len(self.marks)
        limit, end = (self.limit, self.size) if last else self.marks[number + 1]
        return list(self._walk(start, end, expected, self.confirmed, limit))

    def marks_before(self, text: bytes) -> Iterator[int]:
        """The numbers of marks behind which a text stands, before the next mark."""
        offsets = [offset for _, offset in self.marks]
        start = offsets[0]
        while start < self.size:
            stop = min(self.size, start + WINDOW_BYTES)
            data = self._bytes(start, min(self.size, stop + len(text) - 1))
            at = data.find(text)
            while at >= 0:
                number = bisect_right(offsets, start + at) - 1
                yield number
                after = offsets[number + 1] if number + 1 < len(offsets) else self.size
                at = data.find(text, after - start)
            start = stop

    def _in_order(self) -> Piece:
        """All its events, where groups do not stand in their order."""
        found: dict[int, Line] = {}
        for piece in self._walk(self.marks[0][1], self.size, self.first, self.confirmed, self.limit):
            for line in piece.lines:
                there = found.get(line.position)
                if there is None or (line.verified and not there.verified):
                    found[line.position] = line
        lines = [found[position] for position in sorted(found) if self.first <= position < self.stop]
        return Piece(self.marks[0][1], self.size, self.first, self.stop, lines, "its groups do not stand in order")

    def _walk(self, start: int, end: int, expected: int, confirmed: int, limit: int | None) -> Iterator[Piece]:
        """The pieces between two places, read a window at a time."""
        window = WINDOW_BYTES
        while start < end:
            stop = min(end, start + window)
            data = self._bytes(start, stop)
            for piece in walk(data, 0, expected, self.header.journal, confirmed=confirmed, limit=limit):
                if piece.end == len(data) and stop < end:  # it may go on behind the window
                    window = WINDOW_BYTES if piece.offset else 2 * window
                    start += piece.offset
                    break
                yield attrs.evolve(piece, offset=start + piece.offset, end=start + piece.end)
                expected = piece.next
            else:
                start = stop

    def _bytes(self, start: int, stop: int) -> bytes:
        """Some bytes of the file; fewer where it is shorter than it was."""
        file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = b""
            while len(data) < stop - start and (more := os.pread(file, stop - start - len(data), start + len(data))):
                data += more
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be read: {error.strerror}") from None
        finally:
            os.close(file)
        return data
