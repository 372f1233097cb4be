"""A socket between the parent and a worker, by which each says messages without ever waiting for the other."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import AsyncGenerator

import attrs
import trio

from jackfield._cli.workers.messages import Frames, Message, encode

__all__ = ["Channel", "ChannelFull"]

READ_BYTES = 256 * 2**10
MOST_BYTES = 128 * 2**20
"""So much may wait for the other side to read it."""


class ChannelFull(Exception):
    """The other side does not read what waits for it."""


@attrs.define(eq=False)
class Channel:
    """One end; whole messages go out in their order, whatever is cancelled meanwhile."""

    _stream: trio.SocketStream
    _waiting: deque[bytes] = attrs.field(factory=deque)
    _bytes: int = 0
    _changed: trio.Event = attrs.field(factory=trio.Event)
    _closing: bool = False

    @classmethod
    def of(cls, end: socket.socket) -> Channel:
        """That on one of two connected sockets."""
        end.settimeout(0)
        return cls(trio.SocketStream(trio.socket.from_stdlib_socket(end)))

    def say(self, message: Message) -> None:
        """Let a message go out; `ChannelFull` where too much waits already."""
        data = encode(message)
        if self._bytes and self._bytes + len(data) > MOST_BYTES:
            raise ChannelFull
        self._waiting.append(data)
        self._bytes += len(data)
        self._changed.set()

    def finish(self) -> None:
        """Let `run` end once all that was said has gone out."""
        self._closing = True
        self._changed.set()

    async def run(self) -> None:
        """Send what is said, until `finish`, or the other side has gone."""
        try:
            while True:
                while self._waiting:
                    data = self._waiting.popleft()
                    await self._stream.send_all(data)
                    self._bytes -= len(data)
                if self._closing:
                    return
                self._changed = trio.Event()
                await self._changed.wait()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # the reader finds the same

    async def messages(self) -> AsyncGenerator[Message, None]:
        """What the other side says, until it has gone."""
        frames = Frames()
        while True:
            try:
                data = bytes(await self._stream.receive_some(READ_BYTES))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if not data:
                return
            for message in frames.feed(data):
                yield message

    async def aclose(self) -> None:
        """Close it, which the other side notices."""
        await trio.aclose_forcefully(self._stream)
