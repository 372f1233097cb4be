"""Requests over one HTTP/1.1 connection, whose responses are read as they come: for streams and long polls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import urlsplit

import attrs
import h11
import trio

from jackfield._feed.activity import Activity
from jackfield._feed.dialling import with_date
from jackfield.errors import ConnectionLost
from jackfield.plugin.http import Response

__all__ = ["HTTPRequests", "ReceiveOnly"]

READ_BYTES = 128 * 1024
MAX_HEAD_BYTES = 64 * 2**10


class ReceiveOnly:
    """The half of a connection by HTTP that is not there: nothing is sent after the request, a ping neither."""

    what: ClassVar[str]
    """What the connection is, in words."""

    async def send(self, frame: str | bytes) -> None:
        """Say what is right."""
        await trio.lowlevel.checkpoint()
        raise ConnectionLost(f"the protocol used Send, but {self.what} only receives; it must use Request")

    async def ping(self) -> None:
        """Nothing can be asked: a time limit and TCP keep-alive detect a dead peer."""
        await trio.lowlevel.checkpoint()


@attrs.define
class HTTPRequests:
    """The client's side of a connection; one response is read to its end before the next request."""

    _stream: trio.abc.Stream
    _display: str
    _activity: Activity
    _answering: bool = False
    """Whether the head of the response has come."""
    _http: h11.Connection = attrs.Factory(lambda: h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES))

    async def ask(self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes) -> Response:
        """Send a request; the response's status and headers, while its body is still to come."""
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        named = {name.lower() for name, _ in headers}
        head = [("host", parts.netloc.rpartition("@")[2]), *headers]
        head += [] if "accept-encoding" in named else [("accept-encoding", "identity")]
        head += [("content-length", str(len(body)))] if body or method in ("POST", "PUT", "PATCH") else []
        try:
            request = h11.Request(method=method, target=target, headers=head)
            sent = [self._http.send(request), self._http.send(h11.Data(body)) if body else b""]
            sent.append(self._http.send(h11.EndOfMessage()))
        except h11.LocalProtocolError as error:
            raise ConnectionLost(f"the request to {self._display} cannot be sent: {error}") from None
        try:
            self._answering = False
            await self._stream.send_all(b"".join(part or b"" for part in sent))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ConnectionLost(f"{self._display} cut the connection") from None
        while isinstance(event := await self._next(), h11.InformationalResponse):
            pass
        assert isinstance(event, h11.Response), f"{event} came first, which h11 does not do"
        self._answering = True
        return Response(event.status_code, with_date(event.headers))

    async def piece(self) -> bytes:
        """The next bytes of the body, empty at its end."""
        event = await self._next()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    @property
    def reusable(self) -> bool:
        """Make ready for the next request; false where the server closes the connection instead."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def _next(self) -> h11.Event:
        while True:
            try:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    data = bytes(await self._stream.receive_some(READ_BYTES))
                    if data:
                        self._activity.note()
                    self._http.receive_data(data)
                    continue
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise ConnectionLost(f"{self._display} cut the connection") from None
            except h11.RemoteProtocolError as error:
                if self._http.trailing_data[1]:  # it is not what was said, but that it ends there
                    where = "in the middle of a response" if self._answering else "instead of answering"
                    raise ConnectionLost(f"{self._display} closed the connection {where}") from None
                raise ConnectionLost(f"{self._display} broke the HTTP protocol: {error}") from None
            assert not isinstance(event, type), f"{event}: nothing is paused, for no protocol is switched"
            return event
