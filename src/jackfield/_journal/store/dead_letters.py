"""The dead letters in a journal's file: what a sink never took, once for each event and sink."""

from __future__ import annotations

import sqlite3
import zlib
from typing import Any

from jackfield._journal.store.records import DeadLetterRow, StoredDeadLetter
from jackfield._journal.store.schema import text_crc

__all__ = ["count", "dead_letter", "delete_dead_letters", "letters"]


def dead_letter(db: sqlite3.Connection, row: DeadLetterRow) -> int:
    """Keep one, unless it is there already; by how many bytes they have grown."""
    sink, position, at, attempts, reason, _ = row
    body = row.body
    reason = reason.encode(errors="replace").decode()  # a vendor's words may hold what is no Unicode
    crc = _crc(sink.encode(), position, at, attempts, reason.encode(), body)
    added = db.execute(
        "INSERT OR IGNORE INTO dead (sink, position, at, attempts, reason, size, crc, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (sink, position, at, attempts, reason, len(body), crc, body),
    )
    return len(body) if added.rowcount else 0


def delete_dead_letters(db: sqlite3.Connection, number: int) -> tuple[str, int] | None:
    """Delete one by its number; whose it was, and its size."""
    row = db.execute("SELECT sink, size FROM dead WHERE number = ?", (number,)).fetchone()
    db.execute("DELETE FROM dead WHERE number = ?", (number,))
    return row and (_text(row[0]), row[1])


def letters(db: sqlite3.Connection, sink: str | None, from_number: int, limit: int) -> list[StoredDeadLetter]:
    """Those of one sink, or all, in the order in which they were dead."""
    found = db.execute(
        "SELECT number, sink, position, at, attempts, reason, crc, body FROM dead"
        " WHERE number >= ? AND (? IS NULL OR sink = ?) ORDER BY number LIMIT ?",
        (from_number, sink, sink, limit),
    )
    return [_letter(row) for row in found]


def count(db: sqlite3.Connection) -> dict[str, int]:
    """How many each sink has."""
    return {_text(sink): number for sink, number in db.execute("SELECT sink, count(*) FROM dead GROUP BY sink")}


def _letter(row: tuple[Any, ...]) -> StoredDeadLetter:
    number, sink, position, at, attempts, reason, crc, body = row
    whole = isinstance(body, bytes) and crc == _crc(sink, position, at, attempts, reason, body)
    position, at, attempts = (each if isinstance(each, int) else 0 for each in (position, at, attempts))
    return StoredDeadLetter(number, _text(sink), position, at, attempts, _text(reason), body if whole else None)


def _crc(sink: bytes, position: int, at: int, attempts: int, reason: bytes, body: bytes) -> int:
    return zlib.crc32(body, text_crc(sink, position, at, attempts, reason))


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
