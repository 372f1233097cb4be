"""The gateway and its listeners as a script sees them; see `jackfield.blocking`."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, overload

import attrs

from jackfield._gateway.crossed import CrossedListener
from jackfield._gateway.gateway import LISTENER_BUFFER
from jackfield._gateway.gateway import Gateway as TrioGateway
from jackfield._gateway.listener import Item, check_bounds, parse_selectors
from jackfield._gateway.listener import Listener as TrioListener
from jackfield._gateway.opening import open_gateway as open_on_trio
from jackfield._gateway.snapshot import GatewayState
from jackfield._gateway.thread import Batches, Crossing, Portal, closed, no_state
from jackfield._gateway.watch import check_entities
from jackfield._journal.durable import check_durable
from jackfield._loading.registry import Registry
from jackfield.blocking._watch import Watch
from jackfield.config import ConfigDifference, GatewayConfig, Route
from jackfield.events import Event, Record
from jackfield.plugin.http import Request, Response
from jackfield.plugin.provider import Plan
from jackfield.reports import Overflow
from jackfield.selectors import Selector
from jackfield.state import Snapshot
from jackfield.state.timeline import Timeline

__all__ = ["DurableListener", "Gateway", "Listener", "open_gateway"]


@attrs.define(eq=False)
class Listener(CrossedListener[Item]):
    """The events that some selectors match, from now on; made by `Gateway.listen`.

    As `jackfield.Listener`, with ``with`` and ``for``. Events cross in batches; a batch that waits here is beside
    the `buffer` events that may wait there. A wait that times out or is interrupted loses nothing.
    """

    _timeout: float | None

    def take(self, timeout: float | None = None) -> list[Item]:
        """Every event that waits, at least one; none when the listener is closed and empty.

        `TimeoutError` where none came for so many seconds, by default as many as the listener was given.
        """
        if not self._events:
            batch = self._batches.ask()
            seconds = self._timeout if timeout is None else timeout
            try:
                self._events.extend(batch.result(seconds))
            except TimeoutError:
                raise TimeoutError(f"no event for {seconds:g} s") from None
            except Exception:
                self._batches.answered(batch)
                raise
            self._batches.answered(batch)
        return self._taken()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        if not self._events:
            self._events.extend(self.take())
        if not self._events:
            raise StopIteration
        return self._events.popleft()


@attrs.define(eq=False)
class DurableListener(Listener[Record]):
    """The events that some selectors match, from where its program was done; made by `Gateway.listen` with ``durable``.

    As `jackfield.DurableListener`.
    """

    durable: str = attrs.field(kw_only=True)
    """Its name."""

    def acknowledge(self, record: Record) -> None:
        """Be done with this record and all that came before it; saved a quarter of a second later at most.

        `TypeError` for what is not a record, `ValueError` for one that this listener has not given yet.
        """
        self._batches.acknowledge(self.durable, record, self._events)


@attrs.define(eq=False)
class Gateway:
    """A running gateway; made by `open_gateway`. Each method does what that of `jackfield.Gateway` does."""

    _gateway: TrioGateway
    _portal: Portal

    @property
    def config(self) -> GatewayConfig:
        """What it runs by now."""
        return self._gateway.config

    @overload
    def listen(
        self,
        *selectors: str | Selector,
        buffer: int = ...,
        overflow: Overflow = ...,
        timeout: float | None = ...,
        committed: Literal[False] = ...,
    ) -> Listener[Event]: ...
    @overload
    def listen(
        self,
        *selectors: str | Selector,
        buffer: int = ...,
        overflow: Overflow = ...,
        timeout: float | None = ...,
        committed: Literal[True],
    ) -> Listener[Record]: ...
    @overload
    def listen(
        self, *selectors: str | Selector, buffer: int = ..., timeout: float | None = ..., durable: str
    ) -> DurableListener: ...
    def listen(
        self,
        *selectors: str | Selector,
        buffer: int = LISTENER_BUFFER,
        overflow: Overflow = "drop_oldest",
        timeout: float | None = None,
        committed: bool = False,
        durable: str | None = None,
    ) -> Listener[Event] | Listener[Record]:
        """The events that any of the selectors matches, from now on; ``"**"`` selects all.

        A loop in which none comes for `timeout` seconds ends with `TimeoutError`; without, it waits.
        With `committed`, a `Record` of each once it is committed; with `durable`, from where one of that name was done.
        """
        check_bounds(buffer, overflow)
        parsed = parse_selectors(selectors)
        if durable is not None:
            check_durable(durable)

            def again() -> TrioListener[Record]:
                return self._gateway.listen(*parsed, buffer=buffer, durable=durable)

            batches = Batches.open(self._portal, again)
            return DurableListener(parsed, buffer, overflow, batches, timeout, durable=durable)
        if committed:
            records = partial(self._gateway.listen, *parsed, buffer=buffer, overflow=overflow, committed=True)
            return Listener(parsed, buffer, overflow, Batches.open(self._portal, records), timeout)
        events = partial(self._gateway.listen, *parsed, buffer=buffer, overflow=overflow)
        return Listener(parsed, buffer, overflow, Batches.open(self._portal, events), timeout)

    def publish(self, *events: Event, timeout: float | None = None) -> int:
        """Put events into the stream beside those of the feeds, and wait until they are committed; how many were new.

        `TimeoutError` where that is not done within so many seconds; it may be later.
        """
        return self._portal.spawn(partial(self._gateway.publish, *events), closed).result(timeout)

    def post(self, feed: str, request: Request, timeout: float | None = None) -> Response:
        """Answer a feed's webhook that came to another server, once its events are committed; the whole URL counts.

        `TimeoutError` where that is not done within so many seconds; it may be later.
        """
        return self._portal.spawn(partial(self._gateway.post, feed, request), closed).result(timeout)

    def snapshot(self, timeout: float | None = None) -> Snapshot:
        """Calls, contacts, agents, queues and feeds as they stand after the newest committed event; today's totals.

        `TimeoutError` where the state has not caught up with the journal within so many seconds.
        """
        return self._portal.spawn(self._gateway.snapshot, no_state).result(timeout)

    def watch(self, *entities: str, timeout: float | None = None) -> Watch:
        """The same, and then every change of these entities, of all where none is named.

        A loop in which nothing changes for `timeout` seconds ends with `TimeoutError`; without, it waits.
        """
        wanted = check_entities(entities)
        return Watch(Crossing.open(self._portal, partial(self._gateway.watch, *wanted)).result(timeout), timeout)

    def timeline(self, what: str, *, last: int = 10, timeout: float | None = None) -> list[Timeline]:
        """The newest contacts of a correlation, or of a customer's number, with all that happened.

        `TimeoutError` where they are not found within so many seconds.
        """
        return self._portal.spawn(partial(self._gateway.timeline, what, last=last), no_state).result(timeout)

    def plan(self, feed: str) -> Plan:
        """What a feed is to be subscribed to now, and why; `JackfieldError` where there is no such feed."""
        return self._portal.call(partial(self._gateway.plan, feed)).result()

    def state(self) -> GatewayState:
        """How everything stands and what happened so far, counted; a snapshot, also after the end."""
        return self._portal.call(self._gateway.state).result()

    def add_route(self, route: Route | Mapping[str, Any]) -> Route:
        """Let what a route selects go to its sinks from now on; the route, for `remove_route`."""
        return self._portal.call(partial(self._gateway.add_route, route)).result()

    def remove_route(self, route: Route) -> None:
        """Let a route, a configured one or an added one, lead nowhere from now on."""
        self._portal.call(partial(self._gateway.remove_route, route)).result()

    def apply(
        self, config: GatewayConfig | Mapping[str, Any] | str | Path, timeout: float | None = None
    ) -> ConfigDifference:
        """Take another configuration over; what has changed.

        `TimeoutError` where that is not done within so many seconds; it may be later.
        """
        return self._portal.spawn(partial(self._gateway.apply, config), closed).result(timeout)

    def add_feed(self, name: str, options: Mapping[str, Any], timeout: float | None = None) -> None:
        """Connect to one more vendor's account, as a ``[feeds.NAME]`` table says."""
        self._portal.spawn(partial(self._gateway.add_feed, name, options), closed).result(timeout)

    def remove_feed(self, name: str, timeout: float | None = None) -> None:
        """Close a feed's connection; `JackfieldError` where there is no such feed."""
        self._portal.spawn(partial(self._gateway.remove_feed, name), closed).result(timeout)


@contextmanager
def open_gateway(
    config: GatewayConfig | Mapping[str, Any] | str | Path,
    *,
    registry: Registry | None = None,
    plugins: Iterable[Any] = (),
) -> Generator[Gateway, None, None]:
    """A gateway that runs inside the ``with``, on a thread of its own; see `jackfield.open_gateway`.

    Leaving waits until the gateway is closed in order: feeds, sinks, journal. If it failed meanwhile, loops have
    ended and the failure is raised here.
    """
    portal = Portal(partial(open_on_trio, config, registry=registry, plugins=plugins))
    portal.start()
    try:
        opened = portal.ready.result()
        yield Gateway(opened, portal)
    finally:
        portal.stop()
        failure = portal.ended.exception()
        portal.join()
    if failure is not None:
        raise failure
