"""One file that lines are appended to: whole or not at all, even beside other processes and after a crash.

Every access happens under an advisory lock on the file itself, so processes that share a path take turns.
What is not known to be whole is looked at before anything is added: a piece of a line at the end, left
by a process that was killed while writing, is moved out of the way and never written on to.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import attrs

from jackfield_file.rotation import TORN

__all__ = ["OpenFile", "make_folder", "open_file", "sync_folder"]

# Another process holds the lock for one write, which lasts milliseconds; five seconds mean that it hangs.
LOCK_TRIES = 1000
LOCK_PAUSE = 0.005
BLOCK = 65536

_LOG = logging.getLogger("jackfield.file")


@attrs.define(eq=False)
class OpenFile:
    """A file that is open for appending; made by `open_file`."""

    path: Path
    written: datetime
    """When something was last written to it."""
    _descriptor: int
    _identity: tuple[int, int]
    _durable: bool
    size: int = 0
    """Its size when it was last known to end with a whole line."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing; `OSError` where one of them does not let go."""
        for _ in range(LOCK_TRIES):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(LOCK_PAUSE)
        else:
            raise OSError(errno.EAGAIN, "another process keeps it locked")
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def in_place(self) -> bool:
        """Whether its path still leads to it: nobody has renamed, removed or replaced it."""
        try:
            return _identity(self.path.lstat()) == self._identity
        except (FileNotFoundError, NotADirectoryError):
            return False

    def mend(self) -> None:
        """See to it that it ends with a whole line; a piece of one is moved to a file of its own, ``@torn``."""
        size = os.fstat(self._descriptor).st_size
        if size == self.size:
            return
        whole = self._end_of_last_line(size)
        if whole < size:
            self._move_torn(whole, size)
            # The piece was not acknowledged to anybody, so its event comes again.
            os.ftruncate(self._descriptor, whole)
            _LOG.warning("%s: %d bytes of a torn line moved to %s", self.path, size - whole, self.path.name + TORN)
        self.size = whole

    def append(self, lines: bytes) -> bool:
        """Append all or nothing, after `mend`; false where the file was removed meanwhile, and the lines with it."""
        before = self.size
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            if self._durable:
                os.fsync(self._descriptor)
        except OSError:
            # A full disk has cut the lines off. Only what is ours is taken back: a process that writes without
            # our lock may have written too, or have emptied the file. Where that fails too, the next `mend` does it.
            with suppress(OSError):
                if os.fstat(self._descriptor).st_size == before + len(lines) - len(rest):
                    os.ftruncate(self._descriptor, before)
            raise
        self.size = before + len(lines)
        return os.fstat(self._descriptor).st_nlink > 0

    def close(self) -> None:
        """Close it, once."""
        os.close(self._descriptor)

    def _end_of_last_line(self, size: int) -> int:
        end = size
        while end:
            start = max(0, end - BLOCK)
            # The last byte alone answers for a file that is whole.
            start = end - 1 if end == size else start
            found = os.pread(self._descriptor, end - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
        return 0

    def _move_torn(self, start: int, end: int) -> None:
        """Copy what is from `start` to `end`, and a line break, to the end of the torn pieces."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        mode = stat.S_IMODE(os.fstat(self._descriptor).st_mode)
        descriptor = os.open(self.path.with_name(self.path.name + TORN), flags, mode)
        with os.fdopen(descriptor, "ab") as torn:
            while start < end and (block := os.pread(self._descriptor, min(BLOCK, end - start), start)):
                torn.write(block)
                start += len(block)
            torn.write(b"\n")
            torn.flush()
            os.fsync(torn.fileno())


def open_file(base: Path, name: str, *, mode: int, durable: bool) -> OpenFile:
    """Open the file of this name below a folder, made where it is missing.

    `OSError` where that cannot be done, or where a symbolic link below `base` leads elsewhere.
    """
    path = base / name
    if path.parent.resolve() != base.resolve() / Path(name).parent:
        raise OSError(errno.ELOOP, "a folder on the way to it is a symbolic link", str(path))
    make_folder(path.parent, durable=durable)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, mode)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "is a symbolic link; name the file that it leads to", str(path)) from None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        if durable:
            sync_folder(path.parent)
    except OSError:
        os.close(descriptor)
        raise
    written = datetime.fromtimestamp(status.st_mtime, UTC)
    return OpenFile(path, written, descriptor, _identity(status), durable)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk itself."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, *, durable: bool) -> None:
    """Make a folder, and what is missing above it; on the disk itself where that is asked for."""
    if folder.is_dir():
        return
    make_folder(folder.parent, durable=durable)
    folder.mkdir(exist_ok=True)
    if durable:
        sync_folder(folder.parent)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
