"""A folder of segments: groups are appended to the newest, read by position from all, and go with the oldest.

Synchronous, and without a clock: callers pass the time. `JournalError` is all that is raised; after
one, nothing of what was asked for counts, and the same may be tried again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import attrs

from jackfield._journal.segments.format import VERSION, SegmentHeader, encode_group, encode_segment_header
from jackfield._journal.segments.locking import lock_folder
from jackfield._journal.segments.segment import SUFFIX, Segment, segment_name
from jackfield._journal.segments.walk import Line
from jackfield.errors import JournalError

__all__ = ["Lines", "SegmentFolder"]

SEGMENT_BYTES = 64_000_000
FILE_MODE, FOLDER_MODE = 0o600, 0o700


@attrs.frozen
class Lines:
    """The events at some positions."""

    lines: list[Line]
    next: int
    """Where to read on."""
    deleted: int = 0
    """How many positions before the oldest event were asked for."""
    lost: int = 0
    """How many events should be there and cannot be read."""


@attrs.define(eq=False)
class SegmentFolder:
    """An open folder; made by `SegmentFolder.open`."""

    path: Path
    journal: str
    _folder: int | None
    """The folder's own descriptor, which holds the lock; ``None`` where it is open for reading only."""
    _fsync: bool
    _segment_bytes: int
    _segments: list[Segment]
    next: int
    """The position that the next event gets; no position is given twice."""
    findings: list[str]
    """What was found to be damaged at the start."""
    _file: int | None = None
    """The segment that is appended to; ``None`` where the next group begins a new one."""

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        fsync: bool = False,
        readonly: bool = False,
        floor: int = 1,
        segment_bytes: int = SEGMENT_BYTES,
        new_id: Callable[[], str] = lambda: os.urandom(16).hex(),
    ) -> Self:
        """Open a folder, or make it where it is missing; positions below `floor` are not given any more.

        `JournalError` where another process writes to it, or it cannot be read or written.
        """
        folder = None if readonly else lock_folder(path, FOLDER_MODE)
        try:
            segments, findings = _find(path)
            journal = segments[-1].header.journal if segments else new_id()
            self = cls(path, journal, folder, fsync, segment_bytes, segments, floor, findings)
            if segments:
                last = segments[-1]
                last.read_through()
                findings += last.problems
                assert last.next is not None
                self.next = max(floor, last.next)
                if folder is not None and last.next == self.next and not last.problems:
                    self._resume(last)
        except BaseException:
            if folder is not None:
                os.close(folder)
            raise
        return self

    @property
    def first(self) -> int:
        """The position of the oldest event; `next` where there is none."""
        return min(self._segments[0].header.first, self.next) if self._segments else self.next

    @property
    def size(self) -> int:
        """How many bytes the segments have."""
        return sum(each.size for each in self._segments)

    def append(self, lines: Sequence[bytes], received: Sequence[int], at: int) -> int:
        """Write events as one group, all or none; the first one's position. Times are microseconds since 1970."""
        if self._folder is None:
            raise JournalError(f"{self.path}: is open for reading only")
        first = self.next
        group = encode_group(self.journal, first, at, lines, received)
        if self._file is not None and self._segments[-1].size + len(group) > self._segment_bytes:
            self._close_segment()
        if self._file is None:
            self._begin_segment()
        segment = self._segments[-1]
        self._write(segment, group)
        segment.note(first, segment.size)
        segment.size += len(group)
        self.next = segment.next = first + len(lines)
        return first

    def skip_to(self, position: int) -> None:
        """Let the next event have that position, if that is higher; those between are not given any more."""
        if position > self.next:
            if self._file is not None:
                self._close_segment()
            self.next = position

    def read(self, position: int, most: int) -> Lines:
        """The events at the next `most` positions from there on, as far as there are any."""
        start = max(position, self.first)
        stop = max(start, min(start + most, self.next))
        found: list[Line] = []
        for segment in [each for each in self._segments if each.header.first < stop]:
            if segment.next is None or segment.next > start:
                for piece in segment.pieces(start):
                    found += [line for line in piece.lines if start <= line.position < stop]
                    if piece.next >= stop:
                        break
        return Lines(found, stop, start - position, stop - start - len(found))

    def trim(self, *, keep_bytes: int, keep_after: float, floor: int) -> tuple[int, int]:
        """Delete the oldest segments; how many events, and how many of them stood at `floor` or behind it.

        Those go that are more than `keep_bytes` allow, read or not, and before `floor` those that were last
        written to before `keep_after`, seconds since 1970. The newest segment stays.
        """
        deleted = unread = 0
        while len(self._segments) > 1:
            segment, following = self._segments[:2]
            end = following.header.first
            try:
                old = end <= floor and segment.path.stat().st_mtime < keep_after
                if not old and self.size <= keep_bytes:
                    break
                segment.path.unlink()
            except FileNotFoundError:
                pass
            except OSError as error:
                raise JournalError(f"{segment.path}: cannot be deleted: {error.strerror}") from None
            del self._segments[0]
            deleted += end - segment.header.first
            unread += max(0, end - max(segment.header.first, floor))
        return deleted, unread

    def close(self) -> None:
        """Give everything back; the lock goes with the folder's descriptor."""
        if self._file is not None:
            self._close_segment()
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _resume(self, segment: Segment) -> None:
        """Go on with the newest segment, without what a crash has left unfinished at its end."""
        try:
            self._file = os.open(segment.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
            os.ftruncate(self._file, segment.size)
            segment.torn = 0
        except OSError as error:
            raise JournalError(f"{segment.path}: cannot be written: {error.strerror}") from None

    def _begin_segment(self) -> None:
        assert self._folder is not None
        after = self._segments[-1].next if self._segments else None
        header = SegmentHeader(VERSION, self.journal, self.next, self.next if after is None else after)
        name, line = segment_name(self.next), encode_segment_header(header)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        path = self.path / name
        try:
            file = os.open(name, flags, FILE_MODE, dir_fd=self._folder)
            try:
                if os.write(file, line) != len(line):
                    raise OSError(0, "no space for its first line")
                if self._fsync:
                    os.fsync(file)
                    os.fsync(self._folder)
            except OSError:
                os.close(file)
                raise
        except OSError as error:
            with suppress(OSError):
                os.unlink(name, dir_fd=self._folder)
            raise JournalError(f"{path}: cannot be written: {error.strerror}") from None
        self._file = file
        self._segments.append(Segment(path, header, len(line), self.next, marks=[(self.next, len(line))]))

    def _write(self, segment: Segment, group: bytes) -> None:
        """Put a group at a segment's end, and see that the file is still the one that bears its name."""
        assert self._file is not None
        size = segment.size + len(group)
        done = 0
        try:
            while done < len(group):  # appended, so that a file that was cut by others shows by its size
                done += os.write(self._file, group[done:] if done else group)
            if self._fsync:
                os.fsync(self._file)
            there, mine = segment.path.lstat(), os.fstat(self._file)
        except OSError as error:
            self._take_back(done)
            raise JournalError(f"{segment.path}: cannot be written: {error.strerror}") from None
        problem = ""
        if (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
            problem = "was replaced by another file while this gateway wrote to it"
        elif mine.st_size != size:
            problem = f"is {mine.st_size} bytes long, and should be {size}"
        if problem:
            self._take_back(done)
            raise JournalError(f"{segment.path}: {problem}")

    def _take_back(self, count: int) -> None:
        """Cut off what was written last and does not count."""
        assert self._file is not None
        with suppress(OSError):
            os.ftruncate(self._file, max(0, os.fstat(self._file).st_size - count))

    def _close_segment(self) -> None:
        assert self._file is not None
        os.close(self._file)
        self._file = None


def _find(path: Path) -> tuple[list[Segment], list[str]]:
    """The segments of a folder in order, and what is wrong with those that are left out."""
    try:
        names = sorted(each.name for each in path.iterdir() if each.name.endswith(SUFFIX))
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}") from None
    examined = [Segment.examine(path / name) for name in names]
    findings = [each for each in examined if isinstance(each, str)]
    segments = [each for each in examined if isinstance(each, Segment)]
    if not segments:
        return [], findings
    mine = segments[-1].header
    if mine.version > VERSION:
        raise JournalError(
            f"{path}: was written by a newer Jackfield: its form is version {mine.version}, this one knows up to "
            f"{VERSION}. Nothing in it was changed; use the newer one, or name another folder"
        )
    foreign = [each for each in segments if each.header.journal != mine.journal]
    findings += [f"{each.path.name}: is from another journal" for each in foreign]
    return [each for each in segments if each.header.journal == mine.journal], findings
