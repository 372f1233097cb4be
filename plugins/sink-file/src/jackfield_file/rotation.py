"""When a file is rotated, its name then, and how long it is kept: decisions, without any I/O.

``events.jsonl`` is rotated to ``events@20261121T120000.000000Z.jsonl``, named by the moment of its rotation, so
the names sort by time; compressed it ends in ``.gz`` or ``.zst`` as well, and while that is being made, in
``@part``. What was torn off a file's end is in ``events.jsonl@torn``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

import attrs

__all__ = ["PART", "TORN", "Every", "Method", "Policy", "Rotated", "find_rotated", "next_moment", "rotated_name"]

Every = Literal["never", "hour", "day"]
Method = Literal["none", "gzip", "zstd"]
"""How rotated files are compressed."""
PART = "@part"
TORN = "@torn"

_MOMENT = "%Y%m%dT%H%M%S.%fZ"
_REST = re.compile(r"@(2\d{7}T\d{6}\.\d{6}Z)")
_PACKED = re.compile(rf"(?:(\.gz|\.zst)({PART})?)?")


@attrs.frozen
class Policy:
    """When to rotate, and how much to keep; ``None`` means no limit."""

    rotate_bytes: int | None = None
    rotate_every: Every = "never"
    keep_files: int | None = None
    keep_seconds: float | None = None

    @property
    def rotates(self) -> bool:
        """Whether files are rotated at all."""
        return self.rotate_bytes is not None or self.rotate_every != "never"

    def due(self, *, size: int, adding: int, written: datetime, now: datetime) -> bool:
        """Whether a file of this size, last written then, is rotated before so many bytes are added."""
        if size == 0:
            return False
        if self.rotate_bytes is not None and size + adding > self.rotate_bytes:
            return True
        return self.rotate_every != "never" and self._period(now) > self._period(written)

    def _period(self, moment: datetime) -> datetime:
        hour = moment.replace(minute=0, second=0, microsecond=0)
        return hour.replace(hour=0) if self.rotate_every == "day" else hour

    def expired(self, moments: Iterable[datetime], now: datetime) -> set[datetime]:
        """Which of a path's rotated files, by their moments, are to be deleted."""
        newest_first = sorted(set(moments), reverse=True)
        gone = set() if self.keep_files is None else set(newest_first[self.keep_files :])
        if self.keep_seconds is not None:
            gone |= {moment for moment in newest_first if (now - moment).total_seconds() > self.keep_seconds}
        return gone


@attrs.frozen
class Rotated:
    """A rotated file, or one that is being compressed."""

    name: str
    moment: datetime
    packed: str
    """``.gz``, ``.zst``, or empty."""
    partial: bool
    """Whether it is the unfinished work of a compression."""


def rotated_name(name: str, suffix: str, moment: datetime) -> str:
    """Name of a file that is rotated at this moment."""
    return f"{name.removesuffix(suffix)}@{moment.strftime(_MOMENT)}{suffix}"


def find_rotated(name: str, suffix: str, names: Iterable[str]) -> list[Rotated]:
    """Those names in a folder that are rotated files of this one."""
    stem = name.removesuffix(suffix)
    found = []
    for each in names:
        if not each.startswith(stem) or not (match := _REST.match(each, len(stem))):
            continue
        rest = each[match.end() :]
        if rest.startswith(suffix) and (packed := _PACKED.fullmatch(rest, len(suffix))):
            try:
                moment = datetime.strptime(match[1], _MOMENT).replace(tzinfo=UTC)
            except ValueError:
                continue  # digits that are not a date: not ours
            found.append(Rotated(each, moment, packed[1] or "", packed[2] is not None))
    return found


def next_moment(now: datetime, rotated: Iterable[Rotated]) -> datetime:
    """The moment that names the next file: now, or just after the newest where the clock went back."""
    newest = max((each.moment for each in rotated), default=None)
    return now if newest is None or now > newest else newest + timedelta(microseconds=1)
