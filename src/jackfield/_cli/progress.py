"""Progress on standard error, of what takes longer than two seconds."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Self

from jackfield._cli.console import say

__all__ = ["Progress", "distance"]

SECONDS = 2.0
MOST_SECONDS = 60.0
ERASE = "\r\x1b[K"


def distance(lines: int, *, on_terminal: bool) -> float:
    """Seconds until the next line, after so many; in a file they would be too many, and so become rare."""
    return SECONDS if on_terminal else min(SECONDS * 2**lines, MOST_SECONDS)


class Progress:
    """Says from time to time how far a command has come: nothing in the first two seconds, and nothing at its end.

    At a terminal the line is replaced by the next one; elsewhere each is said, at growing distances. A thread says
    them, so that one step may be long.
    """

    def __init__(self, what: str, *, on_terminal: bool | None = None) -> None:
        self._what = self._text = what
        self._on_terminal = sys.stderr.isatty() if on_terminal is None else on_terminal
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._lines = 0

    def at(self, where: str) -> None:
        """Note how far it has come."""
        self._text = f"{self._what}: {where}"

    def _run(self) -> None:
        since = time.monotonic()
        while not self._over.wait(distance(self._lines, on_terminal=self._on_terminal)):
            text = f"{self._text} ({time.monotonic() - since:.0f} s)"
            self._lines += 1
            if self._on_terminal:
                sys.stderr.write(ERASE + text)
                sys.stderr.flush()
            else:
                say(text)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._lines and self._on_terminal:
            sys.stderr.write(ERASE)
            sys.stderr.flush()
