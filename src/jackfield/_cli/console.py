"""Standard error: what an operator reads while something runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import get_args

import attrs

from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.secrets import Secret, redact
from jackfield.reports import Level, PluginLoadFailed, Report

__all__ = ["Console", "abandon_stdout", "say"]

_COLORS: dict[Level, str] = {"debug": "90", "info": "", "warning": "33", "error": "31"}
_LEVELS: tuple[Level, ...] = get_args(Level)


def say(text: str, *, level: Level = "info") -> None:
    """One message for the person at the terminal."""
    color = _COLORS[level] if sys.stderr.isatty() and not os.environ.get("NO_COLOR") else ""
    with suppress(OSError):  # nobody may listen there any more, and there is no other place to say so
        print(f"\x1b[{color}m{text}\x1b[0m" if color else text, file=sys.stderr, flush=True)


def abandon_stdout() -> None:
    """Forget what is still to be written, so that the interpreter does not complain about it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@attrs.frozen(eq=False)
class Console:
    """An observer that shows every report, with the time and without any secret."""

    secrets: tuple[Secret, ...] = ()
    least: Level = "info"
    """Reports below this level are left out."""

    @hookimpl
    def jackfield_observe(self, report: Report) -> None:
        """Show one report."""
        if _LEVELS.index(report.level) >= _LEVELS.index(self.least):
            text = redact(str(report), self.secrets)
            say(f"{datetime.now().astimezone():%H:%M:%S}  {_on_one_line(text)}", level=report.level)

    def plugin_failures(self, failures: Iterable[PluginLoadFailed]) -> None:
        """Show what could not be loaded, before there is a gateway."""
        for failure in failures:
            self.jackfield_observe(failure)


def _on_one_line(text: str) -> str:
    """Vendors' words are shown without their control characters."""
    return "".join(each if each.isprintable() else " " for each in text)
