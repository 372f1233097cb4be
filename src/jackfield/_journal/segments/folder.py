"""A folder of segments: groups are appended to the newest, read by position from all, and go with the oldest.

Synchronous, and without a clock: callers pass the time. One thread appends and trims; others may read meanwhile.
`JournalError` is all that is raised; after one, nothing of what was asked for counts, and the same may be tried again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from math import inf
from pathlib import Path
from typing import Self

import attrs

from jackfield._journal.segments.appending import Appender, JournalGone, create, resume
from jackfield._journal.segments.checking import check
from jackfield._journal.segments.entries import NOTHING, About
from jackfield._journal.segments.finding import find, newest_keys, scan
from jackfield._journal.segments.format import VERSION, FolderHeader, SegmentHeader, encode_group, encode_segment_header
from jackfield._journal.segments.indexes import Indexes
from jackfield._journal.segments.kept_keys import KeptKeys
from jackfield._journal.segments.listing import Listing, list_segments
from jackfield._journal.segments.locking import lock_folder
from jackfield._journal.segments.reading import Lines, read
from jackfield._journal.segments.segment import Segment, segment_name
from jackfield._journal.segments.skips import Skips, skips_of
from jackfield._journal.segments.state import FOLDER_FILE, WRITER_FILE, Writer, read_header, read_writer, save_header
from jackfield._journal.segments.trimming import cut, delete_oldest
from jackfield._journal.segments.walk import Line

__all__ = ["JournalGone", "Lines", "SegmentFolder"]

# Up to that the newest segment is searched without an index, and read through after a crash.
SEGMENT_BYTES = 16_000_000


@attrs.define(eq=False)
class SegmentFolder:
    """An open folder; made by `SegmentFolder.open`."""

    path: Path
    journal: str
    """The journal's id, which stands in all its segments."""
    _folder: int
    """The folder's own descriptor, which holds the lock; -1 where it is open for reading only."""
    _fsync: bool
    _segment_bytes: int
    segments: list[Segment]
    next: int
    """The position that the next event gets; no position is given twice."""
    skips: Skips
    findings: list[str]
    """What was found to be damaged at the start."""
    _keys: KeptKeys
    segment_seconds: float = inf
    """A segment gets events for so long."""
    keep_keys: int = 0
    """So many of the newest keys outlive their segments."""
    _indexes: Indexes = attrs.field(factory=Indexes)
    _writer: Writer | None = None
    _appender: Appender | None = None
    """``None`` where the next group begins a new segment."""

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        fsync: bool = False,
        readonly: bool = False,
        floor: int = 1,
        confirmed: int | None = 1,
        segment_bytes: int = SEGMENT_BYTES,
        journal: str = "",
    ) -> Self:
        """Open a folder, or make it where it is missing.

        Positions below `floor` are not given any more. Events below `confirmed` were there, as the caller knows: where
        they are not, that is among the `findings`; ``None`` after a power failure, when nobody knows. `JournalError`
        where another process writes to the folder, or it cannot be read or written.
        """
        with ExitStack() as undo:
            folder = -1 if readonly else lock_folder(path)
            if folder >= 0:
                undo.callback(os.close, folder)
            (header, problem), (state, lacking) = read_header(path), read_writer(path)
            listing = list_segments(path, [*([header.id] if header else []), *([journal] if journal else [])])
            segments, findings, journal = listing.segments, listing.findings, listing.journal or os.urandom(16).hex()
            # A gateway may have deleted segments meanwhile, and has said so before.
            header = (read_header(path)[0] if readonly else None) or header
            if header and header.id != journal:
                header, problem = None, f"{FOLDER_FILE} is from another journal"
            if state and state.journal != journal:
                state, lacking = None, f"{WRITER_FILE} is from another journal"
            if lacking and (segments or header):
                findings.append(f"{lacking}; where the newest events are cut off, that may not be noticed")
            known = 0 if confirmed is None else max(confirmed, state.next if state else 1)
            if problem and segments:
                findings.append(f"{problem}; the journal is taken to be that of {len(segments)} of its segments")
            oldest = segments[0].first if segments else max(known, header.first if header and not known else 1)
            if header and header.first < oldest:
                findings.append(f"events {header.first} to {oldest - 1} are missing: the oldest segments are not there")
            self = cls(
                path,
                journal,
                folder,
                fsync,
                segment_bytes,
                segments,
                floor,
                skips_of(header, segments),
                findings,
                KeptKeys.load(path, journal, oldest, findings.append),
            )
            self._finish_opening(oldest, known)
            if confirmed is None and state and state.next > self.end:
                findings.append(f"events {self.end} to {state.next - 1} were not on the disk when the machine stopped")
            if not readonly:
                undo.callback(self._close_files)
                self._begin_writing(listing, header)
            undo.pop_all()
        return self

    @property
    def first(self) -> int:
        """The position of the oldest event; `next` where there is none."""
        return self._first_of(0)

    @property
    def end(self) -> int:
        """The position behind the last event; less than `next` where positions were skipped."""
        return self.skips.end_before(self.next)

    @property
    def size(self) -> int:
        """How many bytes the segments have, with their indexes and the keys that are kept of deleted ones."""
        return sum(self._indexes.bytes_of(each) for each in self.segments) + self._keys.size

    def append(self, lines: Sequence[bytes], received: Sequence[int], at: int, about: About = NOTHING) -> int:
        """Write events as one group, all or none; the first one's position. Times are microseconds since 1970."""
        assert self._writer is not None, "it is open for reading only"
        first, upcoming = self.next, self.next + len(lines)
        group = encode_group(self.journal, first, at, lines, received)
        appender = self._appender
        if appender is not None and appender.is_full(len(group), at, self._segment_bytes, self.segment_seconds):
            self._close_segment()
            appender = None
        if appender is None:
            appender = self._begin_segment()
            if appender.segment.first != first:
                return self.append(lines, received, at, about)
        if appender.began is None:
            appender.began = at
            self._indexes.forget(appender.segment)
        segment = appender.segment
        offset = segment.size
        appender.append(group)
        segment.appended(first, offset, received, about)
        self.next = segment.next = upcoming
        self._writer.confirm(upcoming)
        return first

    def read(self, position: int, most: int) -> Lines:
        """The events at the next `most` positions from there on, as far as there are any."""
        found = read(self.segments, position, most, self.next, self.skips)
        if found.lost and (appender := self._appender) is not None:
            appender.verify()  # where all files are gone, nothing is lost that may come back
        return found

    def find(self, name: str, value: str) -> Iterator[Line]:
        """The events whose CloudEvents attribute `name`, one of `INDEXED`, is `value`, in order."""
        return find(self.segments, self._indexes, name, value)

    def scan(self, since: int, until: int, problem: Callable[[str], object]) -> Iterator[list[Line]]:
        """The events received from `since` to before `until`, microseconds since 1970; damage goes to `problem`."""
        return scan(self.segments, self._indexes, since, until, problem)

    def newest_keys(self, count: int) -> list[bytes]:
        """The keys (`key_of`) of the newest events, the oldest first; of those that have one."""
        return newest_keys(self.segments, self._indexes, self._keys, count)

    def maintain(self) -> Iterator[None]:
        """Make the indexes of closed segments, in slices between which others get a turn; in a thread of its own."""
        return self._indexes.maintain(self.segments)

    def check(self) -> Iterator[str]:
        """Read everything and compare it; what is not what was written."""
        yield from check(self.segments, self._indexes, self.findings)

    def skip_to(self, position: int) -> None:
        """Let the next event have that position, if that is higher."""
        if position > self.next:
            self._close_segment()
            if self.next > 1:  # in a new journal nothing was before
                self.skips = self.skips.adding([(self.next, position)])
            self.next = position
            self._save_header(self.first)

    def verify(self) -> None:
        """`JournalGone` where the file that is written to is not the one any more that bears its name."""
        if self._appender is not None:
            self._appender.verify(self._appender.segment.size)

    def cut(self, *, keep_bytes: int, keep_after: float, floor: int) -> int:
        """The position up to which events can be deleted, by whole segments; `first` where none can."""
        keep_bytes -= min(self._keys.size, keep_bytes // 10)
        return self._first_of(cut(self.segments, self._indexes.bytes_of, keep_bytes, keep_after, floor))

    def delete_before(self, position: int) -> int:
        """Delete the segments all of whose events stand before a position; how many events they had."""
        deleted = 0
        while self.segments and (segment := self.segments[0]).stop <= position:
            if len(self.segments) == 1:
                self._close_segment()
            self._save_header(self._first_of(1))
            delete_oldest(self.segments, self._indexes, self._keys, self.keep_keys)
            deleted += segment.stop - segment.first
        return deleted

    def _first_of(self, number: int) -> int:
        return min(self.segments[number].first, self.next) if number < len(self.segments) else self.next

    def close(self) -> None:
        """Give everything back; the lock goes with the folder's descriptor."""
        try:
            self._close_files()
            if self._folder >= 0:
                for _ in self._indexes.build(self.segments):
                    pass
        finally:
            if self._folder >= 0:
                os.close(self._folder)
                self._folder = -1

    def _finish_opening(self, end: int, confirmed: int) -> None:
        """Read the newest segment through, and see what was confirmed and is not there."""
        if self.segments:
            last = self.segments[-1]
            last.confirmed = max(confirmed, last.first)
            self.findings += self._indexes.load(self.segments, missing=self._folder >= 0)
            if last.next is None:
                last.read_through()
                self.findings += last.problems
            assert last.next is not None
            end = last.next
        self.next = max(self.next, end, self.skips.stop)
        if self.next > end:
            self.skips = self.skips.adding([(end, self.next)])

    def _begin_writing(self, listing: Listing, header: FolderHeader | None) -> None:
        for path in listing.unfinished:
            with suppress(OSError):
                path.unlink()
        self._writer = Writer.open(self._folder, self.path, self.journal)
        self._writer.confirm(self.end)
        if header != self._header(self.first):
            self._save_header(self.first)
        last = self.segments[-1] if self.segments else None
        if last and not last.problems and last.path.name == segment_name(last.first):
            self._appender = resume(last, fsync=self._fsync)
            if last.next != self.next:
                self._close_segment()

    def _save_header(self, first: int) -> None:
        save_header(self._folder, self.path, self._header(first))

    def _header(self, first: int) -> FolderHeader:
        return FolderHeader(VERSION, self.journal, first, self.skips.ranges)

    def _begin_segment(self) -> Appender:
        after = self.segments[-1].stop if self.segments else self.end
        while True:
            header = SegmentHeader(VERSION, self.journal, self.next, after)
            line = encode_segment_header(header)
            segment = Segment.new(self.path, header, len(line))
            try:
                self._appender = create(self._folder, segment, line, fsync=self._fsync)
            except FileExistsError:  # something that is not this journal's has the name
                self.skip_to(self.next + 1)
                continue
            if self.segments:
                self.segments[-1].limit = self.segments[-1].confirmed = after
            self.segments.append(segment)
            return self._appender

    def _close_segment(self) -> None:
        if self._appender is not None:
            appender, self._appender = self._appender, None
            appender.close()

    def _close_files(self) -> None:
        writer, self._writer = self._writer, None
        try:
            self._close_segment()
        finally:
            if writer is not None:
                writer.close()
