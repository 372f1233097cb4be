"""A websocket server on trio for simulators; beside the transport, the only user of trio_websocket.

Requests that are no handshake are answered on the same port.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import attrs
import msgspec
import trio
import trio_websocket
from wsproto.utilities import ProtocolError

from jackfield._net.http_connection import HTTPConnection
from jackfield._net.http_server import HTTPServer, Limits, Respond, whole
from jackfield.plugin.http import Request, Response
from jackfield.plugin.simulator import CloseConnection, Refusal

__all__ = ["ClientGone", "Handler", "Incoming", "WebSocketConnection", "nothing_here", "serve_stream"]

HANDSHAKE_SECONDS = 10.0
CLOSE_SECONDS = 3.0
# A client that debugs may take its time.
REQUEST_SECONDS = 60.0
LIMITS = Limits(idle=REQUEST_SECONDS, head=REQUEST_SECONDS)
MOST_BODY = 2**20
# A server's pong begins with this byte, and trio-websocket sends each frame by itself.
PONG = b"\x8a"


class ClientGone(Exception):
    """The client has closed the connection, or it broke."""


def _always() -> bool:
    return True


class _Watched(trio.abc.Stream):
    """A stream of which something was read already; knows when it last brought anything, and can hold pongs back."""

    def __init__(self, read: bytes, stream: trio.abc.Stream) -> None:
        self._read = read
        self._stream = stream
        self.answers_pings = _always
        self.last_received = trio.current_time()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._read:
            await trio.lowlevel.checkpoint()
            read, self._read = self._read, b""
            return read
        data = await self._stream.receive_some(max_bytes)
        self.last_received = trio.current_time()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if data[:1] != PONG or self.answers_pings():
            await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


@attrs.frozen
class WebSocketConnection:
    """An accepted connection."""

    _websocket: trio_websocket.WebSocketConnection
    _stream: _Watched

    def silence(self) -> float:
        """Seconds since the client's last byte, of a frame or a pong."""
        return trio.current_time() - self._stream.last_received

    async def receive(self) -> str | bytes:
        """The next frame; `ClientGone` where there will be none."""
        try:
            return await self._websocket.get_message()
        except trio_websocket.ConnectionClosed:
            raise ClientGone from None

    async def send(self, frame: str | bytes) -> None:
        """Send one frame, of text or of bytes."""
        try:
            await self._websocket.send_message(frame)
        except trio_websocket.ConnectionClosed:
            raise ClientGone from None

    async def ping(self) -> None:
        """Send a ping and wait for its pong, for as long as that takes."""
        try:
            await self._websocket.ping()
        except trio_websocket.ConnectionClosed:
            raise ClientGone from None

    async def close(self, how: CloseConnection) -> None:
        """Close gracefully with a code, or cut the connection."""
        if how.code is None:
            await trio.aclose_forcefully(self._stream)
        else:
            with trio.move_on_after(CLOSE_SECONDS):
                await self._websocket.aclose(how.code, how.reason or None)


@attrs.frozen
class Incoming:
    """A handshake that a client presents."""

    target: str
    """Path and query, as the client wrote them."""
    headers: Mapping[str, str]
    """Names in lower case."""
    _request: trio_websocket.WebSocketRequest
    _stream: _Watched

    async def accept(self, answers_pings: Callable[[], bool] | None = None) -> WebSocketConnection:
        """Upgrade the connection; the client's pings are answered while `answers_pings` says so."""
        self._stream.answers_pings = answers_pings or _always
        return WebSocketConnection(await self._request.accept(), self._stream)

    async def reject(self, refusal: Refusal) -> None:
        """Answer with an HTTP status instead."""
        headers = [(b"content-type", refusal.content_type.encode())]
        headers += [(name.encode(), value.encode()) for name, value in refusal.headers]
        await self._request.reject(refusal.status, extra_headers=headers, body=refusal.body)


Handler = Callable[[Incoming], Awaitable[None]]


async def nothing_here(request: Request) -> Response:
    """What a server without REST answers."""
    body = msgspec.json.encode({"error": f"there is nothing at {request}"})
    return Response(404, {"content-type": "application/json"}, body)


async def serve_stream(handler: Handler, stream: trio.abc.Stream, *, answer: Respond = nothing_here) -> None:
    """Serve one connection; a client that breaks off or breaks the protocol ends it and nothing else."""
    try:
        connection = HTTPConnection(stream)
        handle = whole(answer, seconds=REQUEST_SECONDS, most=MOST_BODY)
        head = await HTTPServer(handle, LIMITS, upgrades="websocket").serve(connection)
        if head is None:
            return
        watched = _Watched(connection.unread, stream)
        async with trio.open_nursery() as nursery:
            incoming: Incoming | None = None
            with trio.move_on_after(HANDSHAKE_SECONDS):
                incoming = Incoming(
                    head.url, _headers(head), await trio_websocket.wrap_server_stream(nursery, watched), watched
                )
            if incoming is not None:
                await handler(incoming)
            nursery.cancel_scope.cancel()
    except* (
        ClientGone,
        ProtocolError,
        trio.BrokenResourceError,
        trio.ClosedResourceError,
        trio_websocket.ConnectionClosed,
        trio_websocket.HandshakeError,
    ):
        pass
    finally:
        await trio.aclose_forcefully(stream)


def _headers(head: Request) -> dict[str, str]:
    """All headers; trio-websocket's own list of them leaves out Host."""
    return {name.lower(): value for name, value in head.headers}
