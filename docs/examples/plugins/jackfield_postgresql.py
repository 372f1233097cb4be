"""PostgreSQL for Jackfield: each event exactly once, whatever is killed in between.

A row holds the position that the event has in the gateway's journal, under the gateway's name, and the pair is unique:
so the position is stored in the transaction that stores the event. What is sent again after a crash is in the table
already, and is left out there; what is not in the table was not acknowledged, and is sent again.
"""

import os
import socket
import ssl
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs
import pg8000.dbapi

from jackfield.errors import DeliveryError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help, ge, is_url
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import Batch, OpenSink, SinkSpec
from jackfield.plugin.threaded import threaded

jackfield_api = 1
TABLE = """
CREATE TABLE IF NOT EXISTS jackfield_events (
    journal text NOT NULL, position text NOT NULL, id text NOT NULL, kind text NOT NULL, event json NOT NULL,
    PRIMARY KEY (journal, position)
)"""
ROWS = """
INSERT INTO jackfield_events (journal, position, id, kind, event)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::json[])
ON CONFLICT (journal, position) DO NOTHING"""


@attrs.define
class Tls:
    """What pg8000 asks for TLS; remembers the socket that it makes."""

    made: list[socket.socket] = attrs.field(factory=list)

    def wrap_socket(self, sock: socket.socket, **options: Any) -> socket.socket:
        self.made.append(ssl.create_default_context().wrap_socket(sock, **options))
        return self.made[-1]


@attrs.define
class Connection:
    """A connection and its socket, by which a call that blocks can be ended."""

    socket: socket.socket
    database: pg8000.dbapi.Connection

    def interrupt(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        try:
            self.database.close()
        finally:
            # pg8000 leaves the file that it has made of a broken connection to the garbage collector.
            with suppress(OSError):
                os.close(self.socket.detach())


@attrs.frozen
class Postgresql:
    """Events in a table."""

    journal: str = attrs.field(
        validator=attrs.validators.min_len(1),
        metadata=field_help("a name of this gateway's journal; a new journal needs a new one, for it counts anew"),
    )
    url: str = attrs.field(
        validator=is_url("postgresql", "postgresqls"),
        metadata=field_help("where it is, such as postgresql://user@host:5432/database; postgresqls: is by TLS"),
    )
    password: Secret | None = attrs.field(default=None, metadata=field_help("the user's password"))
    connect_seconds: float = attrs.field(
        default=10.0, validator=ge(0.1), metadata=field_help("seconds that connecting may take")
    )

    def open(self) -> AbstractAsyncContextManager[OpenSink]:
        return threaded(
            self._connect, self._insert, interrupt=Connection.interrupt, errors=(pg8000.dbapi.Error, OSError)
        )

    def _connect(self) -> Connection:
        parts = urlsplit(self.url)
        host = parts.hostname or "localhost"
        sock = socket.create_connection((host, parts.port or 5432), self.connect_seconds)
        tls = Tls() if parts.scheme == "postgresqls" else None
        try:
            database = pg8000.dbapi.connect(
                unquote(parts.username or "postgres"),
                host=host,
                database=unquote(parts.path.lstrip("/")) or None,
                password=None if self.password is None else self.password.reveal(),
                ssl_context=tls or False,  # and not None, with which it encrypts and trusts any certificate
                sock=sock,
            )
        except BaseException:
            sock.close()
            raise
        sock = tls.made[-1] if tls else sock
        sock.settimeout(None)
        with suppress(pg8000.dbapi.Error):  # another writer may be making it at this moment
            database.cursor().execute(TABLE)
        database.commit()
        return Connection(sock, database)

    def _insert(self, connection: Connection, batch: Batch) -> None:
        events = batch.events
        columns = [
            list(batch.positions) or [event.id for event in events],
            [event.id for event in events],
            [event.kind for event in events],
            [event.to_json().decode() for event in events],  # as json and not jsonb, which knows no NUL
        ]
        try:
            connection.database.cursor().execute(ROWS, (self.journal, *columns))
            connection.database.commit()
        except pg8000.dbapi.DatabaseError as error:
            raise _failure(error) from None


def _failure(error: pg8000.dbapi.Error) -> DeliveryError:
    """What to do about an error of the server's, by its SQLSTATE."""
    details = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    state, message = str(details.get("C", "")), str(details.get("M", error))
    if state[:2] in ("28", "42"):  # not permitted, or no such table: an operator must act
        return DeliveryError(f"PostgreSQL {state}: {message}", on_error="pause")
    return DeliveryError(f"PostgreSQL {state}: {message}", on_error="dead_letter" if state[:2] == "22" else "retry")


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``postgresql``."""
    return [SinkSpec("postgresql", "a PostgreSQL table, each event exactly once", Postgresql, batch_events=500)]
