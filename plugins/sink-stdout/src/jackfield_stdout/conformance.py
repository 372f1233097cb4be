"""What ``jackfield conformance jackfield-stdout`` runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import threading
from collections.abc import Iterator, Sequence

import attrs

from jackfield.events import Event
from jackfield.testing import SinkSuite, SinkTarget
from jackfield_stdout import Stdout

__all__ = ["Conformance"]


class Conformance(SinkSuite):
    """JSON lines, to a standard output that can be full, and a reader that can stop reading."""

    separate = False
    stalls = True

    @contextlib.contextmanager
    def target(self) -> Iterator[SinkTarget]:
        """Stand in for the process's standard output."""
        source, target = os.pipe()
        fcntl.fcntl(target, fcntl.F_SETPIPE_SZ, 4096)
        reader = _Reader(source, target, os.dup(target))
        thread = threading.Thread(target=reader.run)
        thread.start()
        try:
            with os.fdopen(target, "w", closefd=False) as stream, contextlib.redirect_stdout(stream):
                yield SinkTarget(Stdout(), reader.arrived, reader.fail, reader.stall, reader.recover)
        finally:
            reader.recover()
            os.close(target)
            os.close(reader.kept)
            thread.join()
            os.close(source)


@attrs.define(eq=False)
class _Reader:
    """The other end of a small pipe."""

    source: int
    target: int
    kept: int
    """The pipe, while something else stands in its place."""
    _content: bytearray = attrs.field(factory=bytearray)
    _stalled: bool = False
    _turn: threading.Lock = attrs.field(factory=threading.Lock)

    def run(self) -> None:
        """Read to the end, unless stalled."""
        while True:
            select.select([self.source], [], [], 0.01)
            with self._turn:
                if self._stalled or not select.select([self.source], [], [], 0)[0]:
                    continue
                if not (data := os.read(self.source, 65536)):
                    return
                self._content += data

    def fail(self, after: int) -> None:
        """Put a full disk in the pipe's place."""
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, self.target)
        os.close(full)

    def stall(self) -> None:
        """Read no more."""
        self._stalled = True

    def recover(self) -> None:
        """Have the pipe back, and read it."""
        os.dup2(self.kept, self.target)
        self._stalled = False

    def arrived(self) -> Sequence[Event]:
        """All that is in the pipe, and was."""
        while True:
            with self._turn:
                if self._stalled or not select.select([self.source], [], [], 0)[0]:
                    return [Event.from_cloudevent(line) for line in bytes(self._content).splitlines()]
