"""Frames out of a stream of bytes, by a provider's framing: what was complete before a fault is handed over first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from jackfield._loading.guard import provider_code
from jackfield.errors import ConnectionLost, FrameError, JackfieldError
from jackfield.plugin.transport import Framing

__all__ = ["FrameReader"]


class FrameReader:
    """The frames of one connection."""

    def __init__(self, framing: Callable[[], Framing], display: str, idle_timeout: float | None) -> None:
        self._display = display
        self._idle_seconds = float("inf") if idle_timeout is None else idle_timeout
        self._fault: ConnectionLost | None = None
        try:
            with provider_code():
                self._framing = framing()
        except JackfieldError as error:
            raise ConnectionLost(str(error)) from None

    @property
    def rest(self) -> str:
        """An addition to the reason of an end: what is lost with it."""
        return f" in the middle of a frame ({held} bytes of it had come)" if (held := self._framing.held) else ""

    async def receive(self, read: Callable[[], Awaitable[bytes]]) -> list[bytes]:
        """The next frames, at least one, out of as many reads as that needs."""
        while self._fault is None:
            with trio.move_on_after(self._idle_seconds) as idle:
                data = await read()
            if idle.cancelled_caught:
                raise ConnectionLost(f"{self._display} was silent for {self._idle_seconds:g} s, longer than it ever is")
            if frames := self._split(data):
                return frames
        await trio.lowlevel.checkpoint()
        raise self._fault

    def _split(self, data: bytes) -> list[bytes]:
        frames: list[bytes] = []
        try:
            with provider_code():
                for frame in self._framing.split(data):
                    frames += [frame]  # what came before a fault is kept
        except FrameError as error:
            self._fault = ConnectionLost(f"{self._display} sent what is not a frame: {error.problem}")
        except JackfieldError as error:
            self._fault = ConnectionLost(str(error))
        return frames

    def wrap(self, frame: bytes) -> bytes:
        """A frame of ours as it goes out."""
        try:
            with provider_code():
                return self._framing.wrap(frame)
        except JackfieldError as error:
            raise ConnectionLost(str(error)) from None
