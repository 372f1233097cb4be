"""Moments as KAZOO writes them: seconds since the year 0 or since 1970; and as others might.

Erlang's calendar counts seconds from the year 0. The size of a number shows which clock it is of:
gregorian seconds of our time and unix ones are decades of thousands of years apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["TIME_FIELDS", "event_time", "message_time", "parse_time"]

TIME_FIELDS = ("event_unix_timestamp", "event_timestamp", "timestamp")
"""Where an event says when it happened, best first; older servers know gregorian ones only, call events the last."""

# A live capture of KAZOO 4.3 has both clocks in one event and confirms the difference to the second.
GREGORIAN_EPOCH = 62_167_219_200
GREGORIAN_FROM, GREGORIAN_TO = 6 * 10**10, 10**11
MILLISECONDS_FROM = 10**12
# The switch's clock, which is the message id of call events.
_MICROSECONDS = re.compile(r"\d{16}", re.ASCII)

_NUMBER = re.compile(r"\d{1,18}(\.\d{1,9})?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


def event_time(fields: Mapping[str, Any]) -> datetime | None:
    """When an event happened: the first of its time fields that holds a moment."""
    moments = (parse_time(fields.get(name)) for name in TIME_FIELDS)
    return next((each for each in moments if each is not None), None)


def message_time(message_id: str) -> datetime | None:
    """The moment in the message id of a call event: the switch's microseconds since 1970; ``None`` for other ids."""
    if not _MICROSECONDS.fullmatch(message_id):
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(message_id))


def parse_time(value: Any) -> datetime | None:
    """The moment in UTC, to the microsecond; ``None`` where it is none, such as 0, which stands for never.

    A number, or one in text, is gregorian seconds, unix milliseconds or unix seconds by its size; ISO 8601
    without a zone is UTC.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _of_number(value) if value > 0 else None
    if isinstance(value, str):
        value = value.strip()
        if not _NUMBER.fullmatch(value):
            return _iso(value)
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return _of_number(value)


def _of_number(value: float) -> datetime | None:
    try:
        if GREGORIAN_FROM < value < GREGORIAN_TO:
            return datetime.fromtimestamp(value - GREGORIAN_EPOCH, UTC)
        return datetime.fromtimestamp(value / 1000 if value >= MILLISECONDS_FROM else value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _iso(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
