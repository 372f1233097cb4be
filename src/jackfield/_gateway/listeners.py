"""The listeners of a gateway: those that somebody still refers to, and which events each gets."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Generic

import attrs
import trio

from jackfield._gateway.durable_listener import DurableListener
from jackfield._gateway.listener import Item, Listener
from jackfield._routing.index import SelectorIndex
from jackfield.events import Event, Record
from jackfield.reports import ListenerState, Overflow, Report
from jackfield.selectors import Selector

__all__ = ["DurableListeners", "EventListeners", "RecordListeners"]


@attrs.define(eq=False)
class Listeners(Generic[Item]):
    """Open listeners by their selectors."""

    _report: Callable[[Report], None]
    _deselect: Callable[[Iterable[Selector]], None]
    """Called with the selectors of a listener that is closed."""
    _index: SelectorIndex[weakref.ref[Listener[Item]]] = attrs.field(factory=SelectorIndex)
    _selectors: dict[weakref.ref[Listener[Item]], tuple[Selector, ...]] = attrs.field(factory=dict)
    """Those that somebody still has: a program that lets go of one without closing it loses nothing but that."""

    def __bool__(self) -> bool:
        return bool(self._selectors)

    def __iter__(self) -> Iterator[Listener[Item]]:
        return (listener for reference in list(self._selectors) if (listener := reference()) is not None)

    def states(self) -> Iterator[ListenerState]:
        """How each stands."""
        return (each._state() for each in self)

    def add(self, selectors: tuple[Selector, ...], buffer: int, overflow: Overflow) -> Listener[Item]:
        """A new listener; `ValueError` for a buffer or a policy that does not exist."""
        listener: Listener[Item] = Listener(selectors, buffer, self._report, self.detach, overflow)
        self.keep(listener)
        return listener

    def keep(self, listener: Listener[Item]) -> None:
        """Give events to a listener, as long as somebody refers to it."""
        reference = weakref.ref(listener, partial(self._abandoned, trio.lowlevel.current_trio_token()))
        for selector in listener.selectors:
            self._index.add(selector, reference)
        self._selectors[reference] = listener.selectors

    def close(self) -> None:
        """Close all."""
        for listener in self:
            listener.close()

    def detach(self, listener: Listener[Item]) -> None:
        """Give it nothing more."""
        self._forget(weakref.ref(listener))

    def _abandoned(self, token: trio.lowlevel.TrioToken, reference: weakref.ref[Listener[Item]]) -> None:
        """Close a listener that nothing refers to any more; on whatever thread its last reference went."""
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(self._forget, reference)

    def _forget(self, reference: weakref.ref[Listener[Item]]) -> None:
        if (selectors := self._selectors.pop(reference, None)) is not None:
            for selector in selectors:
                self._index.remove(selector, reference)
            self._deselect(selectors)

    def _chosen(self, items: Sequence[Item], events: Iterable[Event]) -> Iterator[tuple[Listener[Item], list[Item]]]:
        """For each listener those of the items whose events it selects, where there are any."""
        match = self._index.match
        chosen: dict[weakref.ref[Listener[Item]], list[Item]] = {}
        for item, event in zip(items, events, strict=True):
            for reference in match(event):
                if (own := chosen.get(reference)) is None:
                    own = chosen[reference] = []
                own.append(item)
        for reference, own in chosen.items():
            if (listener := reference()) is not None:
                yield listener, own


class EventListeners(Listeners[Event]):
    """Those that get events at once, committed or not."""

    def put(self, events: Sequence[Event]) -> None:
        """Give the events to the listeners that select them; never waits."""
        if self._selectors:
            for listener, chosen in self._chosen(events, events):
                listener._put_all(chosen, [len(event.raw) for event in chosen])


class RecordListeners(Listeners[Record]):
    """Those that get events once they are committed, each with its position."""

    def put(self, records: Sequence[Record]) -> None:
        """Give the records to the listeners that select their events; never waits."""
        if self._selectors:
            for listener, chosen in self._chosen(records, [event for _, event in records]):
                listener._put_all(chosen, [len(event.raw) for _, event in chosen])


class DurableListeners(Listeners[Record]):
    """Those that go on behind what their programs have acknowledged; one of each name."""

    def named(self, name: str) -> DurableListener | None:
        """The one of that name, if there is one."""
        return next((each for each in self._durable if each.durable == name), None)

    def put(self, records: list[Record]) -> None:
        """Let each have the events of a commit; never waits."""
        for each in self._durable:
            each._follow(records)

    @property
    def _durable(self) -> Iterator[DurableListener]:
        return (each for each in self if isinstance(each, DurableListener))
