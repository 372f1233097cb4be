"""The suite of the example plugin of SQLite."""

import contextlib
import sqlite3
from tempfile import TemporaryDirectory

from jackfield.events import Event
from jackfield.testing import SinkSuite, SinkTarget
from jackfield_sqlite import Sqlite


class SqliteSuite(SinkSuite):
    @contextlib.contextmanager
    def target(self):
        with TemporaryDirectory() as folder:
            path = f"{folder}/events.db"
            other = sqlite3.connect(path, isolation_level=None)

            def arrived():
                try:
                    rows = other.execute("SELECT event FROM events ORDER BY number").fetchall()
                except sqlite3.OperationalError:  # no batch has made the table yet
                    rows = []
                return [Event.from_cloudevent(row[0]) for row in rows]

            def recover():
                if other.in_transaction:
                    other.rollback()

            try:
                yield SinkTarget(
                    Sqlite(path, 0.01), arrived, lambda after: other.execute("BEGIN EXCLUSIVE"), recover=recover
                )
            finally:
                other.close()
