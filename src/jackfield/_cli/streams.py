"""The standard streams of the process: usable when closed, UTF-8 in any locale, and errors that name the stream."""

from __future__ import annotations

import atexit
import io
import os
import select
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from jackfield._cli.queued_stderr import QueuedStderr

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["INTERRUPTED_STATUS", "OutputError", "prepare_streams", "run_as_program"]

INTERRUPTED_STATUS = 130
"""As shells have it: 128 and the number of SIGINT."""


class OutputError(OSError):
    """Standard output cannot be written, and not because its reader has closed it."""

    def __str__(self) -> str:
        return f"standard output: {self.strerror}"


class _Output(io.FileIO):
    """Standard output as a file."""

    def write(self, data: ReadableBuffer) -> int:
        """Write at least a part; waits while a stream that does not block is full."""
        while True:
            try:
                written: int | None = super().write(data)
            except BrokenPipeError:
                raise
            except OSError as error:
                raise OutputError(error.errno, error.strerror) from None
            if written is not None:
                return written
            select.select([], [self], [])


def run_as_program(work: Callable[[], int]) -> int:
    """Run the command line with the process's own streams; returns its exit status."""
    prepare_streams()
    try:
        try:
            return work()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        status = 0
    except KeyboardInterrupt:  # while the command was being imported
        print("jackfield: interrupted", file=sys.stderr)
        status = INTERRUPTED_STATUS
    except OutputError as error:
        print(f"jackfield: {error}", file=sys.stderr)
        status = 1
    # The interpreter would try to write the rest at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return status


def prepare_streams() -> None:
    """Open the streams that are closed, let standard output write UTF-8, and standard error never block.

    A closed one must not stay free: the next socket or file would get its number, and data could be written to that.
    """
    if not _is_open(0):
        os.open(os.devnull, os.O_RDONLY)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)))
    closed = not _is_open(1)
    if closed:
        # Like a pipe whose reader has gone, so that each writer notices that nothing arrives.
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, 1)
        os.close(writing)
    if not _is_open(2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # A terminal that stands still must not stop the gateway; also tracebacks and log records go this way.
    sys.stderr = stderr = QueuedStderr(2)
    atexit.register(stderr.drain)
    # Data is UTF-8, as JSON requires; a path that is not UTF-8 comes out as its own bytes.
    buffered = io.BufferedWriter(_Output(1, "w", closefd=False))
    sys.stdout = io.TextIOWrapper(buffered, "utf-8", "surrogateescape", line_buffering=os.isatty(1))
    if closed:
        print("jackfield: warning: standard output is closed; data is not written", file=sys.stderr)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
