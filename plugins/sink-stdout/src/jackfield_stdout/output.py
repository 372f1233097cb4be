"""Lines to a file descriptor: each whole, without blocking the event loop, and counted only when written.

A process's standard output is shared with others, so it must not be made non-blocking: a pipe or a terminal is opened
once more for that, and a socket is asked for each piece. Files are written in a thread. A write may take less
than it is given, and where it ends in the middle of a line the rest of that line comes first next time. Other writers
of ours to the same pipe or terminal, in this process or in others, are kept off by a lock until the line is whole.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import attrs
import trio

with suppress(ImportError):
    import fcntl  # Windows does not have it

from jackfield.errors import DeliveryError, OnError
from jackfield.events import Event
from jackfield.plugin.sink import Batch

__all__ = ["Output"]

# What a pipe accepts as a whole or not at all (POSIX's PIPE_BUF on Linux), so that lines within it are never torn.
PIPE_BYTES = 4096
FILE_BYTES = 1 << 20
# Another writer has the lock for one line, or for as long as nobody reads, when nothing can be written anyway.
LOCK_PAUSE = 0.002

Line = tuple[int, Event, bytes]
"""An event's index in its batch, itself, and its line."""


@attrs.define(eq=False)
class _Target:
    """One file, pipe, terminal or socket that a descriptor stands for."""

    descriptor: int
    send: Callable[[bytes], int]
    chunk: int
    close: Callable[[], None] = lambda: None
    waits: bool = True
    """Whether it is waited for and written to without blocking, not in a thread."""
    lockable: bool = False
    """Whether its descriptor is nobody else's, so that a lock on it keeps others off."""

    async def lock(self) -> None:
        """Keep other writers off; what is locked already stays so."""
        while self.lockable:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await trio.sleep(LOCK_PAUSE)
            else:
                return

    def unlock(self) -> None:
        """Let other writers go on."""
        if self.lockable:
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    async def put(self, data: bytes) -> int:
        """Write some of the bytes, at least one, as soon as that is possible."""
        if not self.waits:
            return await trio.to_thread.run_sync(self.send, data)
        await trio.lowlevel.checkpoint()
        while True:
            with suppress(BlockingIOError):
                return self.send(data)
            await trio.lowlevel.wait_writable(self.descriptor)


@attrs.define(eq=False)
class Output:
    """Writes to one descriptor, one batch after the other."""

    _descriptor: int
    _turn: trio.Lock = attrs.field(factory=trio.Lock)
    _target: _Target | None = None
    _identity: tuple[int, int, int] | None = None
    _torn: Event | None = None
    """The event whose line was begun."""
    _rest: bytes = b""
    _begun: int = 0
    """How many bytes of that line are written."""
    _end: int = 0
    """Where a file ended when they were."""

    async def write(self, batch: Batch, lines: list[bytes]) -> None:
        """Write the batch's lines; each counts as delivered when all of it is written."""
        async with self._turn:
            try:
                target = self._current()
                await self._write(target, batch, lines)
            except OSError as error:
                # After EPIPE nothing that this process writes here will ever be read; all else may pass.
                on_error: OnError = "disable" if error.errno == errno.EPIPE else "retry"
                raise DeliveryError(f"standard output: {error.strerror}", on_error=on_error) from None

    async def _write(self, target: _Target, batch: Batch, lines: list[bytes]) -> None:
        try:
            await self._write_lines(target, batch, lines)
        finally:
            if self._torn is None:  # else nobody else writes before the rest of that line
                target.unlock()

    async def _write_lines(self, target: _Target, batch: Batch, lines: list[bytes]) -> None:
        waiting: deque[Line] = deque(
            (index, event, line)
            for index, (event, line) in enumerate(zip(batch.events, lines, strict=True))
            if event is not self._torn
        )
        await target.lock()
        if self._torn is not None:
            await self._finish_line(target, batch)
        while waiting:
            written = await target.put(_chunk(waiting, target.chunk))
            done: list[int] = []
            while waiting and written >= len(waiting[0][2]):
                index, _, line = waiting.popleft()
                written -= len(line)
                done.append(index)
            batch.delivered_each(done)
            if written:
                _, self._torn, line = waiting.popleft()
                self._rest, self._begun = line[written:], written
                await self._finish_line(target, batch)

    async def _finish_line(self, target: _Target, batch: Batch) -> None:
        while self._rest:
            if not target.waits:
                self._end = os.lseek(target.descriptor, 0, os.SEEK_CUR)
            written = await target.put(self._rest)
            self._rest = self._rest[written:]
            self._begun += written
        torn, self._torn = self._torn, None
        batch.delivered_each([index for index, event in enumerate(batch.events) if event is torn])

    def close(self) -> None:
        """Let go of what was opened; from the end of a file, a line that was only begun is taken back."""
        if self._torn is not None and self._target is not None and not self._target.waits:
            with suppress(OSError):
                end = os.lseek(self._descriptor, 0, os.SEEK_CUR)
                if os.fstat(self._descriptor).st_size == end == self._end:  # nobody has written behind it
                    os.ftruncate(self._descriptor, end - self._begun)
                    os.lseek(self._descriptor, end - self._begun, os.SEEK_SET)
        self._torn = None
        if self._target is not None:
            self._target.close()
            self._target = None

    def _current(self) -> _Target:
        """What the descriptor stands for now; it may be redirected while we run."""
        status = os.fstat(self._descriptor)
        identity = (status.st_dev, status.st_ino, status.st_rdev)
        if self._target is None or identity != self._identity:
            if self._target is not None:
                self._target.close()
                self._torn, self._rest = None, b""
            self._target, self._identity = _open(self._descriptor, status.st_mode), identity
        return self._target


def _chunk(waiting: deque[Line], most: int) -> bytes:
    """As many whole lines as fit, and at least one."""
    lines: list[bytes] = []
    size = 0
    for _, _, line in waiting:
        size += len(line)
        if lines and size > most:
            break
        lines.append(line)
    return b"".join(lines)


def _open(descriptor: int, mode: int) -> _Target:
    if stat.S_ISSOCK(mode):
        sock = socket.socket(fileno=os.dup(descriptor))
        return _Target(sock.fileno(), lambda data: sock.send(data, socket.MSG_DONTWAIT), PIPE_BYTES, sock.close)
    if not (stat.S_ISFIFO(mode) or (stat.S_ISCHR(mode) and os.isatty(descriptor))):
        return _Target(descriptor, lambda data: os.write(descriptor, data), FILE_BYTES, waits=False)
    try:
        own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:  # a system without /proc, or a terminal of another one
        return _Target(descriptor, lambda data: _write_if_ready(descriptor, data), PIPE_BYTES)
    return _Target(own, lambda data: os.write(own, data), PIPE_BYTES, lambda: os.close(own), lockable=True)


def _write_if_ready(descriptor: int, data: bytes) -> int:
    """Write at most what a descriptor that is ready accepts without blocking."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    if not poll.poll(0):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return os.write(descriptor, data[:PIPE_BYTES])
