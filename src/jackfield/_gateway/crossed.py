"""A listener as programs without trio have it: what is the same on asyncio and in scripts."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Generic, Self

import attrs

from jackfield._gateway.listener import Item
from jackfield._gateway.thread import Batches
from jackfield.reports import Overflow
from jackfield.selectors import Selector

__all__ = ["CrossedListener"]


@attrs.define(eq=False)
class CrossedListener(Generic[Item]):
    """All but the waiting. Events cross in batches; a batch that waits here is beside those in the buffer."""

    selectors: tuple[Selector, ...]
    buffer: int
    overflow: Overflow
    _batches: Batches[Item]
    _events: deque[Item] = attrs.field(factory=deque, init=False)

    @property
    def dropped(self) -> int:
        """Events that were lost because nobody took them in time."""
        return self._batches.dropped

    def take_nowait(self) -> list[Item]:
        """Every event that waits, maybe none; raises `ListenerOverflow` as `take` does."""
        return self._taken() or self._batches.take_nowait()

    def close(self) -> None:
        """Get no more events; those that wait can still be read."""
        self._batches.close()

    def _taken(self) -> list[Item]:
        taken = list(self._events)
        self._events.clear()
        return taken

    def __del__(self) -> None:
        # A loop that was left by ``break`` has no other reference to it.
        self._batches.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
