"""The gateway and its listeners as an asyncio program sees them; see `jackfield.aio`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload

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
from jackfield.aio._watch import Watch, outcome_of
from jackfield.config import ConfigDifference, GatewayConfig, Route
from jackfield.events import Event, Record
from jackfield.plugin.http import Request, Response
from jackfield.plugin.provider import Plan
from jackfield.reports import Overflow
from jackfield.selectors import Selector
from jackfield.state import Snapshot
from jackfield.state.timeline import Timeline

__all__ = ["DurableListener", "Gateway", "Listener", "open_gateway"]

T = TypeVar("T")


@attrs.define(eq=False)
class Listener(CrossedListener[Item]):
    """The events that some selectors match, from now on; made by `Gateway.listen`.

    As `jackfield.Listener`, with ``with`` and ``async for``. Events cross in batches; a batch that waits here is
    beside the `buffer` events that may wait there. A wait that is cancelled or times out loses nothing, and
    `take_nowait` takes what has crossed.
    """

    async def take(self) -> list[Item]:
        """Every event that waits, at least one; none when the listener is closed and empty."""
        while not self._events:
            batch = self._batches.ask()
            try:
                events = await asyncio.shield(asyncio.wrap_future(batch))
            except Exception:
                self._batches.answered(batch)
                raise
            if self._batches.answered(batch):
                self._events.extend(events)
                if not events:
                    break
        return self._taken()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        if not self._events:
            self._events.extend(await self.take())
        if not self._events:
            raise StopAsyncIteration
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
        committed: Literal[False] = ...,
    ) -> Listener[Event]: ...
    @overload
    def listen(
        self,
        *selectors: str | Selector,
        buffer: int = ...,
        overflow: Overflow = ...,
        committed: Literal[True],
    ) -> Listener[Record]: ...
    @overload
    def listen(self, *selectors: str | Selector, buffer: int = ..., durable: str) -> DurableListener: ...
    def listen(
        self,
        *selectors: str | Selector,
        buffer: int = LISTENER_BUFFER,
        overflow: Overflow = "drop_oldest",
        committed: bool = False,
        durable: str | None = None,
    ) -> Listener[Event] | Listener[Record]:
        """The events that any of the selectors matches, from now on; ``"**"`` selects all.

        With `committed`, a `Record` of each once it is committed; with `durable`, from where one of that name was done.
        """
        check_bounds(buffer, overflow)
        parsed = parse_selectors(selectors)
        if durable is not None:
            check_durable(durable)

            def again() -> TrioListener[Record]:
                return self._gateway.listen(*parsed, buffer=buffer, durable=durable)

            batches = Batches.open(self._portal, again)
            return DurableListener(parsed, buffer, overflow, batches, durable=durable)
        if committed:
            records = partial(self._gateway.listen, *parsed, buffer=buffer, overflow=overflow, committed=True)
            return Listener(parsed, buffer, overflow, Batches.open(self._portal, records))
        events = partial(self._gateway.listen, *parsed, buffer=buffer, overflow=overflow)
        return Listener(parsed, buffer, overflow, Batches.open(self._portal, events))

    async def publish(self, *events: Event) -> int:
        """Put events into the stream beside those of the feeds, and wait until they are committed; how many were new.

        Cancelled, it has put them there, and does not wait.
        """
        return await outcome_of(self._portal.spawn(partial(self._gateway.publish, *events), closed))

    async def post(self, feed: str, request: Request) -> Response:
        """Answer a feed's webhook that came to another server, once its events are committed; the whole URL counts."""
        return await outcome_of(self._portal.spawn(partial(self._gateway.post, feed, request), closed))

    async def snapshot(self) -> Snapshot:
        """Calls, contacts, agents, queues and feeds as they stand after the newest committed event; today's totals."""
        return await outcome_of(self._portal.spawn(self._gateway.snapshot, no_state))

    def watch(self, *entities: str) -> Watch:
        """The same, and then every change of these entities, of all where none is named."""
        wanted = check_entities(entities)
        return Watch(wanted, partial(Crossing.open, self._portal, partial(self._gateway.watch, *wanted)))

    async def timeline(self, what: str, *, last: int = 10) -> list[Timeline]:
        """The newest contacts of a correlation, or of a customer's number, with all that happened."""
        return await outcome_of(self._portal.spawn(partial(self._gateway.timeline, what, last=last), no_state))

    async def plan(self, feed: str) -> Plan:
        """What a feed is to be subscribed to now, and why; `JackfieldError` where there is no such feed."""
        return await self._call(partial(self._gateway.plan, feed))

    async def state(self) -> GatewayState:
        """How everything stands and what happened so far, counted; a snapshot, also after the end."""
        return await self._call(self._gateway.state)

    async def add_route(self, route: Route | Mapping[str, Any]) -> Route:
        """Let what a route selects go to its sinks from now on; the route, for `remove_route`."""
        return await self._call(partial(self._gateway.add_route, route))

    async def remove_route(self, route: Route) -> None:
        """Let a route, a configured one or an added one, lead nowhere from now on."""
        await self._call(partial(self._gateway.remove_route, route))

    async def apply(self, config: GatewayConfig | Mapping[str, Any] | str | Path) -> ConfigDifference:
        """Take another configuration over; what has changed."""
        return await outcome_of(self._portal.spawn(partial(self._gateway.apply, config), closed))

    async def add_feed(self, name: str, options: Mapping[str, Any]) -> None:
        """Connect to one more vendor's account, as a ``[feeds.NAME]`` table says."""
        await outcome_of(self._portal.spawn(partial(self._gateway.add_feed, name, options), closed))

    async def remove_feed(self, name: str) -> None:
        """Close a feed's connection; `JackfieldError` where there is no such feed."""
        await outcome_of(self._portal.spawn(partial(self._gateway.remove_feed, name), closed))

    async def _call(self, work: Callable[[], T]) -> T:
        return await outcome_of(self._portal.call(work))


