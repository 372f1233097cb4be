"""One client's HTTP/1.1 connection to us: h11 driven over a stream.

Every read is of bounded size. A connection waits for as long as its caller lets it; `http_server` has the limits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.utils import formatdate

import attrs
import h11
import trio

from jackfield.errors import WebhookError
from jackfield.plugin.http import Request, Response

__all__ = ["HTTPConnection", "Send", "Streamed"]

# The request line and all headers; VoIPBIN's have some 300 bytes.
MOST_HEAD = 16 * 2**10
READ_BYTES = 64 * 2**10
# A read may hold ten thousand chunks of a byte, each of which costs as much as a long one: after so many others get
# their turn, and a body that goes on so is refused.
TURN_CHUNKS = 100
MOST_CHUNKS, CHUNK_BYTES = 1000, 64
# Drain briefly, so that a client that is still sending can read the error (RFC 9112, 9.6).
LINGER_SECONDS, LINGER_BYTES = 1.0, 2**20
WITHOUT_BODY = (204, 304)

Send = Callable[[bytes], Awaitable[None]]
"""Sends a part of a streamed answer; waits until the client takes it."""


@attrs.frozen
class Streamed:
    """An answer whose body is sent piece by piece; the connection ends with it."""

    head: Response
    pieces: Callable[[Send], Awaitable[None]]
    """Cancelled when the client goes, or takes nothing for too long."""


def _in_origin_form(head: Request) -> Request:
    """A request whose target is a whole URL, as if its path had been asked for at that host (RFC 9112, 3.2.2)."""
    scheme, found, rest = head.url.partition("://")
    if not found or scheme.lower() not in ("http", "https"):
        return head
    end = next((at for at, each in enumerate(rest) if each in "/?"), len(rest))
    host, path = rest[:end], rest[end:]
    headers = tuple(each for each in head.headers if each[0].lower() != "host")
    return attrs.evolve(head, url=path if path.startswith("/") else f"/{path}", headers=(("host", host), *headers))


def _connection() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)


@attrs.define
class HTTPConnection:
    """A connection on which one request follows another.

    What the client does wrong is a `WebhookError` with the status to answer; where it has gone, the stream's
    own errors say so.
    """

    stream: trio.abc.Stream
    _connection: h11.Connection = attrs.field(factory=_connection)
    _method: str = ""
    unread: bytes = b""
    """Raw bytes read up to the end of the latest head, replayed on Upgrade."""

    @property
    def begun(self) -> bool:
        """Whether the next request has begun to come."""
        return bool(self._connection.trailing_data[0]) or self._connection.trailing_data[1]

    async def receive(self) -> None:
        """Wait until something has come, or the client has ended its side."""
        data = bytes(await self.stream.receive_some(READ_BYTES))
        self._connection.receive_data(data)
        if not self._method:
            self.unread += data

    async def head(self) -> Request | None:
        """The next request, without its body; ``None`` where the client has ended."""
        self._method, self.unread = "", self._connection.trailing_data[0]
        event = await self._next()
        if not isinstance(event, h11.Request):
            return None
        self._method = event.method.decode("ascii")
        headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers)
        return _in_origin_form(Request(self._method, event.target.decode("ascii"), headers))

    async def body(self, head: Request, most: int, hold: Callable[[trio.abc.Stream, int], None] | None = None) -> bytes:
        """The body that follows a head; it is refused as soon as it is known to be larger than that.

        `hold` is called with the size of each part, and may raise `WebhookError` too.
        """
        too_large = WebhookError(413, f"the body is larger than {most} bytes")
        announced = head.header("content-length")  # which h11 has seen to be a number
        if announced and int(announced) > most:
            raise too_large
        if self._connection.they_are_waiting_for_100_continue:
            await self._send(h11.InformationalResponse(status_code=100, headers=[]))
        body = bytearray()
        chunks = 0
        while isinstance(event := await self._next(), h11.Data):
            chunks += 1
            if chunks % TURN_CHUNKS == 0:
                await trio.lowlevel.checkpoint()
            if chunks > MOST_CHUNKS + len(body) // CHUNK_BYTES:
                raise WebhookError(400, f"the body comes in chunks of less than {CHUNK_BYTES} bytes")
            if hold is not None:
                hold(self.stream, len(event.data))
            body += event.data
            if len(body) > most:
                raise too_large
        return bytes(body)

    async def answer(self, response: Response, *, last: bool = False) -> bool:
        """Answer the request; whether another one may follow on this connection."""
        connection = self._connection
        if connection.states[h11.SERVER] not in (h11.IDLE, h11.SEND_RESPONSE):
            return False
        last = last or connection.their_state is not h11.DONE
        body = response.body if self._method != "HEAD" and response.status not in WITHOUT_BODY else b""
        length = {} if response.status in WITHOUT_BODY else {"content-length": str(len(response.body))}
        await self._send(_head(response, length, last=last), h11.Data(data=body), h11.EndOfMessage())
        if last or connection.our_state is not h11.DONE:
            await self._linger()
            return False
        connection.start_next_cycle()
        return True

    async def stream_out(self, answer: Streamed, send_timeout: float) -> None:
        """Send an answer piece by piece until it ends, or the client goes or takes nothing in these seconds."""
        async with trio.open_nursery() as nursery:

            async def send(*events: h11.Event) -> None:
                taken = False
                with trio.move_on_after(send_timeout), suppress(trio.BrokenResourceError):
                    await self._send(*events)
                    taken = True
                if not taken:  # ends all tasks of the answer alike, without an error for each
                    nursery.cancel_scope.cancel()
                    await trio.lowlevel.checkpoint()

            async def watch() -> None:
                with suppress(trio.BrokenResourceError):
                    await self.stream.receive_some(READ_BYTES)
                nursery.cancel_scope.cancel()

            nursery.start_soon(watch)
            await send(_head(answer.head, {}, last=True))
            await answer.pieces(lambda data: send(h11.Data(data=data)))
            await send(h11.EndOfMessage())
            nursery.cancel_scope.cancel()

    async def _next(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError as error:
                # Refusals are counted by reason, so what the client has written is not in it.
                status = error.error_status_hint
                reason = f"the head is larger than {MOST_HEAD} bytes" if status == 431 else "no HTTP/1.1 request"
                if self._connection.trailing_data[1]:
                    reason = "the sender broke off"
                raise WebhookError(status, reason) from None
            if event is not h11.NEED_DATA:
                assert not isinstance(event, type) or event is h11.PAUSED
                return event
            await self.receive()

    async def _send(self, *events: h11.Event) -> None:
        await self.stream.send_all(b"".join(self._connection.send(event) or b"" for event in events))

    async def _linger(self) -> None:
        """Read what the client still sends, for else its system may throw our answer away unread."""
        left = 0 if self._connection.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED) else LINGER_BYTES
        with trio.move_on_after(LINGER_SECONDS):
            while left > 0 and (data := await self.stream.receive_some(READ_BYTES)):
                left -= len(data)


def _head(response: Response, length: dict[str, str], *, last: bool) -> h11.Response:
    headers = {"date": formatdate(usegmt=True)}
    if response.body:
        headers["content-type"] = "application/json"
    if last:
        headers["connection"] = "close"
    headers |= {**response.headers, **length}
    return h11.Response(status_code=response.status, headers=list(headers.items()))
