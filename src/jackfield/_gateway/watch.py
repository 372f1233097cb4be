"""In-process consumers of the state: a snapshot, and then whatever has changed since, however slow its loop is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import date
from types import TracebackType
from typing import Self, get_args

import attrs
import msgspec
import trio

from jackfield._gateway.arguments import expect_each
from jackfield.state import Change, Entity, Ref, Snapshot, Value

__all__ = ["Changes", "Watch", "check_entities"]


def check_entities(entities: Iterable[str]) -> frozenset[str]:
    """What is to be watched, everything where nothing is named; `ValueError` for what there is not."""
    entities, known = tuple(entities), get_args(Entity)
    expect_each("entity", entities, str, f"each as a text, of {', '.join(known)}")
    wanted = frozenset(entities)
    if unknown := wanted - frozenset(known):
        raise ValueError(f"{', '.join(sorted(unknown))}: not one of {', '.join(known)}")
    return wanted or frozenset(known)


class Changes(msgspec.Struct, frozen=True):
    """What has changed since the last ones, or since the snapshot; each thing once, as it stands now."""

    position: int
    """The journal's position of the newest event that is in it."""
    day: date
    """The day that totals are of."""
    changes: tuple[Change, ...]


@attrs.define(eq=False)
class Watch:
    """The state, and then its changes; made by `Gateway.watch`.

    A loop that is slow misses no change and fills no memory: it gets each thing once, as it stands by then.
    """

    entities: Collection[str]
    _attach: Callable[[Watch], None]
    _detach: Callable[[Watch], None]
    _get: Callable[[Ref], Value | None]
    _place: Callable[[], tuple[int, date]]
    _start: Callable[[], Awaitable[Snapshot]]
    _snapshot: Snapshot | None = None
    _touched: dict[Ref, None] = attrs.field(factory=dict)
    _news: trio.Event = attrs.field(factory=trio.Event)
    _closed: bool = False

    @property
    def snapshot(self) -> Snapshot:
        """Everything as it stood when the ``async with`` block began."""
        if self._snapshot is None:
            raise RuntimeError("a watch has a snapshot inside its 'async with' block only")
        return self._snapshot

    def touch(self, refs: Iterable[Ref]) -> None:
        """Note what has changed; called by the gateway."""
        before = len(self._touched)
        for ref in refs:
            if ref[0] in self.entities:
                self._touched[ref] = None
        if len(self._touched) > before:
            self._news.set()

    def close(self) -> None:
        """Get no more changes; those that wait can still be read."""
        if not self._closed:
            self._closed = True
            self._detach(self)
            self._news.set()

    async def take(self) -> Changes | None:
        """What has changed, once something has; ``None`` when the watch is closed and nothing is left."""
        if self._snapshot is None:
            raise RuntimeError("a watch has a snapshot and changes inside its 'async with' block only")
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._touched and not self._closed:
            self._news = trio.Event()
            await self._news.wait()
        return self.take_nowait()

    def take_nowait(self) -> Changes | None:
        """What has changed; ``None`` for nothing."""
        if not self._touched:
            return None
        touched, self._touched = self._touched, {}
        position, day = self._place()
        return Changes(position, day, tuple(Change(*ref, self._get(ref)) for ref in touched))

    async def __aenter__(self) -> Self:
        self._snapshot = await self._start()
        self._attach(self)
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
