"""In-process consumers: a bounded buffer of events between the gateway and one `async for`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

import attrs
import trio

from jackfield.events import Event
from jackfield.reports import EventsDropped, Report, is_due
from jackfield.selectors import Selector

__all__ = ["Listener"]


@attrs.define(eq=False)
class Listener:
    """The events that some selectors match, from now on; made by `Gateway.listen`.

    Use it with ``with`` and ``async for``. When nobody takes events for so long that the buffer is
    full, the oldest make room, and are counted in `dropped` and reported.
    """

    selectors: tuple[Selector, ...]
    _capacity: int
    _report: Callable[[Report], None]
    _detach: Callable[[Listener], None]
    dropped: int = 0
    """Events that were lost because nobody took them in time."""
    _buffer: deque[Event] = attrs.field(factory=deque)
    _news: trio.Event = attrs.field(factory=trio.Event)
    _closed: bool = False

    def put(self, event: Event) -> None:
        """Take one event, without waiting; called by the gateway."""
        if len(self._buffer) >= self._capacity:
            self._buffer.popleft()
            self.dropped += 1
            if is_due(self.dropped):
                where = "listener " + ", ".join(map(str, self.selectors))
                self._report(EventsDropped(where, 1, "nobody takes its events", self.dropped))
        self._buffer.append(event)
        self._news.set()

    def close(self) -> None:
        """Take no more events; those in the buffer can still be read."""
        if not self._closed:
            self._closed = True
            self._detach(self)
            self._news.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._buffer:
            if self._closed:
                raise StopAsyncIteration
            self._news = trio.Event()
            await self._news.wait()
        await trio.lowlevel.checkpoint_if_cancelled()
        return self._buffer.popleft()
