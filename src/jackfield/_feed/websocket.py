"""Connections by websocket; beside the simulators' server, the only user of trio_websocket.

Work moves in batches: `receive` hands over what one read from the socket has brought, as a list.
`jackfield._feed.frame_splitter` takes the messages out of the bytes before trio-websocket sees them; everything
else is left to trio-websocket, whose messages take their place among the others. Everything that can go wrong on a
connection is raised as `ConnectionLost`, with one sentence that says what happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import attrs
import trio
import trio_websocket

from jackfield._feed.activity import Activity
from jackfield._feed.dialling import CLOSE_SECONDS, Opener, refused, with_date, within
from jackfield._feed.frame_splitter import STAND_IN, FrameSplitter
from jackfield._net.exception_groups import leaves
from jackfield.errors import ConnectionLost
from jackfield.plugin.http import Response
from jackfield.plugin.transport import Endpoint

__all__ = ["connect"]

# How trio-websocket's close reason begins where a message was larger than we accept.
TOO_LARGE = "Exceeded maximum message size: "
# While these queues are full trio-websocket stops reading and so answers no ping; the session empties
# them without waiting for anybody, so they only smooth the scheduler's turns. One place is one read.
QUEUE = 8
READ_BYTES = 128 * 1024


class _WatchedStream(trio.abc.Stream):
    """The stream that trio-websocket reads: without the messages that were cut out, and watched.

    It says when it has ended and when it last brought anything, for trio-websocket waits for its handshake
    without noticing that the server has closed the connection.
    """

    def __init__(self, stream: trio.abc.Stream, now: Callable[[], datetime]) -> None:
        self._stream = stream
        self._splitter = FrameSplitter()
        self.cut: deque[list[bytes] | None] = deque()
        """For each message that trio-websocket has or will have: what it stands for, ``None`` where it is its own."""
        self.batches, self.received = trio.open_memory_channel[list[bytes]](QUEUE)
        """The messages of each read, in order."""
        self.wanted = True
        """Whether anybody will read what comes."""
        self.ended = trio.Event()
        self.activity = Activity(now)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        try:
            while True:
                if self._splitter.paused:
                    await trio.lowlevel.checkpoint()
                    data: bytes | bytearray = b""
                elif data := await self._stream.receive_some(READ_BYTES):
                    self.activity.note()
                else:
                    break
                left, cut = self._splitter.feed(data)
                if left == STAND_IN and cut[0] and not self.cut:
                    # Nothing but messages, and none that waits before them: nobody else has to see that they are there.
                    await self.put(cut[0])
                    continue
                if self.wanted:
                    self.cut += cut
                if left:
                    return left
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise
        self.ended.set()
        return b""

    async def put(self, batch: list[bytes]) -> None:
        """Hand on messages, unless nobody wants any more."""
        try:
            if self.wanted:
                await self.batches.send(batch)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.wanted = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        self.ended.set()
        await self._stream.aclose()


@attrs.frozen
class Connection:
    """A connection that is up."""

    can_wait: ClassVar = False
    _websocket: trio_websocket.WebSocketConnection
    _stream: _WatchedStream

    async def receive(self) -> list[bytes]:
        """The messages of one read, at least one; `ConnectionLost` once the connection is down and all are read."""
        try:
            return await self._stream.received.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            await self._pass_on()  # which is at its end too, and says why
            raise

    async def pass_on(self) -> None:
        """Give what is not cut out its place among the rest, until the connection is down."""
        with self._stream.batches, suppress(ConnectionLost):
            await self._pass_on()

    async def _pass_on(self) -> None:
        stream = self._stream
        while True:
            try:
                message = await self._websocket.get_message()
            except trio_websocket.ConnectionClosed as closed:
                raise _lost(closed) from None
            cut = stream.cut.popleft() if stream.cut else None
            await stream.put(cut or [message.encode() if isinstance(message, str) else message])

    async def send(self, frame: str | bytes) -> None:
        """Send one message, of text or of bytes."""
        try:
            await self._websocket.send_message(frame)
        except trio_websocket.ConnectionClosed as closed:
            raise _lost(closed) from None

    async def ping(self) -> None:
        """Send a ping and wait for its pong, for as long as that takes."""
        try:
            await self._websocket.ping()
        except trio_websocket.ConnectionClosed as closed:
            raise _lost(closed) from None

    @property
    def activity(self) -> Activity:
        """When the last byte came, of a pong too."""
        return self._stream.activity

    async def close(self) -> None:
        """Start the close handshake, wait briefly for the answer, and close."""
        self._stream.wanted = False
        self._stream.received.close()
        try:
            with trio.move_on_after(CLOSE_SECONDS):
                await self._websocket.aclose()
        finally:
            await trio.aclose_forcefully(self._stream)


@asynccontextmanager
async def connect(
    endpoint: Endpoint, *, timeout: float, most_bytes: int, opener: Opener, now: Callable[[], datetime]
) -> AsyncGenerator[Connection, None]:
    """A connection to the endpoint, closed gracefully at the end.

    `HandshakeRefused` where the server answers with an HTTP status, `ConnectionLost` for any other
    reason that the connection does not come up in so many seconds. `opener` takes the place of TCP and
    TLS; tests give one that needs no network.
    """
    cause: Exception | None = None
    raised: BaseException | None = None
    done = False
    try:
        async with trio.open_nursery() as nursery:
            connection = await _establish(endpoint, nursery, timeout, most_bytes, opener, now)
            nursery.start_soon(connection.pass_on)
            try:
                yield connection
                done = True
            except BaseException as error:
                raised = error
                raise
            finally:
                await connection.close()
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        # After our close frame nothing else matters; trio-websocket's reader fails at a ping that crosses it.
        if done and group.split(Exception)[1] is None:
            return
        cause = _only_cause(group, raised, endpoint)
        if cause is None:
            raise
    if cause is not None:
        raise cause


async def _establish(
    endpoint: Endpoint,
    nursery: trio.Nursery,
    timeout: float,
    most_bytes: int,
    opener: Opener,
    now: Callable[[], datetime],
) -> Connection:
    stream: _WatchedStream | None = None
    try:
        with within(endpoint.display, timeout):
            stream = _WatchedStream(await opener(endpoint), now)
            return Connection(await _shake_hands(endpoint, stream, nursery, most_bytes), stream)
    except BaseException:
        if stream is not None:
            await trio.aclose_forcefully(stream)
        raise


async def _shake_hands(
    endpoint: Endpoint, stream: _WatchedStream, nursery: trio.Nursery, most_bytes: int
) -> trio_websocket.WebSocketConnection:
    parts = urlsplit(endpoint.url)
    opened: list[trio_websocket.WebSocketConnection] = []
    async with trio.open_nursery() as race:

        async def notice_end() -> None:
            await stream.ended.wait()
            raise ConnectionLost(f"{endpoint.display} closed the connection instead of upgrading it")

        race.start_soon(notice_end)
        websocket = await trio_websocket.wrap_client_stream(
            nursery,
            stream,  # type: ignore[arg-type]  # the annotation asks for a socket, the code for any stream
            parts.netloc.rpartition("@")[2],
            (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            extra_headers=[(name.encode(), value.encode()) for name, value in endpoint.headers],
            message_queue_size=QUEUE,
            max_message_size=most_bytes,
        )
        opened.append(websocket)
        race.cancel_scope.cancel()
    return opened[0]


def _only_cause(group: BaseExceptionGroup[Any], raised: BaseException | None, endpoint: Endpoint) -> Exception | None:
    """The one exception to raise in place of a group; ``None`` where the group must go on as it is.

    Several tasks notice that a connection is down, each in its own way. What the body `raised` for another
    reason is its own; else the answer to a handshake says most, and what we noticed ourselves more than
    whatever comes out of trio-websocket's reader, which lets errors of wsproto and h11 through.
    """
    causes = [leaf for leaf in leaves(group) if not isinstance(leaf, trio.Cancelled)]
    if isinstance(raised, Exception) and not isinstance(raised, ConnectionLost | BaseExceptionGroup):
        return raised
    if not causes or isinstance(raised, BaseExceptionGroup) or not all(isinstance(leaf, Exception) for leaf in causes):
        return None
    for leaf in causes:
        if isinstance(leaf, trio_websocket.ConnectionRejected):
            response = Response(leaf.status_code, with_date(leaf.headers))
            return refused(response, endpoint.display, "no websocket is served there")
    for leaf in causes:
        if isinstance(leaf, ConnectionLost):
            return leaf
    problem = str(_first(causes[0]))
    if problem.startswith(_UNASKED):
        problem = f"it chose the subprotocol {problem[len(_UNASKED) :].strip()!r}, which was not asked for"
    return ConnectionLost(f"{endpoint.display} broke the websocket protocol: {problem}")


def _first(error: BaseException) -> BaseException:
    """What an error began with: trio-websocket answers a server's mistake as if it were one, and fails at that."""
    while error.__context__ is not None:
        error = error.__context__
    return error


_UNASKED = "unrecognized subprotocol"


def _lost(closed: trio_websocket.ConnectionClosed) -> ConnectionLost:
    """How a connection ended."""
    reason = closed.reason
    if reason is None or reason.code == 1006:
        return ConnectionLost("the connection was cut without a close frame")
    if reason.reason and reason.reason.startswith(TOO_LARGE):
        limit = reason.reason.removeprefix(TOO_LARGE)
        text = f"the vendor sent a message of more than {limit}, the feed's max_message_bytes"
        return ConnectionLost(text, code=int(reason.code))
    name = reason.name.lower().replace("_", " ")
    text = f"closed with {reason.code} ({name})" + (f": {reason.reason}" if reason.reason else "")
    return ConnectionLost(text, code=int(reason.code))
