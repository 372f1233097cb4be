"""What plugins log by `logging`, as lines of the command's own log; for as long as a gateway runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from jackfield._cli.console import Console
from jackfield._cli.log_lines import LogLine
from jackfield.plugin.redaction import Redactor
from jackfield.reports import Level

__all__ = ["plugin_logs"]

ROOT = "jackfield"
_NUMBERS: dict[Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class _Lines(logging.Handler):
    """Gives a console the records of loggers whose names begin with ``jackfield.``."""

    def __init__(self, console: Console, redact: Redactor) -> None:
        super().__init__()
        self._console = console
        self._redact = redact

    def emit(self, record: logging.LogRecord) -> None:
        """Print one."""
        if record.name == ROOT:  # reports, which an observer has written there: the console has them already
            return
        level: Level = "debug"
        for name, number in _NUMBERS.items():
            level = name if record.levelno >= number else level
        at = datetime.fromtimestamp(record.created).astimezone()
        event = str(getattr(record, "event", record.name))
        self._console.log(LogLine(at, level, event, self._redact(_text(record)), {"logger": record.name}))


def _text(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except (TypeError, ValueError):  # which is a bug of the plugin's, and no trouble of what goes on
        text = f"{record.msg} with {record.args}"
    error = record.exc_info[1] if record.exc_info else None
    return text if error is None else f"{text}: {type(error).__name__}: {error}"


@contextmanager
def plugin_logs(console: Console, redact: Redactor) -> Iterator[None]:
    """Print them; `redact` takes out secrets and control characters."""
    logger, handler = logging.getLogger(ROOT), _Lines(console, redact)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(_NUMBERS[console.least])
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
