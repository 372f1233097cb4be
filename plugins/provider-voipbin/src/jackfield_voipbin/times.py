"""Moments as VoIPBIN writes them: RFC 3339 with zero to nine digits of fraction, or its older form.

Three things that look like a moment are none: ``null`` and the year 9999, which stand for "not yet",
and the year 1, which the platform uses for an offset within a recording.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

__all__ = ["last_change", "parse_time"]

_is_moment = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?").fullmatch
FIRST_YEAR, LAST_YEAR = 1970, 9998
LONGEST = 35
WHOLE, FINEST = 20, 30  # characters: without a fraction, and in nanoseconds


def parse_time(text: Any) -> datetime | None:
    """The moment in UTC, to the microsecond; ``None`` where it is none. Without a zone it is UTC."""
    return _moment(text) if isinstance(text, str) and len(text) <= LONGEST else None


# A resource bears the times of its past in each of its messages, so most texts were seen before.
@lru_cache(4096)
def _moment(text: str) -> datetime | None:
    # Nearly all are in one form, and looking at its separators takes a third of what the expression takes. That there
    # are digits between them `fromisoformat` checks; what it accepts beyond that, weeks say, has other separators.
    usual = text[4:8:3] == "--" and text[10:11] == "T" and text[13:17:3] == "::" and text[-1] == "Z"
    usual = usual and (len(text) == WHOLE or (text[19:20] == "." and text[20:-1].isdigit() and len(text) <= FINEST))
    if not (usual or _is_moment(text)):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not UTC:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def last_change(data: Any) -> tuple[datetime | None, bool]:
    """When a resource last changed, and whether it says so itself, by more than the moment of its creation.

    Its ``tm_update``, else the latest of its ``tm_…`` fields.
    """
    if not isinstance(data, dict):
        return None, False
    if (updated := parse_time(data.get("tm_update"))) is not None:
        return updated, True
    latest, dated = None, False
    # What is found inside a key is asked first, for that is three times as fast, and most have it nowhere.
    for key in [key for key in data if "tm_" in key]:
        if key.startswith("tm_") and (moment := parse_time(data[key])) is not None:
            latest = moment if latest is None or moment > latest else latest
            dated = dated or key != "tm_create"
    return latest, dated
