"""The state and its changes as an asyncio program sees them; see `jackfield.aio`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

import attrs

from jackfield._gateway.thread import Crossing
from jackfield._gateway.watch import Changes
from jackfield.state import Snapshot

__all__ = ["Watch", "outcome_of"]

T = TypeVar("T")


async def outcome_of(future: Future[T]) -> T:
    """What comes of work on the gateway's thread."""
    return await asyncio.wrap_future(future)


@attrs.define(eq=False)
class Watch:
    """The state, and then its changes; made by `Gateway.watch`. As `jackfield.Watch`."""

    entities: frozenset[str]
    _open: Callable[[], Future[Crossing]]
    _crossing: Crossing | None = None

    @property
    def snapshot(self) -> Snapshot:
        """Everything as it stood when the ``async with`` block began."""
        return self._entered.snapshot

    @property
    def _entered(self) -> Crossing:
        if self._crossing is None:
            raise RuntimeError("a watch has a snapshot and changes inside its 'async with' block only")
        return self._crossing

    async def take(self) -> Changes | None:
        """What has changed, once something has; ``None`` when the watch is closed and nothing is left."""
        changes = await outcome_of(self._entered.ask())
        self._entered.answered()
        return changes

    def close(self) -> None:
        """Get no more changes."""
        self._entered.close()

    async def __aenter__(self) -> Self:
        self._crossing = await outcome_of(self._open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Changes:
        changes = await self.take()
        if changes is None:
            raise StopAsyncIteration
        return changes
