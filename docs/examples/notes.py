"""The auto-responder's durable state: the answered messages, and the numbers that unsubscribed."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager

import attrs

TABLES = """
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS answered (message TEXT PRIMARY KEY, state TEXT);
    CREATE TABLE IF NOT EXISTS stopped (number TEXT PRIMARY KEY);
"""


@attrs.frozen
class Notes:
    """An SQLite file; created by `open_notes`. Each change is on the disk when its method returns."""

    _db: sqlite3.Connection

    def begin(self, message: str, number: str, *, last: bool) -> bool:
        """Record a message as begun; returns False if it must not be answered.

        `last` also records that its sender has unsubscribed.
        """
        with self._db as db:
            db.execute("BEGIN IMMEDIATE")
            state = db.execute("SELECT state FROM answered WHERE message = ?", (message,)).fetchone()
            stopped = db.execute("SELECT 1 FROM stopped WHERE number = ?", (number,)).fetchone()
            if state not in (None, ("due",)) or (stopped and not (last and state)):
                return False
            db.execute("INSERT OR REPLACE INTO answered VALUES (?, 'begun')", (message,))
            if last:
                db.execute("INSERT OR IGNORE INTO stopped VALUES (?)", (number,))
        return True

    def end(self, message: str, *, sent: bool) -> None:
        """Record the outcome; a message that was certainly not sent may begin again."""
        with self._db as db:
            db.execute("UPDATE answered SET state = ? WHERE message = ?", ("sent" if sent else "due", message))

    def crashed(self) -> list[str]:
        """The messages that were begun when the program crashed; returned once."""
        with self._db as db:
            crashed = db.execute("UPDATE answered SET state = 'unknown' WHERE state = 'begun' RETURNING message")
            return [message for (message,) in crashed.fetchall()]


@contextmanager
def open_notes(path: str) -> Generator[Notes, None, None]:
    """Open the notes in a file, which is created if it does not exist."""
    with closing(sqlite3.connect(path, check_same_thread=False)) as db:
        db.executescript(TABLES)
        yield Notes(db)
