"""Standard error that never makes the event loop wait: a bounded queue, and a thread that writes.

A terminal that Ctrl-S has stopped, or a pipe that is full and not read, blocks whoever writes to it. Here that is the
thread alone. What does not fit into the queue meanwhile is lost, counted, and said as soon as something can be written.
"""

from __future__ import annotations

import io
import os
import select
import threading
from collections import deque

__all__ = ["QueuedStderr"]

MOST_BYTES = 1_000_000
"""So much may wait to be written."""
DRAIN_SECONDS = 1.0
"""How long the end of the process waits for what was said last."""


class QueuedStderr(io.TextIOBase):
    """A text stream whose lines a thread of its own writes to a file descriptor."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, number: int, most_bytes: int = MOST_BYTES) -> None:
        self._number = number
        self._most = most_bytes
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        """Bytes of the lines, and of what the thread has in hand."""
        self._lost = 0
        self._part = ""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="standard error", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Queue whole lines, and keep a part of one until the rest comes; never waits."""
        with self._changed:
            *lines, self._part = (self._part + text).split("\n")
            for line in lines:
                self._queue(f"{line}\n".encode(errors="backslashreplace"))
            self._changed.notify_all()
        return len(text)

    def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Wait until everything is written, at most so long."""
        with self._changed:
            if self._part:
                self._queue(self._part.encode(errors="backslashreplace"))
                self._part = ""
                self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting, seconds)

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """That of the stream behind it."""
        return self._number

    def isatty(self) -> bool:
        """Whether the stream behind it is a terminal."""
        return os.isatty(self._number)

    def _queue(self, line: bytes) -> None:
        if self._waiting + len(line) > self._most:
            self._lost += 1
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            self._queue(
                f"jackfield: {lost} {'line' if lost == 1 else 'lines'} of messages lost: "
                "standard error was not read in time\n".encode()
            )
        self._lines.append(line)
        self._waiting += len(line)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                taken = b"".join(self._lines)
                self._lines.clear()
            self._put(taken)
            with self._changed:
                self._waiting -= len(taken)
                if self._lost and not self._lines:
                    self._queue(b"")
                self._changed.notify_all()

    def _put(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._number, data) :]
            except BlockingIOError:  # somebody has set the stream so that it does not block
                select.select([], [self._number], [])
            except OSError:
                return  # closed, and there is no other place to report that
