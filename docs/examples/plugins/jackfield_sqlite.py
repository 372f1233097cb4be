"""SQLite for Jackfield: each event a row, once, in the order of its arrival."""

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
    """Events in a database that anybody can query."""

    path: str = attrs.field(metadata=field_help("the database's file"))
    patience: float = attrs.field(default=5.0, metadata=field_help("seconds to wait while somebody else writes"))

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenSink, None]:
        database = sqlite3.connect(self.path, timeout=self.patience, check_same_thread=False)
        try:
            yield _Writer(database)
        finally:
            database.close()


@attrs.frozen
class _Writer:
    _database: sqlite3.Connection
    _turn: trio.Lock = attrs.field(factory=trio.Lock)

    async def write(self, batch: Batch) -> None:
        rows = [(event.id, event.kind, event.to_json().decode()) for event in batch.events]
        async with self._turn:
            await trio.to_thread.run_sync(self._insert, rows)

    def _insert(self, rows: list[tuple[str, str, str]]) -> None:
        try:
            with self._database:  # one transaction: all of the batch, or nothing
                self._database.execute(TABLE)
                self._database.executemany(ROW, rows)
        except sqlite3.Error as error:
            raise DeliveryError(f"the database: {error}") from None


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``sqlite``."""
    return [SinkSpec("sqlite", "an SQLite database, one row an event", Sqlite)]
