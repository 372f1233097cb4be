"""The listeners of a gateway: those that somebody still refers to, and which events each gets."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

import attrs
import trio

from jackfield._gateway.listener import Listener
from jackfield._routing.index import SelectorIndex
from jackfield.events import Event
from jackfield.reports import Overflow, Report
from jackfield.selectors import Selector

__all__ = ["Listeners"]

ListenerRef = weakref.ref[Listener]


@attrs.define(eq=False)
class Listeners:
    """Open listeners by their selectors."""

    _report: Callable[[Report], None]
    _deselect: Callable[[Iterable[Selector]], None]
    """Called with the selectors of a listener that is closed."""
    _index: SelectorIndex[ListenerRef] = attrs.field(factory=SelectorIndex)
    _selectors: dict[ListenerRef, tuple[Selector, ...]] = attrs.field(factory=dict)
    """Those that somebody still has: a program that lets go of one without closing it loses nothing but that."""

    def __iter__(self) -> Iterator[Listener]:
        return (listener for reference in list(self._selectors) if (listener := reference()) is not None)

    def add(self, selectors: tuple[Selector, ...], buffer: int, overflow: Overflow) -> Listener:
        """A new listener; `ValueError` for a buffer or a policy that does not exist."""
        listener = Listener(selectors, buffer, self._report, self._detach, overflow)
        reference = weakref.ref(listener, partial(self._abandoned, trio.lowlevel.current_trio_token()))
        for selector in selectors:
            self._index.add(selector, reference)
        self._selectors[reference] = selectors
        return listener

    def put(self, events: Iterable[Event]) -> None:
        """Give each event to the listeners that select it; never waits."""
        if self._selectors:
            match = self._index.match
            for event in events:
                for reference in match(event):
                    if (listener := reference()) is not None:
                        listener._put(event)

    def close(self) -> None:
        """Close all."""
        for listener in self:
            listener.close()

    def _detach(self, listener: Listener) -> None:
        self._forget(weakref.ref(listener))

    def _abandoned(self, token: trio.lowlevel.TrioToken, reference: ListenerRef) -> None:
        """Close a listener that nothing refers to any more; on whatever thread its last reference went."""
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(self._forget, reference)

    def _forget(self, reference: ListenerRef) -> None:
        if (selectors := self._selectors.pop(reference, None)) is not None:
            for selector in selectors:
                self._index.remove(selector, reference)
            self._deselect(selectors)
