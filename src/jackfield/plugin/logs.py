"""Observers that put a gateway's reports into a program's own log: by `logging`, or by structlog.

::

    async with jackfield.open_gateway("gateway.toml", plugins=[LoggingObserver()]) as gateway:
        ...

Both say the same as the log of ``jackfield run``: each report under its stable name (`jackfield.reports.event_name`),
with its level, its text and its fields. Of attempts to connect that fail in a row, those between the doublings of their
number are of the level ``debug``. They are called on the gateway's thread: a handler that writes to a slow place
should have a `logging.handlers.QueueHandler` before it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import attrs

from jackfield.plugin.hooks import hookimpl
from jackfield.reports import Level, Report, event_name, report_fields
from jackfield.reports._repetitions import Repetitions

__all__ = ["LoggingObserver", "StructlogObserver"]

_NUMBERS: Mapping[Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
# What a formatter adds to a record, and Python 3.12 to each.
_MADE_LATER = frozenset({"message", "asctime", "taskName"})


@attrs.define(eq=False)
class LoggingObserver:
    """Reports as records of `logging`, which have ``event``, ``level`` and the report's fields as attributes.

    A field whose name every record has for something else, such as ``process``, is called ``report_process``.
    """

    logger: logging.Logger = attrs.field(factory=lambda: logging.getLogger("jackfield"))
    _repetitions: Repetitions = attrs.field(factory=Repetitions)
    _taken: frozenset[str] = attrs.field(factory=lambda: frozenset(vars(logging.makeLogRecord({}))) | _MADE_LATER)

    @hookimpl
    def jackfield_observe(self, report: Report) -> None:
        """Log one report."""
        level: Level = "debug" if self._repetitions.hides(report) else report.level
        if self.logger.isEnabledFor(_NUMBERS[level]):
            fields = report_fields(report).items()
            named = {f"report_{name}" if name in self._taken else name: value for name, value in fields}
            extra = {**named, "event": event_name(report), "level": level}
            self.logger.log(_NUMBERS[level], "%s", str(report), extra=extra)


@attrs.define(eq=False)
class StructlogObserver:
    """Reports as events of structlog: the name is the event, the text is ``message``, and the fields are values."""

    logger: Any
    """What ``structlog.get_logger()`` gives, or any object with ``debug``, ``info``, ``warning`` and ``error``."""
    _repetitions: Repetitions = attrs.field(factory=Repetitions)

    @hookimpl
    def jackfield_observe(self, report: Report) -> None:
        """Log one report."""
        level: Level = "debug" if self._repetitions.hides(report) else report.level
        getattr(self.logger, level)(event_name(report), message=str(report), **report_fields(report))
