"""What goes into the journal's file and what comes out of it."""

from __future__ import annotations

from typing import NamedTuple

import attrs

__all__ = ["Checked", "DeadLetterRow", "Page", "Row", "Stored", "StoredDeadLetter", "Trimmed"]


class Row(NamedTuple):
    """One event to be kept."""

    key: bytes
    """What all its copies share, 16 bytes; empty where it has no copies."""
    body: bytes
    received: int
    """Microseconds since 1970."""


class DeadLetterRow(NamedTuple):
    """One event to be kept as a dead letter."""

    sink: str
    seq: int
    at: int
    """Microseconds since 1970."""
    attempts: int
    reason: str
    body: bytes


class Stored(NamedTuple):
    """One event that is kept."""

    seq: int
    received: int
    """Microseconds since 1970."""
    body: bytes


@attrs.frozen
class StoredDeadLetter:
    """An event that a sink never took."""

    number: int
    sink: str
    seq: int
    at: int
    """Microseconds since 1970."""
    attempts: int
    reason: str
    body: bytes | None
    """``None`` where it is not what was written."""


@attrs.frozen
class Page:
    """What stands at some numbers of the journal."""

    rows: list[Stored]
    next: int
    """Where to read on."""
    trimmed: int = 0
    """How many were deleted before they were read."""
    damaged: tuple[int, ...] = ()
    """The numbers of those that cannot be read any more."""


@attrs.frozen
class Trimmed:
    """What retention has deleted."""

    deleted: int = 0
    unread: int = 0
    """How many of them some sink had not passed."""
    more: bool = False
    """Whether it is not done yet."""


@attrs.frozen
class Checked:
    """How far `Store.check` has come."""

    done: int
    total: int
    problems: tuple[str, ...] = ()
    """What was found since the last step."""
