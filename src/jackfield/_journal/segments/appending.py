"""The newest segment's file while it is written to."""

from __future__ import annotations

import os
from contextlib import suppress

import attrs

from jackfield._journal.segments.segment import Segment
from jackfield.errors import JournalError

__all__ = ["Appender", "JournalGone", "create", "resume"]

FILE_MODE = 0o600
FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class JournalGone(JournalError):
    """The file that is written to is not the one any more that bears its name: deleted, renamed, replaced or cut."""


@attrs.define(eq=False)
class Appender:
    """An open segment; made by `create` or `resume`."""

    segment: Segment
    _file: int
    _fsync: bool
    _path: str
    _inode: tuple[int, int]
    """The file's device and inode: what bears its name must still be this file when a group is confirmed."""
    began: int | None = None
    """When it was first appended to, microseconds since 1970."""

    def is_full(self, more: int, at: int, most_bytes: int, most_seconds: float) -> bool:
        """Whether what is written next belongs into another segment."""
        if self.segment.next == self.segment.first:
            return False
        old = self.began is not None and at - self.began > most_seconds * 1_000_000
        return old or self.segment.size + more > most_bytes

    def append(self, group: bytes) -> None:
        """Put a group at the end, whole or not at all; `JournalError` where it does not count."""
        size = self.segment.size + len(group)
        done = 0
        try:
            while done < len(group):  # appended, so that a file that was cut by others shows by its size
                done += os.write(self._file, group[done:] if done else group)
            if self._fsync:
                os.fsync(self._file)
            self.verify(size)
        except JournalGone:
            self._take_back(done)
            raise
        except OSError as error:
            self._take_back(done)
            raise JournalError(f"{self._path}: cannot be written: {error.strerror}") from None
        self.segment.size = size

    def verify(self, size: int | None = None) -> None:
        """See that the file still bears its name, and has that size if one is given; `JournalGone` where not."""
        try:
            there = os.lstat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            raise JournalGone(f"{self._path}: was deleted or renamed while this gateway wrote to it") from None
        if (there.st_dev, there.st_ino) != self._inode:
            raise JournalGone(f"{self._path}: was replaced by another file while this gateway wrote to it")
        if size is not None and there.st_size != size:
            raise JournalGone(f"{self._path}: is {there.st_size} bytes long, and should be {size}")

    def close(self) -> None:
        """Sync the file, and give it back: what is closed is on the disk, whatever is not."""
        if self.segment.entries is not None:
            self.segment.entries.digest_all()  # it keeps numbers only, until its index is made
        try:
            os.fsync(self._file)
        except OSError as error:
            raise JournalError(f"{self._path}: cannot be synced: {error.strerror}") from None
        finally:
            os.close(self._file)

    def _take_back(self, count: int) -> None:
        """Cut off what was written last and does not count."""
        with suppress(OSError):
            os.ftruncate(self._file, max(0, os.fstat(self._file).st_size - count))


def create(folder: int, segment: Segment, first_line: bytes, *, fsync: bool) -> Appender:
    """Make a segment's file with its first line, durably if asked; `FileExistsError` where the name is not free."""
    name, path = segment.path.name, str(segment.path)
    try:
        file = os.open(name, FLAGS | os.O_CREAT | os.O_EXCL, FILE_MODE, dir_fd=folder)
    except FileExistsError:
        raise
    except FileNotFoundError:
        raise JournalGone(f"{path}: cannot be made: its folder was deleted while this gateway wrote to it") from None
    except OSError as error:
        raise JournalError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        if os.write(file, first_line) != len(first_line):
            raise OSError(0, "no space for its first line")
        if fsync:
            os.fsync(file)
            os.fsync(folder)
        there = os.fstat(file)
    except OSError as error:
        os.close(file)
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise JournalError(f"{path}: cannot be written: {error.strerror}") from None
    return Appender(segment, file, fsync, path, (there.st_dev, there.st_ino))


def resume(segment: Segment, *, fsync: bool) -> Appender:
    """Go on with a segment, without what a crash has left unfinished at its end."""
    path = str(segment.path)
    try:
        file = os.open(path, FLAGS)
        try:
            os.ftruncate(file, segment.size)
            there = os.fstat(file)
        except OSError:
            os.close(file)
            raise
    except OSError as error:
        raise JournalError(f"{path}: cannot be written: {error.strerror}") from None
    segment.torn = 0
    return Appender(segment, file, fsync, path, (there.st_dev, there.st_ino))
