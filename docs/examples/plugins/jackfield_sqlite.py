"""SQLite for Jackfield: one row per event, in order of arrival, without copies."""

import sqlite3
from contextlib import AbstractAsyncContextManager

import attrs

from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help
from jackfield.plugin.sink import Batch, OpenSink, SinkSpec
from jackfield.plugin.threaded import threaded

jackfield_api = 1
TABLE = "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, event TEXT)"
ROW = "INSERT OR IGNORE INTO events (id, kind, event) VALUES (?, ?, ?)"


@attrs.frozen
class Sqlite:
    """Events in a database file."""

    path: str = attrs.field(metadata=field_help("the database file", path=True))
    busy_seconds: float = attrs.field(default=5.0, metadata=field_help("seconds to wait for another writer"))

    def open(self) -> AbstractAsyncContextManager[OpenSink]:
        stop, errors = sqlite3.Connection.interrupt, (sqlite3.Error,)
        return threaded(self._connect, _insert, interrupt=stop, errors=errors, connections=1)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=self.busy_seconds, check_same_thread=False)


def _insert(database: sqlite3.Connection, batch: Batch) -> None:
    with database:  # one transaction: the whole batch or nothing
        database.execute(TABLE)
        database.executemany(ROW, [(event.id, event.kind, event.to_json().decode()) for event in batch.events])


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``sqlite``."""
    return [SinkSpec("sqlite", "an SQLite database, one row per event", Sqlite)]
