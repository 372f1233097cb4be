"""The vendor's end of a connection over memory, by each transport that a feed can have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import trio

from jackfield.plugin.simulator import CloseConnection
from jackfield.plugin.transport import ByteStream, Endpoint, HTTPStream, NetworkEndpoint
from jackfield.simulation._listener import ClientGone, Incoming, serve_stream
from jackfield.testing._framed import FramedConnection

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


class _ResponsePeer(FramedConnection):
    """An HTTP response that does not end; nothing comes from the client after its request."""

    async def receive(self) -> str | bytes:
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
                await talk(FramedConnection(stream, endpoint.framing()))
            case HTTPStream():
                await _respond(stream)
                await talk(_ResponsePeer(stream, endpoint.framing()))
            case _:
                raise AssertionError(f"the kit cannot play the other end of {type(endpoint).__name__}")
    except (ClientGone, trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    finally:
        await trio.aclose_forcefully(stream)
