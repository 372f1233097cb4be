"""Standard error: messages and reports for the operator."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import get_args

import attrs

from jackfield._cli.log_lines import FORMATS, LogFormat, LogLine
from jackfield.plugin.hooks import hookimpl
from jackfield.reports import Level, PluginLoadFailed, Report
from jackfield.reports._repetitions import Repetitions

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
    """An observer that prints every report with its time, and whatever a running command says beside them."""

    least: Level = "info"
    """What is below this level is left out."""
    format: LogFormat | None = None
    """``None`` for the time of day and the text, for somebody who looks on."""
    _repetitions: Repetitions = attrs.field(factory=Repetitions)

    @hookimpl
    def jackfield_observe(self, report: Report) -> None:
        """Print one report, unless it is one more of a long row."""
        if self._shows(report.level) and (self.least == "debug" or not self._repetitions.hides(report)):
            self.log(LogLine.of(datetime.now().astimezone(), report))

    def log(self, line: LogLine) -> None:
        """Print one line with its time."""
        if self._shows(line.level):
            text = f"{line.at:%H:%M:%S}  {line.text}" if self.format is None else FORMATS[self.format](line)
            say(text, level=line.level)

    def say(self, event: str, text: str, *, level: Level = "info", **fields: object) -> None:
        """Print one message, under a name that stays; for somebody who looks on, the text alone."""
        if self.format is None:
            say(f"warning: {text}" if level == "warning" else text, level=level)
        elif self._shows(level):
            say(FORMATS[self.format](LogLine(datetime.now().astimezone(), level, event, text, fields)), level=level)

    def _shows(self, level: Level) -> bool:
        return _LEVELS.index(level) >= _LEVELS.index(self.least)

    def plugin_failures(self, failures: Iterable[PluginLoadFailed]) -> None:
        """Print which plugins could not be loaded, before a gateway exists."""
        for failure in failures:
            self.jackfield_observe(failure)
