"""A report as a log has it: a name that stays, and its facts one by one; among `jackfield.reports`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import attrs

__all__ = ["event_name", "report_fields"]

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def event_name(report: object) -> str:
    """What to search a log for: the name of the report's class, such as ``feed_state_changed``."""
    return _CAPITAL.sub("_", type(report).__name__).lower()


def report_fields(report: Any) -> Mapping[str, Any]:
    """What a report says, by name, as JSON has it; moments as ISO 8601, and without a vendor's bytes."""
    fields = attrs.asdict(report, recurse=False)
    return {name: _plain(value) for name, value in fields.items() if not isinstance(value, bytes)}


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
