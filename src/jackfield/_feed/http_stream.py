"""Connections by HTTP whose one response does not end: server-sent events, lines of JSON."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import ClassVar

import attrs

from jackfield._feed.activity import Activity
from jackfield._feed.dialling import Opener, opened, refused, within
from jackfield._feed.http_requests import HTTPRequests, ReceiveOnly
from jackfield._feed.splitting import FrameReader
from jackfield.errors import ConnectionLost
from jackfield.plugin.transport import HTTPStream

__all__ = ["connect"]


@attrs.frozen
class _Connection(ReceiveOnly):
    can_wait: ClassVar = False
    what: ClassVar = "an HTTP stream"
    _endpoint: HTTPStream
    _http: HTTPRequests
    _frames: FrameReader
    activity: Activity

    async def receive(self) -> list[bytes]:
        return await self._frames.receive(self._read)

    async def _read(self) -> bytes:
        if not (data := await self._http.piece()):
            raise ConnectionLost(f"{self._endpoint.display} ended the stream{self._frames.rest}")
        return data


@asynccontextmanager
async def connect(
    endpoint: HTTPStream, *, timeout: float, opener: Opener, now: Callable[[], datetime]
) -> AsyncGenerator[_Connection, None]:
    """A connection to the endpoint; it is up when the server has answered with a status 2xx."""
    frames = FrameReader(endpoint.framing, endpoint.display, endpoint.idle_timeout)
    async with opened(endpoint, opener, timeout) as stream:
        activity = Activity(now)
        http = HTTPRequests(stream, endpoint.display, activity)
        with within(endpoint.display, timeout):
            response = await http.ask(endpoint.method, endpoint.url, endpoint.headers, endpoint.body)
        if not 200 <= response.status < 300:
            raise refused(response, endpoint.display, "no stream is served there")
        yield _Connection(endpoint, http, frames, activity)
