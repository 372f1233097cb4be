"""Connections by TCP or TLS, with the provider's framing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import ClassVar

import attrs
import trio

from jackfield._feed.activity import Activity
from jackfield._feed.dialling import Opener, opened
from jackfield._feed.splitting import FrameReader
from jackfield.errors import ConnectionLost
from jackfield.plugin.transport import ByteStream

__all__ = ["connect"]

READ_BYTES = 128 * 1024


@attrs.frozen
class _Connection:
    can_wait: ClassVar = False
    _endpoint: ByteStream
    _stream: trio.abc.Stream
    _frames: FrameReader
    activity: Activity
    _sending: trio.Lock = attrs.field(factory=trio.Lock)

    async def receive(self) -> list[bytes]:
        return await self._frames.receive(self._read)

    async def _read(self) -> bytes:
        try:
            data = bytes(await self._stream.receive_some(READ_BYTES))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ConnectionLost(f"{self._endpoint.display} cut the connection") from None
        if not data:
            raise ConnectionLost(f"{self._endpoint.display} closed the connection{self._frames.rest}")
        self.activity.note()
        return data

    async def send(self, frame: str | bytes) -> None:
        wrapped = self._frames.wrap(frame.encode() if isinstance(frame, str) else frame)
        try:
            async with self._sending:
                await self._stream.send_all(wrapped)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ConnectionLost(f"{self._endpoint.display} cut the connection") from None

    async def ping(self) -> None:
        if self._endpoint.ping is not None:
            answer = self.activity.next()
            await self.send(self._endpoint.ping)
            await answer.wait()


@asynccontextmanager
async def connect(
    endpoint: ByteStream, *, timeout: float, opener: Opener, now: Callable[[], datetime]
) -> AsyncGenerator[_Connection, None]:
    """A connection to the endpoint; it is up when TCP is, and TLS where the URL says so."""
    async with opened(endpoint, opener, timeout) as stream:
        frames = FrameReader(endpoint.framing, endpoint.display, endpoint.idle_timeout)
        yield _Connection(endpoint, stream, frames, Activity(now))
