"""What ``jackfield conformance jackfield-stdout`` runs."""

from __future__ import annotations

import contextlib
import errno
import io
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from jackfield.events import Event
from jackfield.testing import SinkSuite, SinkTarget
from jackfield_stdout import Stdout

__all__ = ["Conformance"]


class Conformance(SinkSuite):
    """JSON lines, to a standard output that can be full."""

    separate = False

    @contextlib.contextmanager
    def target(self) -> Iterator[SinkTarget]:
        """Stand in for the process's standard output."""
        disk = _Disk()
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BufferedWriter(disk), write_through=True)):
            yield SinkTarget(Stdout(), disk.arrived, disk.fail, recover=disk.recover)


@attrs.define(eq=False, slots=False)
class _Disk(io.RawIOBase):
    _content: bytearray = attrs.field(factory=bytearray)
    _full: bool = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self._full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._content += data
        return len(data)

    def fail(self, after: int) -> None:
        self._full = True

    def recover(self) -> None:
        self._full = False

    def arrived(self) -> Sequence[Event]:
        return [Event.from_cloudevent(line) for line in bytes(self._content).splitlines()]
