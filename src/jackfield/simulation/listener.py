"""A websocket server on trio for simulators; beside the transport, the only user of trio_websocket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import attrs
import trio
import trio_websocket
from wsproto.utilities import ProtocolError

from jackfield.simulators import HangUp, Refusal

__all__ = ["ClientGone", "Handler", "Incoming", "Line", "serve_stream"]

HANDSHAKE_SECONDS = 10.0
CLOSE_SECONDS = 3.0


class ClientGone(Exception):
    """The client has closed the line, or it broke."""


@attrs.frozen
class Line:
    """An accepted connection."""

    _websocket: trio_websocket.WebSocketConnection
    _stream: trio.abc.Stream

    async def receive(self) -> str | bytes:
        """The next frame; `ClientGone` where there will be none."""
        try:
            return await self._websocket.get_message()
        except trio_websocket.ConnectionClosed:
            raise ClientGone from None

    async def send(self, text: str) -> None:
        """Send one text frame."""
        try:
            await self._websocket.send_message(text)
        except trio_websocket.ConnectionClosed:
            raise ClientGone from None

    async def ping(self) -> None:
        """Send a ping and wait for its pong, for as long as that takes."""
        try:
            await self._websocket.ping()
        except trio_websocket.ConnectionClosed:
            raise ClientGone from None

    async def hang_up(self, how: HangUp) -> None:
        """Close in good manners with a code, or just cut the line."""
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
    _stream: trio.abc.Stream

    async def accept(self) -> Line:
        """Upgrade the connection."""
        return Line(await self._request.accept(), self._stream)

    async def reject(self, refusal: Refusal) -> None:
        """Answer with an HTTP status instead."""
        headers = [(b"content-type", refusal.content_type.encode())]
        await self._request.reject(refusal.status, extra_headers=headers, body=refusal.body)


Handler = Callable[[Incoming], Awaitable[None]]


async def serve_stream(handler: Handler, stream: trio.abc.Stream) -> None:
    """Serve one connection; a client that breaks off or breaks the protocol ends it and nothing else."""
    try:
        async with trio.open_nursery() as nursery:
            incoming: Incoming | None = None
            with trio.move_on_after(HANDSHAKE_SECONDS):
                incoming = _incoming(await trio_websocket.wrap_server_stream(nursery, stream), stream)
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


def _incoming(request: trio_websocket.WebSocketRequest, stream: trio.abc.Stream) -> Incoming:
    headers = {bytes(name).decode("latin-1").lower(): bytes(value).decode("latin-1") for name, value in request.headers}
    return Incoming(request.path, headers, request, stream)
