"""One client's HTTP/1.1 connection to us: h11 driven over a stream, every read of bounded size.

Nothing here waits for ever by itself, but whoever calls it says for how long.
"""

from __future__ import annotations

from email.utils import formatdate

import attrs
import h11
import trio

from jackfield.errors import WebhookRefused
from jackfield.rest import Request, Response

__all__ = ["Line"]

# The request line and all headers; VoIPBIN's have some 300 bytes.
MOST_HEAD = 16 * 2**10
READ_BYTES = 64 * 2**10
# Who is turned down in the middle of sending gets to read why, if it stops soon.
LINGER_SECONDS, LINGER_BYTES = 1.0, 2**20


def _connection() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)


@attrs.define
class Line:
    """A connection on which one request follows another.

    What the client does wrong is a `WebhookRefused` with the status to answer; where it has gone, the stream's
    own errors say so.
    """

    stream: trio.abc.Stream
    _connection: h11.Connection = attrs.field(factory=_connection)
    _method: str = ""

    @property
    def begun(self) -> bool:
        """Whether the next request has begun to come."""
        return bool(self._connection.trailing_data[0]) or self._connection.trailing_data[1]

    async def receive(self) -> None:
        """Wait until something has come, or the client has ended its side."""
        self._connection.receive_data(bytes(await self.stream.receive_some(READ_BYTES)))

    async def head(self) -> Request | None:
        """The next request, without its body; ``None`` where the client has ended."""
        self._method = ""
        event = await self._next()
        if not isinstance(event, h11.Request):
            return None
        self._method = event.method.decode("ascii")
        headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers)
        return Request(self._method, event.target.decode("ascii"), headers)

    async def body(self, head: Request, most: int) -> bytes:
        """The body that follows a head; it is refused as soon as it is known to be larger than that."""
        too_large = WebhookRefused(413, f"the body is larger than {most} bytes")
        announced = head.header("content-length")  # which h11 has seen to be a number
        if announced and int(announced) > most:
            raise too_large
        if self._connection.they_are_waiting_for_100_continue:
            await self._send(h11.InformationalResponse(status_code=100, headers=[]))
        body = bytearray()
        while isinstance(event := await self._next(), h11.Data):
            body += event.data
            if len(body) > most:
                raise too_large
        return bytes(body)

    async def answer(self, response: Response, *, last: bool) -> bool:
        """Answer the request; whether another one may follow on this connection."""
        connection = self._connection
        if connection.states[h11.SERVER] not in (h11.IDLE, h11.SEND_RESPONSE):
            return False
        last = last or connection.their_state is not h11.DONE
        headers = [("date", formatdate(usegmt=True)), ("content-length", str(len(response.body)))]
        if response.body:
            headers.append(("content-type", "application/json"))
        if last:
            headers.append(("connection", "close"))
        await self._send(
            h11.Response(status_code=response.status, headers=[*headers, *response.headers.items()]),
            *([] if self._method == "HEAD" else [h11.Data(data=response.body)]),
            h11.EndOfMessage(),
        )
        if last or connection.our_state is not h11.DONE:
            await self._linger()
            return False
        connection.start_next_cycle()
        return True

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
                raise WebhookRefused(status, reason) from None
            if event is not h11.NEED_DATA:
                assert not isinstance(event, type) or event is h11.PAUSED
                return event
            await self.receive()

    async def _send(self, *events: h11.Event) -> None:
        await self.stream.send_all(b"".join(self._connection.send(event) or b"" for event in events))

    async def _linger(self) -> None:
        """Read what the client still sends, for else its system may throw our answer away unread."""
        left = 0 if self._connection.their_state is h11.DONE else LINGER_BYTES
        with trio.move_on_after(LINGER_SECONDS):
            while left > 0 and (data := await self.stream.receive_some(READ_BYTES)):
                left -= len(data)
