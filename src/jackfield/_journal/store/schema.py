"""What stands in a journal's ``state.db``, and the steps that bring an older one to the present form.

Every row that matters carries a checksum, since SQLite has none of its own.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

__all__ = [
    "APPLICATION",
    "STEPS",
    "Step",
    "definitions",
    "expected",
    "migrate",
    "text_crc",
    "transaction",
    "version_of",
]

APPLICATION = 0x4A41434C  # "JACL", at byte 68 of the file; "JACK" was the form that held the events too
PAGE_BYTES = 1024

Step = Callable[[sqlite3.Connection], object]
"""What brings a file from one version to the next; runs inside a transaction."""


def text_crc(*parts: object) -> int:
    """The checksum of a small row."""
    return zlib.crc32(repr(parts).encode())


FIRST = """
    CREATE TABLE cursor (sink TEXT PRIMARY KEY, next INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE dead (
        number INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, position INTEGER NOT NULL, at INTEGER NOT NULL,
        attempts INTEGER NOT NULL, reason TEXT NOT NULL, size INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL
    );
    CREATE UNIQUE INDEX dead_once ON dead (sink, position);
    CREATE INDEX dead_sizes ON dead (sink, number, size);
    CREATE TABLE token (
        feed TEXT PRIMARY KEY, text TEXT NOT NULL, position INTEGER NOT NULL, crc INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE feed (feed TEXT PRIMARY KEY, received INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE loss (
        sink TEXT PRIMARY KEY, down INTEGER NOT NULL, slow INTEGER NOT NULL, ahead INTEGER NOT NULL,
        crc INTEGER NOT NULL
    ) WITHOUT ROWID;
    -- The numbers outlive the events, so that none is given twice
    CREATE TABLE state (
        id INTEGER PRIMARY KEY CHECK (id = 1), first INTEGER NOT NULL, next INTEGER NOT NULL,
        "end" INTEGER NOT NULL, reserved INTEGER NOT NULL,
        boot TEXT NOT NULL, journal TEXT NOT NULL, crc INTEGER NOT NULL
    );
"""


def _first(db: sqlite3.Connection) -> None:
    for statement in FIRST.split(";"):
        db.execute(statement)
    db.execute("INSERT INTO state VALUES (1, 1, 1, 1, 1, '', '', ?)", (text_crc(1, 1, 1, 1, b"", b""),))


def _accounts(db: sqlite3.Connection) -> None:
    """A feed was heard when its last event was received, whatever that was: also when it was accounted for."""
    db.execute(
        "CREATE TABLE account (feed TEXT PRIMARY KEY, heard INTEGER NOT NULL, accounted INTEGER, looked INTEGER, "
        "shown INTEGER, position INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID"
    )
    for feed, received, crc in db.execute("SELECT CAST(feed AS BLOB), received, crc FROM feed").fetchall():
        if crc == text_crc(feed, received):
            row = (received, None, None, None, 0)
            db.execute("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?)", (feed.decode(), *row, text_crc(feed, *row)))
    db.execute("DROP TABLE feed")


def _checkpoint(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE checkpoint (piece INTEGER PRIMARY KEY, crc INTEGER NOT NULL, body BLOB NOT NULL)")


def _durable(db: sqlite3.Connection) -> None:
    db.execute(
        'CREATE TABLE durable (name TEXT PRIMARY KEY, next INTEGER NOT NULL, "select" TEXT NOT NULL, '
        "crc INTEGER NOT NULL) WITHOUT ROWID"
    )


STEPS: tuple[Step, ...] = (_first, _accounts, _checkpoint, _durable)
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
