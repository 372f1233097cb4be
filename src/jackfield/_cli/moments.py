"""Times on the command line: a date and time, or a duration before now."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta

from jackfield.errors import ConfigError, ConfigProblem

__all__ = ["check_span", "moment"]

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """An argument's ``type=``: ``2026-11-21T12:00`` (UTC where it names no zone), or ``90s 15m 2h 7d`` ago."""
    try:
        if ago := _AGO.fullmatch(text):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        problem = f"{text!r} is not a time; write one like 2026-11-21T12:00 (UTC), or how long ago, like 15m or 2h"
        raise argparse.ArgumentTypeError(problem) from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def check_span(since: datetime | None, until: datetime | None) -> None:
    """`ConfigError` where there is no moment between the two."""
    if since is not None and until is not None and since >= until:
        first, last = (f"{each.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for each in (since, until))
        problem = f"{last} is not after --since, {first}, so there is nothing between"
        raise ConfigError([ConfigProblem("--until", problem)])
