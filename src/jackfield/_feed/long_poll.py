"""Connections by HTTP requests that the vendor answers when it has something."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import ClassVar

import attrs
import trio

from jackfield._feed.activity import Activity
from jackfield._feed.dialling import Opener, dialled, refused, within
from jackfield._feed.http_requests import HTTPRequests, ReceiveOnly
from jackfield._feed.intake import Intake
from jackfield._loading.guard import provider_code
from jackfield.errors import ConnectionLost, JackfieldError
from jackfield.plugin.http import Request, Response
from jackfield.plugin.transport import LongPoll

__all__ = ["connect"]


@attrs.define
class _Connection(ReceiveOnly):
    can_wait: ClassVar = True
    what: ClassVar = "a long poll"
    _endpoint: LongPoll
    _opener: Opener
    _timeout: float
    _most_bytes: int
    _intake: Intake
    activity: Activity
    _stream: trio.abc.Stream
    _next: Request
    _http: HTTPRequests = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._http = HTTPRequests(self._stream, self._endpoint.display, self.activity)

    async def receive(self) -> list[bytes]:
        while True:
            await self._intake.settled()  # with the next request the vendor may forget what the last answer brought
            response = await self._poll()
            try:
                with provider_code():
                    self._next = self._endpoint.following(response)
            except JackfieldError as error:
                raise ConnectionLost(str(error)) from None
            if response.body:
                return [response.body]

    async def _poll(self) -> Response:
        asked = self._next
        with within(self._endpoint.display, self._endpoint.timeout):
            response = await self._http.ask(asked.method, asked.url, asked.headers, asked.body)
            if not 200 <= response.status < 300:
                raise refused(response, self._endpoint.display, "it answers no polls there")
            body = bytearray()
            while piece := await self._http.piece():
                body += piece
                if len(body) > self._most_bytes:
                    limit = f"{self._most_bytes} bytes, the feed's max_message_bytes"
                    raise ConnectionLost(f"{self._endpoint.display} answered with more than {limit}")
        if not self._http.reusable:
            await self.close()
            self._stream = await dialled(self._endpoint, self._opener, self._timeout)
            self._http = HTTPRequests(self._stream, self._endpoint.display, self.activity)
        return attrs.evolve(response, body=bytes(body))

    async def close(self) -> None:
        await trio.aclose_forcefully(self._stream)


@asynccontextmanager
async def connect(
    endpoint: LongPoll,
    *,
    timeout: float,
    most_bytes: int,
    opener: Opener,
    intake: Intake,
    now: Callable[[], datetime],
) -> AsyncGenerator[_Connection, None]:
    """A connection to the endpoint; it is up when TCP is, for the first answer may take as long as any."""
    stream = await dialled(endpoint, opener, timeout)
    connection = _Connection(endpoint, opener, timeout, most_bytes, intake, Activity(now), stream, endpoint.first)
    try:
        yield connection
    finally:
        await connection.close()
