"""Standard error: messages and reports for the operator."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import get_args

import attrs

from jackfield.plugin.hooks import hookimpl
from jackfield.reports import Level, PluginLoadFailed, Report

__all__ = ["Console", "abandon_stdout", "say", "warn"]

_COLORS: dict[Level, str] = {"debug": "90", "info": "", "warning": "33", "error": "31"}
_LEVELS: tuple[Level, ...] = get_args(Level)


def say(text: str, *, level: Level = "info") -> None:
    """Print one message."""
    color = _COLORS[level] if sys.stderr.isatty() and not os.environ.get("NO_COLOR") else ""
    with suppress(OSError):  # standard error may be closed, and there is no other place to report that
        print(f"\x1b[{color}m{text}\x1b[0m" if color else text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Print one warning."""
    say(text, level="warning")


def abandon_stdout() -> None:
    """Discard buffered output, so that the interpreter does not fail to flush it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@attrs.frozen(eq=False)
class Console:
    """An observer that prints every report with its time."""

    least: Level = "info"
    """Reports below this level are left out."""

    @hookimpl
    def jackfield_observe(self, report: Report) -> None:
        """Print one report."""
        if _LEVELS.index(report.level) >= _LEVELS.index(self.least):
            say(f"{datetime.now().astimezone():%H:%M:%S}  {report}", level=report.level)

    def plugin_failures(self, failures: Iterable[PluginLoadFailed]) -> None:
        """Print which plugins could not be loaded, before a gateway exists."""
        for failure in failures:
            self.jackfield_observe(failure)
