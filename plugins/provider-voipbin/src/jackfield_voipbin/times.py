"""Moments as VoIPBIN writes them: RFC 3339 with zero to nine digits of fraction, or its older form.

Three things that look like a moment are none: ``null`` and the year 9999, which stand for "not yet",
and the year 1, which the platform uses for an offset within a recording.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

__all__ = ["last_change", "parse_time", "stamps_in"]

_is_moment = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?").fullmatch
WHOLE, FINEST = 20, 30  # characters: without a fraction, and in nanoseconds
LONGEST = 35
FIRST, END = "1970", "9999"
FIRST_YEAR, LAST_YEAR = 1970, 9998


def parse_time(text: Any) -> datetime | None:
    """The moment in UTC, to the microsecond; ``None`` where it is none. Without a zone it is UTC."""
    if not isinstance(text, str):
        return None
    # Nearly all are in one form, and looking at its separators takes a third of what the expression takes. That there
    # are digits between them `fromisoformat` checks; what it accepts beyond that, weeks say, has other separators.
    separators = text[4:WHOLE:3]
    usual = (separators == "--T::." and text[-1] == "Z" and text[WHOLE:-1].isdigit() and len(text) <= FINEST) or (
        separators == "--T::Z" and len(text) == WHOLE
    )
    try:
        if usual:
            return datetime.fromisoformat(text) if FIRST <= text < END else None
        if len(text) > LONGEST or not _is_moment(text):
            return None
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def stamps_in(names: Iterable[str]) -> tuple[str, ...]:
    """Those among the names of a resource's fields that say when something happened to it, ``tm_update`` first."""
    return tuple(sorted((name for name in names if name.startswith("tm_")), key=lambda name: name != "tm_update"))


def last_change(data: Any, stamps: Iterable[str] | None = None) -> tuple[datetime | None, bool]:
    """When a resource last changed, and whether it says so itself, by more than the moment of its creation.

    Its ``tm_update``, else the latest of its ``tm_…`` fields, which `stamps` are where that is known.
    """
    if not isinstance(data, dict):
        return None, False
    latest, dated = None, False
    for name in stamps_in(data) if stamps is None else stamps:
        if (moment := parse_time(data[name])) is not None:
            if name == "tm_update":
                return moment, True
            latest = moment if latest is None or moment > latest else latest
            dated = dated or name != "tm_create"
    return latest, dated
