"""HTTP/1.1 on a trio stream, by h11: requests in, answers or streams out; every wait has a limit.

What a client can do to it is end its own connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import attrs
import h11
import trio

__all__ = ["Request", "Respond", "Response", "Send", "serve"]

REQUEST_SECONDS = 15.0
"""In which a request must have come, and after which an idle connection is closed."""
SEND_SECONDS = 30.0
"""In which a client must take what is sent."""
MOST_HEADER = 16_384
MOST_BODY = 4096

Send = Callable[[bytes], Awaitable[None]]
"""Sends a part of a streamed answer; waits until the client takes it."""


@attrs.frozen
class Request:
    """What a client asks for."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen
class Response:
    """What it gets."""

    status: int
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    stream: Callable[[Send], Awaitable[None]] | None = None
    """Sends the body piece by piece, in place of `body`; cancelled when the client goes."""


Respond = Callable[[Request], Awaitable[Response]]


async def serve(stream: trio.abc.Stream, respond: Respond) -> None:
    """Answer the requests of one connection until it ends."""
    try:
        with trio.move_on_after(REQUEST_SECONDS) as patience:
            if isinstance(stream, trio.SSLStream):
                await stream.do_handshake()
            await _converse(_Client(stream, patience), respond)
    except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
        pass  # whoever was there is gone, or speaks no HTTP
    finally:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)


@attrs.define(eq=False)
class _Client:
    _stream: trio.abc.Stream
    patience: trio.CancelScope
    """Ends the connection at its deadline."""
    _http: h11.Connection = attrs.field(
        factory=lambda: h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEADER)
    )

    def allow(self, seconds: float) -> None:
        self.patience.deadline = trio.current_time() + seconds

    async def event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(bytes(await self._stream.receive_some()))
        assert not isinstance(event, type) or event is h11.PAUSED
        return event

    async def send(self, event: h11.Event) -> None:
        self.allow(SEND_SECONDS)
        if data := self._http.send(event):
            await self._stream.send_all(data)

    async def gone(self) -> None:
        """Wait until the client hangs up, or sends what it should not yet."""
        await self._stream.receive_some()

    def next_cycle(self) -> bool:
        """Make ready for another request; whether there can be one."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    @property
    def can_answer(self) -> bool:
        return self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE)


async def _converse(client: _Client, respond: Respond) -> None:
    while True:
        client.allow(REQUEST_SECONDS)
        try:
            request = await _request(client)
        except h11.RemoteProtocolError as error:
            if client.can_answer:
                await _answer(client, Response(error.error_status_hint, body=b"no HTTP that is understood here\n"))
            return
        if request is None:
            return
        client.patience.deadline = float("inf")
        await _answer(client, await respond(request))
        if not client.next_cycle():
            return


async def _request(client: _Client) -> Request | None:
    """The next one; ``None`` where there will be none."""
    head = await client.event()
    if not isinstance(head, h11.Request):
        return None
    body = b""
    while isinstance(part := await client.event(), h11.Data):
        body += part.data
        if len(body) > MOST_BODY:
            raise h11.RemoteProtocolError("the body is too long", error_status_hint=413)
    headers = {bytes(name).decode("ascii"): bytes(value).decode("latin-1") for name, value in head.headers}
    # Two slashes in front would be read as a host.
    target = urlsplit(bytes(head.target).decode("ascii").replace("//", "/"))
    query = dict(parse_qsl(target.query, keep_blank_values=True))
    return Request(bytes(head.method).decode("ascii"), target.path, query, headers, body)


async def _answer(client: _Client, response: Response) -> None:
    headers = [("content-type", response.content_type), *response.headers]
    if response.stream is None:
        headers.append(("content-length", str(len(response.body))))
    reason = HTTPStatus(response.status).phrase.encode()
    await client.send(h11.Response(status_code=response.status, headers=headers, reason=reason))
    if response.stream is None:
        await client.send(h11.Data(data=response.body))
    else:
        await _stream(client, response.stream)
    await client.send(h11.EndOfMessage())


async def _stream(client: _Client, stream: Callable[[Send], Awaitable[None]]) -> None:
    async def send(data: bytes) -> None:
        await client.send(h11.Data(data=data))
        client.patience.deadline = float("inf")

    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            await client.gone()
            nursery.cancel_scope.cancel()

        nursery.start_soon(watch)
        client.patience.deadline = float("inf")
        await stream(send)
        nursery.cancel_scope.cancel()
