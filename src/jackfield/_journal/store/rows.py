"""The events in a journal's file: read even where some of them are damaged, deleted from the oldest on."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain

from jackfield._journal.store.records import Row, Stored
from jackfield._journal.store.schema import body_crc

__all__ = ["expired", "insert", "rows", "shrink", "used_bytes"]

# How many rows go into one statement. Python gives its lock away while a statement runs, and when the other
# threads are busy it takes up to 5 ms to get it back: a statement for each row would come to a standstill.
ROWS_AT_ONCE = (200, 40, 8, 1)
_INSERTS = {count: "INSERT INTO event VALUES (?,?,?,?)" + ",(?,?,?,?)" * (count - 1) for count in ROWS_AT_ONCE}

VACUUM_PAGES = 256
# Above this share of free pages the file is made smaller; below it the next events will fill them anyway.
SPARE = 1 / 8
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def insert(db: sqlite3.Connection, first: int, events: Sequence[Row]) -> None:
    """Add events, numbered from `first` on."""
    numbered = enumerate(events, first)
    values = [(seq, received, body_crc(seq, body), body) for seq, (_, body, received) in numbered]
    start = 0
    for count in ROWS_AT_ONCE:
        while len(values) - start >= count:
            db.execute(_INSERTS[count], list(chain.from_iterable(values[start : start + count])))
            start += count


def rows(db: sqlite3.Connection, start: int, stop: int) -> list[Stored]:
    """The events from number `start` to before `stop` that are what was written.

    A damaged page of the file costs what stands on it and nothing else: what cannot be read as a range is
    read one by one.
    """
    try:
        found = db.execute("SELECT seq, received, crc, body FROM event WHERE seq >= ? AND seq < ?", (start, stop))
        whole = found.fetchall()
    except sqlite3.DatabaseError as error:
        _pass_damage(error)
        whole = []
        for seq in range(start, stop):
            try:
                whole += db.execute("SELECT seq, received, crc, body FROM event WHERE seq = ?", (seq,)).fetchall()
            except sqlite3.DatabaseError as error:
                _pass_damage(error)
    # By number, for in a damaged tree a row may be met twice or out of its order.
    kept = {
        seq: Stored(seq, received, body)
        for seq, received, crc, body in whole
        if start <= seq < stop and isinstance(received, int) and isinstance(body, bytes) and crc == body_crc(seq, body)
    }
    return [kept[seq] for seq in sorted(kept)]


def _pass_damage(error: sqlite3.DatabaseError) -> None:
    """Let pass what is wrong with the file's content; anything else, such as a disk that is away, is no loss."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
        raise error


def expired(db: sqlite3.Connection, start: int, stop: int, keep_after: int) -> int:
    """The first number from `start` on, `stop` at the latest, whose event is not older than that."""
    young = db.execute(
        "SELECT seq FROM event WHERE seq >= ? AND seq < ? AND received >= ? ORDER BY seq LIMIT 1",
        (start, stop, keep_after),
    ).fetchone()
    return young[0] if young else max(start, stop)


def used_bytes(db: sqlite3.Connection) -> int:
    """How much of the file is in use; the rest waits to be filled again."""
    pages, free, size = (_pragma(db, each) for each in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size


def shrink(db: sqlite3.Connection) -> bool:
    """Give some of the file back where much of it is free; whether there may be more to give."""
    free = _pragma(db, "freelist_count")
    if free <= max(VACUUM_PAGES, _pragma(db, "page_count") * SPARE):
        return False
    db.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
    return True


def _pragma(db: sqlite3.Connection, name: str) -> int:
    (value,) = db.execute(f"PRAGMA {name}").fetchone()
    return int(value)
