"""Signals that come while a command is still being imported, before anything runs that would have to be closed."""

from __future__ import annotations

import os
import signal
from types import FrameType

__all__ = ["as_python_has_them", "end_at_signals"]

_OURS = (signal.SIGINT, signal.SIGTERM)


def end_at_signals() -> None:
    """Let a signal to stop end the process with 0, and one to reload do nothing: nothing was begun yet.

    A service manager that stops a service right after its start must not see a failure. What comes while the
    interpreter itself is starting, some hundredths of a second, still ends it as the system does.
    """
    for number in _OURS:
        signal.signal(number, _end)
    if hasattr(signal, "SIGHUP"):  # Windows has none
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)


def as_python_has_them(*numbers: int) -> None:
    """Give these signals back to Python, where they are still ours: from now on there is something to close."""
    for number in numbers:
        if signal.getsignal(number) is _end:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
