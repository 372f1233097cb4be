"""An outbox for Jackfield: events that an application writes into a table of its own database, in its transactions.

::

    CREATE TABLE outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, subject TEXT, data TEXT)

The feed pulls rows in the order of their numbers, and a row's number is its token: after a crash, or a connection that
was lost, it goes on behind the last row that is in the journal. So nothing is lost and there is no gap. With ``delete``
a row is removed when it is in the journal.
"""

import sqlite3
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

import attrs
import msgspec
import trio

from jackfield.addresses import AddressPattern, Source
from jackfield.errors import ConnectionLost, FrameError
from jackfield.events import Event, content_id, decode_data
from jackfield.kinds import KIND_NAMES, unmapped_kind
from jackfield.plugin.frames import decode_frame
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help, ge
from jackfield.plugin.protocol import Action, Emit, FeedProtocol, Send
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.single_topic import ReadOnly, SingleTopic
from jackfield.plugin.transport import OpenPullSource, PullSource

jackfield_api = 1
PROVIDER = "outbox"
MOST_ROWS = 500
ROWS = "SELECT number, kind, subject, data FROM outbox WHERE number > ? ORDER BY number LIMIT ?"


def dialect(name: str) -> SingleTopic:
    """The rows of one table."""
    return SingleTopic(Source(PROVIDER, "table", name), _kinds_of, "rows")


def _kinds_of(pattern: AddressPattern) -> frozenset[str]:
    if pattern.resource is not None and pattern.event is not None:
        return frozenset({_kind_of(pattern.resource, pattern.event)})
    return KIND_NAMES | {unmapped_kind(pattern.resource or "unknown")}


def _kind_of(entity: str, word: str) -> str:
    named = f"{entity}.{word}"
    return named if named in KIND_NAMES else unmapped_kind(entity)


class Row(msgspec.Struct):
    """A row as a frame."""

    number: int
    kind: str
    subject: str
    data: str


@attrs.frozen
class Reader:
    """Reads rows, whose numbers come back when they are stored."""

    feed: str
    name: str

    def read(self, frame: bytes, at: datetime) -> Iterable[Action]:
        row = decode_frame(msgspec.json.Decoder(Row).decode, frame)
        entity, _, word = row.kind.partition(".")
        try:
            address = dialect(self.name).address_of(f"{entity}:{row.subject}", word)
            data = decode_data(row.data.encode())
        except (ValueError, msgspec.DecodeError) as error:
            raise FrameError(f"row {row.number}: {error}", frame) from None
        event = Event(
            id=content_id(self.name.encode(), str(row.number).encode()),
            kind=_kind_of(entity, word),
            address=address,
            time=None,
            received=at,
            feed=self.feed,
            correlation=row.subject,
            native_type=row.kind,
            data=data,
            data_json=row.data.encode(),
        )
        return (Emit(event, token=str(row.number)),)


@attrs.define
class Puller:
    """The open table; SQLite blocks, so it is asked in a thread."""

    database: sqlite3.Connection
    after: int
    poll_seconds: float
    delete: bool
    _lock: trio.Lock = attrs.field(factory=trio.Lock)

    async def receive(self) -> Sequence[bytes]:
        while True:
            if rows := await self._run(ROWS, (self.after, MOST_ROWS)):
                self.after = rows[-1][0]
                return [msgspec.json.encode(Row(*row)) for row in rows]
            await trio.sleep(self.poll_seconds)

    async def send(self, frame: str | bytes) -> None:
        if self.delete:
            await self._run("DELETE FROM outbox WHERE number <= ?", (int(frame),))

    async def _run(self, text: str, values: tuple[int, ...]) -> list[tuple[int, str, str, str]]:
        def run() -> list[tuple[int, str, str, str]]:
            with self.database:
                return self.database.execute(text, values).fetchall()

        async with self._lock:
            try:
                return await trio.to_thread.run_sync(run)
            except sqlite3.Error as error:
                raise ConnectionLost(f"the outbox: {error}") from None


@attrs.frozen
class Outbox:
    """A feed of one table."""

    name: str = attrs.field(validator=attrs.validators.min_len(1), metadata=field_help("a name, part of addresses"))
    path: str = attrs.field(metadata=field_help("the file of the application's SQLite database"))
    poll_seconds: float = attrs.field(
        default=0.2, validator=ge(0.01), metadata=field_help("seconds between two queries while there are no rows")
    )
    delete: bool = attrs.field(default=False, metadata=field_help("delete rows that are in the journal"))

    endpoint_resumes = True  # it begins with the first row

    @property
    def source(self) -> Source:
        return Source(PROVIDER, "table", self.name)

    @property
    def dialect(self) -> SingleTopic:
        return dialect(self.name)

    def endpoint(self) -> PullSource:
        return self.resume_from("0")

    def resume_from(self, token: str) -> PullSource:
        return PullSource(partial(self._open, int(token)), self.path)

    @asynccontextmanager
    async def _open(self, after: int) -> AsyncGenerator[OpenPullSource, None]:
        connect = partial(sqlite3.connect, f"file:{self.path}?mode=rw", uri=True, check_same_thread=False)
        try:
            database = await trio.to_thread.run_sync(connect)
        except sqlite3.Error as error:
            raise ConnectionLost(f"the outbox: {error}") from None
        try:
            yield Puller(database, after, self.poll_seconds, self.delete)
        finally:
            database.close()

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> ReadOnly:
        return ReadOnly(Reader(feed, self.name).read, lambda token: (Send(token),))


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``outbox``."""
    return [
        ProviderSpec(
            PROVIDER,
            "a table of an application's SQLite database, read in order",
            Outbox,
            dialects=lambda name: {"rows": dialect(name)},
            decoder=lambda feed: ReadOnly(Reader(feed, "unknown").read),
        )
    ]
