"""What stands in a journal's file, and the steps that bring an older file to the present form.

Sequence numbers are dense: they count on from 1 and only the oldest events are ever deleted, so a
number that is missing between `state`'s two is known to be lost. Every row that matters carries a
checksum, since SQLite has none of its own.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

__all__ = [
    "APPLICATION",
    "KEY_BYTES",
    "STEPS",
    "Step",
    "body_crc",
    "definitions",
    "expected",
    "migrate",
    "text_crc",
    "transaction",
    "version_of",
]

APPLICATION = 0x4A41434B  # "JACK", at byte 68 of the file
KEY_BYTES = 16
PAGE_BYTES = 8192  # holds a dozen usual events; with 4096 an eighth of the file would be waste

Step = Callable[[sqlite3.Connection], object]
"""What brings a file from one version to the next; runs inside a transaction."""


def body_crc(seq: int, body: bytes) -> int:
    """An event's checksum; its number counts too, so a row that stands in another's place is found out."""
    return zlib.crc32(body, seq & 0xFFFFFFFF)


def text_crc(*parts: object) -> int:
    """The checksum of a small row."""
    return zlib.crc32(repr(parts).encode())


FIRST = """
    -- Rows come in by number and go out by number, nothing else is searched for.
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY, received INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL
    );
    -- The newest ids, as many digests in a row as one commit had, `total` counts them from the beginning.
    CREATE TABLE seen (total INTEGER PRIMARY KEY, keys BLOB NOT NULL);
    CREATE TABLE cursor (sink TEXT PRIMARY KEY, next INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE dead (
        number INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
        attempts INTEGER NOT NULL, reason TEXT NOT NULL, size INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL
    );
    CREATE UNIQUE INDEX dead_once ON dead (sink, seq);
    CREATE INDEX dead_sizes ON dead (sink, number, size);
    -- The next number outlives the events, so that no number is given twice
    CREATE TABLE state (
        id INTEGER PRIMARY KEY CHECK (id = 1), first INTEGER NOT NULL, next INTEGER NOT NULL, crc INTEGER NOT NULL
    );
"""


def _first(db: sqlite3.Connection) -> None:
    for statement in FIRST.split(";"):
        db.execute(statement)
    db.execute("INSERT INTO state VALUES (1, 1, 1, ?)", (text_crc(1, 1),))


STEPS: tuple[Step, ...] = (_first,)
"""Step n brings a file of version n to version n + 1; version 0 is an empty file."""


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing; whatever fails inside, nothing stays open."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def version_of(db: sqlite3.Connection) -> int:
    """The version of the file's form."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(db: sqlite3.Connection, steps: Sequence[Step] = STEPS) -> None:
    """Take the steps that are missing, all in one transaction."""
    if (version := version_of(db)) < len(steps):
        with transaction(db):
            for step in steps[version:]:
                step(db)
            db.execute(f"PRAGMA user_version = {len(steps)}")


def definitions(db: sqlite3.Connection) -> set[tuple[object, ...]]:
    """What the file says about its own tables, to be compared."""
    return set(db.execute("SELECT type, name, tbl_name, CAST(sql AS BLOB) FROM sqlite_schema"))


def expected(steps: Sequence[Step]) -> set[tuple[object, ...]]:
    """The definitions of a file that these steps have made."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.text_factory = bytes
        migrate(db, steps)
        return definitions(db)
