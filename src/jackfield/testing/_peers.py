"""The vendor's end of a connection over memory, by each transport that a feed can have."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs
import trio

from jackfield.plugin.simulator import CloseConnection
from jackfield.plugin.transport import ByteStream, Endpoint, Framing, HTTPStream, NetworkEndpoint
from jackfield.simulation._listener import ClientGone, Incoming, serve_stream

__all__ = ["Peer", "can_be_played", "serve_peer"]


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


@attrs.define(eq=False)
class _FramedPeer:
    """A stream of bytes with a framing."""

    _stream: trio.abc.Stream
    _framing: Framing
    _frames: deque[bytes] = attrs.field(factory=deque)

    async def receive(self) -> bytes:
        while not self._frames:
            try:
                data = bytes(await self._stream.receive_some())
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            if not data:
                raise ClientGone
            self._frames.extend(self._framing.split(data))
        return self._frames.popleft()

    async def send(self, frame: str | bytes) -> None:
        data = frame.encode() if isinstance(frame, str) else frame
        try:
            await self._stream.send_all(self._framing.wrap(data))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ClientGone from None

    async def close(self, how: CloseConnection) -> None:
        await trio.aclose_forcefully(self._stream)


@attrs.define(eq=False)
class _ResponsePeer(_FramedPeer):
    """An HTTP response that does not end; nothing comes from the client after its request."""

    async def receive(self) -> bytes:
        await trio.sleep_forever()
        raise AssertionError("unreachable")


async def _respond(stream: trio.abc.Stream) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        data = await stream.receive_some()
        if not data:
            raise ClientGone
        head += data
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")


def can_be_played(endpoint: object) -> bool:
    """Whether the kit can play the vendor's end of such a connection."""
    return isinstance(endpoint, Endpoint | ByteStream | HTTPStream)


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
                await talk(_FramedPeer(stream, endpoint.framing()))
            case HTTPStream():
                await _respond(stream)
                await talk(_ResponsePeer(stream, endpoint.framing()))
            case _:
                raise AssertionError(f"the kit cannot play the other end of {type(endpoint).__name__}")
    except (ClientGone, trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    finally:
        await trio.aclose_forcefully(stream)
