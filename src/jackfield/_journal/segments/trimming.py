"""Deletes the oldest segments of a folder, whole, and keeps of them by what copies of their events are known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from jackfield._journal.segments.finding import keys_of
from jackfield._journal.segments.indexes import Indexes
from jackfield._journal.segments.kept_keys import KeptKeys
from jackfield._journal.segments.segment import Segment
from jackfield.errors import JournalError

__all__ = ["cut", "delete_oldest"]


def cut(
    segments: list[Segment], bytes_of: Callable[[Segment], int], keep_bytes: int, keep_after: float, floor: int
) -> int:
    """How many of the oldest segments can be deleted.

    Those go that are more than `keep_bytes` allow, read or not, but for the newest segment; and before `floor`
    those that were last written to before `keep_after`, seconds since 1970.
    """
    size = sum(map(bytes_of, segments))
    for number, segment in enumerate(segments):
        newest = number + 1 == len(segments)
        with suppress(FileNotFoundError):
            old = segment.stop <= floor and segment.path.stat().st_mtime < keep_after
            if not old and (newest or size <= keep_bytes):
                return number
        size -= bytes_of(segment)
    return len(segments)


def delete_oldest(segments: list[Segment], indexes: Indexes, kept: KeptKeys, keep_keys: int) -> None:
    """Delete the oldest segment, and keep its keys as far as the newest `keep_keys` go back to it."""
    segment = segments[0]
    most_keys = keep_keys - sum(map(indexes.keys_in, segments[1:]))
    with suppress(FileNotFoundError):
        kept.keep(segment, keys_of(segment, indexes) if most_keys > 0 else [], most_keys)
    try:
        segment.path.unlink(missing_ok=True)
        indexes.forget(segment)
    except OSError as error:
        raise JournalError(f"{segment.path}: cannot be deleted: {error.strerror}") from None
    del segments[0]
