"""What programs in this process listen to: events at once, events once they are committed, and durably."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from jackfield._gateway.durable import Durables
from jackfield._gateway.durable_listener import DurableListener
from jackfield._gateway.listener import Listener, check_bounds
from jackfield._gateway.listeners import DurableListeners, EventListeners, RecordListeners
from jackfield._journal import Journal
from jackfield._journal.durable import check_durable
from jackfield.config import GatewayConfig
from jackfield.errors import JackfieldError
from jackfield.events import Event, Record
from jackfield.reports import DurableOwnerless, ListenerState, Overflow, Report
from jackfield.selectors import Selector

__all__ = ["Listening"]


@attrs.define(eq=False)
class Listening:
    """The listeners of a gateway."""

    _journal: Journal
    _report: Callable[[Report], None]
    _select: Callable[[Iterable[Selector]], None]
    """Let the feeds subscribe to what these need; counted, so that each call needs its `_deselect`."""
    _deselect: Callable[[Iterable[Selector]], None]
    durables: Durables = attrs.field(init=False)
    _events: EventListeners = attrs.field(init=False)
    _committed: RecordListeners = attrs.field(init=False)
    _durable: DurableListeners = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.durables = Durables(self._journal.durable, self._select, self._deselect)
        self._events = EventListeners(self._report, self._deselect)
        self._committed = RecordListeners(self._report, self._deselect)
        self._durable = DurableListeners(self._report, self._deselect)

    def begin(self, config: GatewayConfig) -> None:
        """Let the feeds subscribe to what durable subscriptions of earlier runs need."""
        self.durables.begin(config)
        if names := tuple(name for name, each in self.durables.states().items() if not each.owned):
            self._report(DurableOwnerless(names))

    def __bool__(self) -> bool:
        """Whether there is any."""
        return any((self._events, self._committed, self._durable))

    def put(self, events: Sequence[Event]) -> None:
        """Give events to those that want them at once; never waits."""
        self._events.put(events)

    def open(
        self, selectors: tuple[Selector, ...], buffer: int, overflow: Overflow, committed: bool, durable: str | None
    ) -> Listener[Event] | Listener[Record]:
        """A listener to events at once, to committed ones, or a durable one; the feeds subscribe to what it needs."""
        listener: Listener[Event] | Listener[Record]
        if durable is not None:
            listener = self._durable_listener(selectors, buffer, overflow, durable)
        elif committed:
            self._follow(self._committed.put)
            listener = self._committed.add(selectors, buffer, overflow)
        else:
            listener = self._events.add(selectors, buffer, overflow)
        self._select(selectors)
        return listener

    def _durable_listener(
        self, selectors: tuple[Selector, ...], buffer: int, overflow: Overflow, name: str
    ) -> DurableListener:
        check_durable(name)
        check_bounds(buffer, overflow)
        if self._durable.named(name) is not None:
            raise JackfieldError(f"durable: somebody listens as {name!r} already; close that listener first")
        place = self.durables.open(name, selectors, self._journal.end)
        self._follow(self._durable.put)
        listener = DurableListener(
            selectors, buffer, self._report, self._durable.detach, durable=name, journal=self._journal, place=place
        )
        self._durable.keep(listener)
        return listener

    def _follow(self, put: Callable[[list[Record]], None]) -> None:
        if put not in self._journal.committed:
            self._journal.committed.append(put)

    def states(self) -> Iterator[ListenerState]:
        """How each stands."""
        for each in (self._events, self._committed, self._durable):
            yield from each.states()

    def close(self) -> None:
        """Close those that get nothing more."""
        self._events.close()

    def finish(self) -> None:
        """Close the others, once everything is committed."""
        self._committed.close()
        self._durable.close()
