"""What waits to be sent to one client: in order, some of it not before its time, and never too much."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

import attrs
import trio

__all__ = ["Outbox"]

T = TypeVar("T")


@attrs.define(eq=False)
class Outbox(Generic[T]):
    """A queue that never waits for its reader; what comes when it is full is lost."""

    _lost: Callable[[], None]
    """Called for each that finds it full."""
    _ready: deque[T] = attrs.field(factory=deque, init=False)
    _later: list[tuple[float, int, int, T]] = attrs.field(factory=list, init=False)
    _numbers: count[int] = attrs.field(factory=count, init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)

    def __len__(self) -> int:
        return len(self._ready) + len(self._later)

    def put(self, item: T, most: int, delay: float = 0.0) -> None:
        """Have something sent after so many seconds, unless `most` others will be waiting that could go at once."""
        if self._later:
            self._ripen()
        if delay > 0:
            heappush(self._later, (trio.current_time() + delay, next(self._numbers), most, item))
        else:
            self._queue(item, most)
        self._changed.set()

    def put_first(self, item: T) -> None:
        """Have something sent before everything else."""
        self._ready.appendleft(item)
        self._changed.set()

    async def take(self) -> T:
        """The next thing to send, when there is one."""
        while True:
            if self._later:
                self._ripen()
            if self._ready:
                return self._ready.popleft()
            self._changed = trio.Event()
            with trio.move_on_at(self._later[0][0] if self._later else float("inf")):
                await self._changed.wait()

    def _ripen(self) -> None:
        now = trio.current_time()
        while self._later and self._later[0][0] <= now:
            *_, most, item = heappop(self._later)
            self._queue(item, most)

    def _queue(self, item: T, most: int) -> None:
        if len(self._ready) < most:
            self._ready.append(item)
        else:
            self._lost()
