"""A vendor's side of a byte stream: frames by the provider's own framing, both ways."""

from __future__ import annotations

from collections import deque

import trio

from jackfield.plugin.simulator import CloseConnection
from jackfield.plugin.transport import Framing
from jackfield.simulation._listener import ClientGone

__all__ = ["FramedConnection"]

READ_BYTES = 64 * 1024


class FramedConnection:
    """What a websocket connection of a simulator is, for TCP."""

    def __init__(self, stream: trio.abc.Stream, framing: Framing) -> None:
        self._stream = stream
        self._framing = framing
        self._frames: deque[bytes] = deque()

    async def receive(self) -> str | bytes:
        """The next frame, as a text where it is one; `ClientGone` where there will be none."""
        while not self._frames:
            try:
                data = await self._stream.receive_some(READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise ClientGone from None
            if not data:
                raise ClientGone
            self._frames.extend(self._framing.split(bytes(data)))
        frame = self._frames.popleft()
        return frame.decode() if frame.isascii() else frame

    async def send(self, frame: str | bytes) -> None:
        """Send one frame."""
        try:
            await self._stream.send_all(self._framing.wrap(frame.encode() if isinstance(frame, str) else frame))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ClientGone from None

    async def close(self, how: CloseConnection) -> None:
        """Close it; there is no code."""
        await trio.aclose_forcefully(self._stream)
