"""HTTP on a simulator's port: plain requests are answered here, a websocket handshake is handed on unread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import h11
import trio

from jackfield.rest import Request, Response

__all__ = ["Answer", "until_upgrade"]

Answer = Callable[[Request], Awaitable[Response]]

# A line on which no request comes, or not the whole of one, is closed.
REQUEST_SECONDS = 60.0
MOST_BYTES = 16 * 2**20
CHUNK = 2**16
WITHOUT_BODY = (204, 304)


async def until_upgrade(stream: trio.abc.Stream, answer: Answer) -> bytes | None:
    """Answer requests until one is a websocket's handshake: what was read of it; ``None`` where the line ends first."""
    read = b""
    while True:
        exchange = _Exchange(stream)
        exchange.feed(read)
        try:
            request = None
            with trio.move_on_after(REQUEST_SECONDS):
                request = await exchange.request()
            if request is None:
                return None
        except h11.RemoteProtocolError as error:
            await exchange.respond("GET", Response(error.error_status_hint, body=f"{error}\n".encode()))
            return None
        if exchange.upgrades:
            return bytes(exchange.read)
        await exchange.respond(request.method, await answer(request))
        if not exchange.reusable:
            return None
        read = exchange.connection.trailing_data[0]


@attrs.define
class _Exchange:
    stream: trio.abc.Stream
    connection: h11.Connection = attrs.field(factory=lambda: h11.Connection(h11.SERVER), init=False)
    read: bytearray = attrs.field(factory=bytearray, init=False)
    upgrades: bool = attrs.field(default=False, init=False)

    def feed(self, data: bytes | bytearray) -> None:
        if data:
            self.read += data
            self.connection.receive_data(bytes(data))

    async def _next(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        while (event := self.connection.next_event()) is h11.NEED_DATA:
            if self.connection.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                await self.stream.send_all(self.connection.send(go_on) or b"")
            data = await self.stream.receive_some(CHUNK)
            if data:
                self.feed(data)
            else:
                self.connection.receive_data(b"")
        return event

    async def request(self) -> Request | None:
        """The request that comes, with its body if it is not an upgrade."""
        head = await self._next()
        if not isinstance(head, h11.Request):
            return None
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
        request = Request(head.method.decode("latin-1"), head.target.decode("latin-1"), headers)
        self.upgrades = request.header("upgrade").lower() == "websocket"
        if self.upgrades:
            return request
        body = bytearray()
        while isinstance(part := await self._next(), h11.Data):
            body += part.data
            if len(body) > MOST_BYTES:
                raise h11.RemoteProtocolError(f"the body is larger than {MOST_BYTES} bytes", error_status_hint=413)
        return attrs.evolve(request, body=bytes(body))

    async def respond(self, method: str, response: Response) -> None:
        """Send an answer, unless one has been begun."""
        if self.connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        headers = [(name, value) for name, value in response.headers.items() if name != "content-length"]
        if response.status not in WITHOUT_BODY:
            headers.append(("content-length", str(len(response.body))))
        data = self.connection.send(h11.Response(status_code=response.status, headers=headers)) or b""
        if response.body and method != "HEAD" and response.status not in WITHOUT_BODY:
            data += self.connection.send(h11.Data(data=response.body)) or b""
        await self.stream.send_all(data + (self.connection.send(h11.EndOfMessage()) or b""))

    @property
    def reusable(self) -> bool:
        """Whether another request may come on this line."""
        return self.connection.our_state is h11.DONE and self.connection.their_state is h11.DONE
