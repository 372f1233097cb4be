"""SQLite for Jackfield: one row per event, in order of arrival, without copies."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs
import trio

from jackfield.errors import DeliveryError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help
from jackfield.plugin.sink import Batch, OpenSink, SinkSpec

jackfield_api = 1
TABLE = "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, event TEXT)"
ROW = "INSERT OR IGNORE INTO events (id, kind, event) VALUES (?, ?, ?)"


@attrs.frozen
class Sqlite:
    """Events in a database file."""

    path: str = attrs.field(metadata=field_help("the database file"))
    busy_seconds: float = attrs.field(default=5.0, metadata=field_help("seconds to wait for another writer"))

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenSink, None]:
        database = sqlite3.connect(self.path, timeout=self.busy_seconds, check_same_thread=False)
        try:
            yield _Writer(database)
        finally:
            database.close()


@attrs.frozen
class _Writer:
    _database: sqlite3.Connection
    _lock: trio.Lock = attrs.field(factory=trio.Lock)

    async def write(self, batch: Batch) -> None:
        rows = [(event.id, event.kind, event.to_json().decode()) for event in batch.events]
        async with self._lock:
            await trio.to_thread.run_sync(self._insert, rows)

    def _insert(self, rows: list[tuple[str, str, str]]) -> None:
        try:
            with self._database:  # one transaction: the whole batch or nothing
                self._database.execute(TABLE)
                self._database.executemany(ROW, rows)
        except sqlite3.Error as error:
            raise DeliveryError(f"the database: {error}") from None


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``sqlite``."""
    return [SinkSpec("sqlite", "an SQLite database, one row per event", Sqlite)]
