"""In-process consumers: a bounded buffer of events between the gateway and one `async for`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar, get_args

import attrs
import trio

from jackfield._gateway.arguments import expect, expect_each
from jackfield.errors import ListenerOverflow
from jackfield.events import Event, Record
from jackfield.reports import EventsDropped, ListenerState, Overflow, Report
from jackfield.reports._thinning import is_due
from jackfield.selectors import Selector

__all__ = ["Item", "Listener", "check_bounds", "parse_selectors"]

Item = TypeVar("Item", Event, Record)


def check_bounds(buffer: int, overflow: str) -> None:
    """`ValueError` for a buffer that holds nothing, or a policy that does not exist; `TypeError` for no number."""
    expect("buffer", buffer, int, "a number of events")
    if buffer < 1:
        raise ValueError(f"buffer: must be 1 or more, not {buffer}")
    if overflow not in get_args(Overflow):
        raise ValueError(f"overflow: {overflow!r} is none of {', '.join(map(repr, get_args(Overflow)))}")


def parse_selectors(selectors: Iterable[str | Selector]) -> tuple[Selector, ...]:
    """What a listener is to get; `SelectorError` for a text that does not parse, `ValueError` for none at all.

    `TypeError` for what is neither a text nor a `Selector`.
    """
    selectors = tuple(selectors)
    expect_each("selector", selectors, (str, Selector), 'each as a text such as "contact.*", or as a Selector')
    parsed = tuple(Selector.parse(each) if isinstance(each, str) else each for each in selectors)
    if not parsed:
        raise ValueError('no selector is given, so there is nothing to listen to; say "**" for all events')
    return parsed


# What waits for one listener, in bytes as they came; a message may have some megabytes, and `buffer` counts messages.
BUFFER_BYTES = 64_000_000


@attrs.define(eq=False)
class Listener(Generic[Item]):
    """The events that some selectors match, from now on; made by `Gateway.listen`.

    One that was opened with ``committed=True`` gives each as a `Record`, with its position, once it is committed.

    Use it with ``with`` and ``async for``; one loop at a time. When no loop reads events for so long that the
    buffer is full, of `buffer` events or of 64 MB, `overflow` says what is lost; that is counted in `dropped` and
    reported. One that nothing refers to any more, such as that of a loop ``async for event in gateway.listen(…)`` which
    was left by ``break``, is closed.
    """

    selectors: tuple[Selector, ...]
    buffer: int
    _report: Callable[[Report], None]
    _detach: Callable[[Listener[Item]], None]
    overflow: Overflow = "drop_oldest"
    dropped: int = 0
    """Events that were lost because nobody took them in time."""
    _events: deque[Item] = attrs.field(factory=deque)
    _bytes: int = 0
    """Of what waits."""
    _sizes: deque[int] = attrs.field(factory=deque)
    _news: trio.Event = attrs.field(factory=trio.Event)
    _closed: bool = False
    _overflown: bool = False

    def __attrs_post_init__(self) -> None:
        check_bounds(self.buffer, self.overflow)

    def _put(self, event: Item, size: int = 0) -> None:
        """Buffer one event, without waiting; called by the gateway. `size` is that of its bytes, as they came."""
        if self._closed:
            return
        self._bytes += size
        if (len(self._events) >= self.buffer or self._bytes > BUFFER_BYTES) and not self._make_room(size):
            return
        self._events.append(event)
        self._sizes.append(size)
        self._news.set()

    def _put_all(self, events: Sequence[Item], sizes: Sequence[int]) -> None:
        """Buffer some events: in one step where all have room, and else one by one."""
        size = self._bytes + sum(sizes)
        if self._closed or len(self._events) + len(events) > self.buffer or size > BUFFER_BYTES:
            for event, each in zip(events, sizes, strict=True):
                self._put(event, each)
            return
        self._bytes = size
        self._events.extend(events)
        self._sizes.extend(sizes)
        self._news.set()

    def _make_room(self, size: int) -> bool:
        """Let events go until there is room for one more; whether that one may stay."""
        while len(self._events) >= self.buffer or (self._events and self._bytes > BUFFER_BYTES):
            self._lose(1, "nobody reads its events")
            if self.overflow == "error":
                self._overflown = True
                self.close()
            if self.overflow != "drop_oldest":
                self._bytes -= size
                return False
            self._events.popleft()
            self._bytes -= self._sizes.popleft()
        return True

    def _lose(self, count: int, reason: str) -> None:
        self.dropped += count
        if is_due(self.dropped, count):
            self._report(EventsDropped(str(self), count, reason, self.dropped))

    def _state(self) -> ListenerState:
        """How it stands."""
        return ListenerState(self.selectors, len(self._events), self.buffer, self.overflow, self.dropped)

    def close(self) -> None:
        """Get no more events; those that wait can still be read."""
        if not self._closed:
            self._closed = True
            self._detach(self)
            self._news.set()

    async def take(self) -> list[Item]:
        """Every event that waits, at least one; none when the listener is closed and empty.

        For loops that work in batches. Raises `ListenerOverflow` where ``async for`` would.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._events and not self._closed:
            await self._wait()
        return self.take_nowait()

    async def _wait(self) -> None:
        self._news = trio.Event()
        await self._news.wait()

    def take_nowait(self) -> list[Item]:
        """Every event that waits, maybe none; raises `ListenerOverflow` as `take` does."""
        taken = list(self._events)
        self._events.clear()
        self._sizes.clear()
        self._bytes = 0
        if not taken:
            self._check_whole()
        return taken

    def __str__(self) -> str:
        return "listener " + ", ".join(map(str, self.selectors))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._events:
            if self._closed:
                self._check_whole()
                raise StopAsyncIteration
            await self._wait()
        await trio.lowlevel.checkpoint_if_cancelled()
        self._bytes -= self._sizes.popleft()
        return self._events.popleft()

    def _check_whole(self) -> None:
        if self._overflown:
            bounds = f"{self.buffer} events or {BUFFER_BYTES / 1e6:g} MB"
            raise ListenerOverflow(f"{self}: {bounds} waited, and there was no room for the next")
