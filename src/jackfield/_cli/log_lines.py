"""One line of the log for each message and report: for people, for programs, or for journald."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

import attrs

from jackfield.reports import Level, Report, event_name, report_fields

__all__ = ["FORMATS", "LogFormat", "LogLine"]

LogFormat = Literal["text", "json", "journald"]

# The priorities of sd-daemon(3), which journald takes off the line again.
_PRIORITIES: Mapping[Level, int] = {"debug": 7, "info": 6, "warning": 4, "error": 3}


@attrs.frozen
class LogLine:
    """What a line says."""

    at: datetime
    level: Level
    event: str
    """What an operator searches for: a name that stays."""
    text: str
    fields: Mapping[str, Any] = attrs.field(factory=dict)
    """What the text says, one by one."""

    @classmethod
    def of(cls, at: datetime, report: Report) -> LogLine:
        """The line of a report."""
        return cls(at, report.level, event_name(report), str(report), report_fields(report))


def _text(line: LogLine) -> str:
    return f"{line.at.isoformat(timespec='milliseconds')} {line.level} {line.event} {line.text}"


def _journald(line: LogLine) -> str:
    return f"<{_PRIORITIES[line.level]}>{line.event} {line.text}"


def _json(line: LogLine) -> str:
    at = line.at.isoformat(timespec="milliseconds")
    first = {"time": at, "level": line.level, "event": line.event, "message": line.text}
    more = {name: value for name, value in line.fields.items() if name not in first}
    return json.dumps(first | more, ensure_ascii=False)


FORMATS: Mapping[LogFormat, Callable[[LogLine], str]] = {"text": _text, "json": _json, "journald": _journald}
