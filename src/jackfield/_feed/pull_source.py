"""Connections that a plugin makes itself: what it raises is wrapped, and what it returns is checked."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import ClassVar

import attrs
import trio

from jackfield._feed.activity import Activity
from jackfield._feed.intake import Intake, within_room
from jackfield._loading.guard import provider_code
from jackfield._net.exception_groups import Body, sole_cause, unwrapped
from jackfield._net.os_errors import explain_os_error
from jackfield.errors import ConnectionLost, JackfieldError
from jackfield.plugin.transport import OpenPullSource, PullSource

__all__ = ["connect"]


@contextmanager
def _as_loss(display: str) -> Iterator[None]:
    """`ConnectionLost` for whatever the plugin's code raises."""
    try:
        with provider_code():
            try:
                yield
            except OSError as error:
                raise ConnectionLost(f"{display}: {explain_os_error(error)}") from None
    except ConnectionLost:
        raise
    except JackfieldError as error:
        raise ConnectionLost(str(error)) from None


@attrs.define
class _Connection:
    can_wait: ClassVar = True
    _source: PullSource
    _open: OpenPullSource
    _intake: Intake
    activity: Activity
    _left: list[bytes] = attrs.field(factory=list)
    """What has come and has no room yet."""

    async def receive(self) -> list[bytes]:
        while not self._left:
            with _as_loss(self._source.display):
                self._left = [bytes(frame) for frame in await self._open.receive()]
            self.activity.note()
        count = within_room(self._left, *await self._intake.room())
        frames, self._left = self._left[:count], self._left[count:]
        return frames

    async def send(self, frame: str | bytes) -> None:
        with _as_loss(self._source.display):
            await self._open.send(frame)

    async def ping(self) -> None:
        """The plugin's own client notices a dead peer."""


@asynccontextmanager
async def connect(
    source: PullSource, *, timeout: float, intake: Intake, now: Callable[[], datetime]
) -> AsyncGenerator[_Connection, None]:
    """The plugin's connection; it is up when the plugin's context is entered."""
    body = Body()
    try:
        with trio.move_on_after(timeout) as opening, unwrapped() as body:
            async with source.open() as opened:
                opening.deadline = math.inf
                with body.watched():
                    yield _Connection(source, opened, intake, Activity(now))
    except Exception as error:  # as above, but what our own code raises is not the provider's
        if error is body.raised:
            raise
        with _as_loss(source.display):
            raise (sole_cause(error) if isinstance(error, ExceptionGroup) else error) from None
    if opening.cancelled_caught:
        raise ConnectionLost(f"no answer from {source.display} within {timeout:g} s")
