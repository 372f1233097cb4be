"""The vendor's end of a connection over memory, by each transport that a feed can have."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import attrs
import trio

from jackfield._net.http_connection import HTTPConnection
from jackfield._net.http_server import HTTPServer, Limits, whole
from jackfield.errors import ConnectionLost
from jackfield.plugin.http import Request, Response
from jackfield.plugin.simulator import CloseConnection
from jackfield.plugin.transport import ByteStream, Endpoint, HTTPStream, LongPoll, NetworkEndpoint, OpenPullSource
from jackfield.simulation._listener import ClientGone, Incoming, serve_stream
from jackfield.testing._framed import FramedConnection

__all__ = ["Peer", "played_source", "serve_peer"]

MOST_BODY = 2**20


class Peer(Protocol):
    """A connection as the vendor sees it."""

    async def receive(self) -> str | bytes:
        """The client's next frame; `ClientGone` where there will be none."""
        ...

    async def send(self, frame: str | bytes) -> None:
        """Send one frame."""
        ...

    async def close(self, how: CloseConnection) -> None:
        """End the connection."""
        ...


async def _respond(stream: trio.abc.Stream) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        data = await stream.receive_some()
        if not data:
            raise ClientGone
        head += data
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")


@attrs.define
class _PollPeer:
    """A server that answers each request when the vendor says something, or empty after a while."""

    _stream: trio.abc.Stream
    _seconds: float
    _to_send: trio.MemorySendChannel[bytes] = attrs.field(init=False)
    _waiting: trio.MemoryReceiveChannel[bytes] = attrs.field(init=False)
    _serving: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    def __attrs_post_init__(self) -> None:
        self._to_send, self._waiting = trio.open_memory_channel[bytes](math.inf)

    async def receive(self) -> str | bytes:
        await trio.sleep_forever()
        raise AssertionError("unreachable")

    async def send(self, frame: str | bytes) -> None:
        await self._to_send.send(frame.encode() if isinstance(frame, str) else frame)

    async def close(self, how: CloseConnection) -> None:
        await trio.aclose_forcefully(self._stream)
        self._serving.cancel()

    async def answer(self, request: Request) -> Response:
        with trio.move_on_after(self._seconds):
            return Response(200, body=await self._waiting.receive())
        return Response(204)

    async def serve(self, talk: Callable[[Peer], Awaitable[None]]) -> None:
        limits = Limits(idle=math.inf, head=math.inf)
        server = HTTPServer(whole(self.answer, seconds=math.inf, most=MOST_BODY), limits)
        with self._serving:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(talk, self)
                await server.serve(HTTPConnection(self._stream))
                nursery.cancel_scope.cancel()


class _SourcePeer:
    """The vendor's end of a connection of the plugin's own, such as a broker's; `_PlayedSource` is ours."""

    def __init__(self) -> None:
        self.to_us, self.pulled = trio.open_memory_channel[bytes](math.inf)
        self.to_vendor, self._said = trio.open_memory_channel[str | bytes](math.inf)

    async def receive(self) -> str | bytes:
        try:
            return await self._said.receive()
        except trio.EndOfChannel:
            raise ClientGone from None

    async def send(self, frame: str | bytes) -> None:
        try:
            await self.to_us.send(frame.encode() if isinstance(frame, str) else frame)
        except trio.BrokenResourceError:
            raise ClientGone from None

    async def close(self, how: CloseConnection) -> None:
        await self.to_us.aclose()


@attrs.frozen
class _PlayedSource:
    """Our end of it."""

    _peer: _SourcePeer

    async def receive(self) -> Sequence[bytes]:
        try:
            return [await self._peer.pulled.receive()]
        except trio.EndOfChannel:
            raise ConnectionLost("the source has ended the connection") from None

    async def send(self, frame: str | bytes) -> None:
        await self._peer.to_vendor.send(frame)


@asynccontextmanager
async def played_source(start: Callable[[Peer], object]) -> AsyncGenerator[OpenPullSource, None]:
    """Play the vendor of a source; `start` is called with the vendor's end."""
    peer = _SourcePeer()
    start(peer)
    try:
        await trio.lowlevel.checkpoint()
        yield _PlayedSource(peer)
    finally:
        peer.to_vendor.close()
        peer.pulled.close()


async def serve_peer(
    endpoint: NetworkEndpoint, stream: trio.abc.Stream, talk: Callable[[Peer], Awaitable[None]]
) -> None:
    """Play the vendor on a stream, until either side ends it."""
    if isinstance(endpoint, Endpoint):

        async def accept(incoming: Incoming) -> None:
            await talk(await incoming.accept())

        await serve_stream(accept, stream)
        return
    try:
        match endpoint:
            case ByteStream():
                await talk(FramedConnection(stream, endpoint.framing()))
            case LongPoll():
                await _PollPeer(stream, endpoint.timeout / 2).serve(talk)
            case HTTPStream():
                await _respond(stream)
                await talk(FramedConnection(stream, endpoint.framing()))  # nothing comes from the client, but its end
            case _:
                raise AssertionError(f"the kit cannot play the other end of {type(endpoint).__name__}")
    except* (ClientGone, trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    finally:
        await trio.aclose_forcefully(stream)