@asynccontextmanager
async def open_gateway(
    config: GatewayConfig | Mapping[str, Any] | str | Path,
    *,
    registry: Registry | None = None,
    plugins: Iterable[Any] = (),
) -> AsyncGenerator[Gateway, None]:
    """A gateway that runs inside the ``async with``, on a thread of its own; see `jackfield.open_gateway`.

    Leaving, also by being cancelled, waits until the gateway is closed in order: feeds, sinks, journal. If it
    fails meanwhile, the body is cancelled and the failure raised.
    """
    portal = Portal(partial(open_on_trio, config, registry=registry, plugins=plugins))
    portal.start()
    ended = asyncio.wrap_future(portal.ended)
    try:
        opened = await asyncio.wrap_future(portal.ready)
        with _Body(ended):
            yield Gateway(opened, portal)
    finally:
        portal.stop()
        try:
            await _patiently(ended)
        finally:
            portal.join()


class _Body:
    """The host's block: cancelled if the gateway fails meanwhile, as in a nursery."""

    def __init__(self, ended: asyncio.Future[None]) -> None:
        self._ended = ended
        self._task = asyncio.current_task()
        self._interrupted = False

    def __enter__(self) -> None:
        self._ended.add_done_callback(self._interrupt)

    def _interrupt(self, _ended: asyncio.Future[None]) -> None:
        if self._task is not None:
            self._interrupted = True
            self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.remove_done_callback(self._interrupt)
        if self._interrupted and self._task is not None:
            self._task.uncancel()
            self._ended.result()


async def _patiently(ended: asyncio.Future[None]) -> None:
    """Wait for the end, which has deadlines of its own; a cancellation meanwhile is raised after that."""
    cancelled: asyncio.CancelledError | None = None
    while not ended.done():
        try:
            await asyncio.wait([ended])
        except asyncio.CancelledError as error:
            cancelled = error
    ended.exception()  # asyncio complains about what nobody has looked at
    if cancelled is not None:
        raise cancelled
