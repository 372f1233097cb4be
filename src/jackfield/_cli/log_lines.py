"""One line of the log for each message and report: for people, for programs, or for journald."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Literal

import attrs

from jackfield.reports import FeedState, FeedStateChanged, Level, Report
from jackfield.reports._thinning import is_due

__all__ = ["FORMATS", "LogFormat", "Repetitions", "event_name"]

LogFormat = Literal["text", "json", "journald"]

# The priorities of sd-daemon(3), which journald takes off the line again.
_PRIORITIES: Mapping[Level, int] = {"debug": 7, "info": 6, "warning": 4, "error": 3}
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def event_name(report: Report | None) -> str:
    """What an operator searches for: the report's class, as ``feed_state_changed``; ``message`` for other lines."""
    return "message" if report is None else _CAPITAL.sub("_", type(report).__name__).lower()


def _text(at: datetime, level: Level, text: str, _report: Report | None) -> str:
    return f"{at.isoformat(timespec='milliseconds')} {level} {text}"


def _journald(_at: datetime, level: Level, text: str, _report: Report | None) -> str:
    return f"<{_PRIORITIES[level]}>{text}"


def _json(at: datetime, level: Level, text: str, report: Report | None) -> str:
    line = {"time": at.isoformat(timespec="milliseconds"), "level": level, "event": event_name(report), "message": text}
    fields = {} if report is None else attrs.asdict(report, recurse=False)
    more = {name: _plain(value) for name, value in fields.items() if not isinstance(value, bytes)}
    return json.dumps(line | {name: value for name, value in more.items() if name not in line}, ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case tuple() | list():
            return list(map(_plain, value))
    return str(value)


FORMATS: Mapping[LogFormat, Callable[[datetime, Level, str, Report | None], str]] = {
    "text": _text,
    "json": _json,
    "journald": _journald,
}


@attrs.define
class Repetitions:
    """Attempts to connect that fail in a row: the first is logged, and each doubling of their number."""

    _attempts: dict[str, int] = attrs.field(factory=dict)

    def hides(self, report: Report) -> bool:
        """Whether a report says again what was logged before."""
        if not isinstance(report, FeedStateChanged):
            return False
        if report.state is FeedState.SUBSCRIBED:
            self._attempts.pop(report.feed, None)
        elif report.state is FeedState.CONNECTING:
            self._attempts[report.feed] = self._attempts.get(report.feed, 0) + 1
        failed = self._attempts.get(report.feed, 1) - 1
        return failed > 0 and not is_due(failed)
