"""The whole: feeds, journal, sinks and listeners, wired together, started and stopped in one order."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Literal, overload

import attrs
import trio

from jackfield._delivery import SinkPipeline
from jackfield._feed.recorder import Committed
from jackfield._gateway.arguments import expect, expect_each
from jackfield._gateway.feeds import Feeds
from jackfield._gateway.listener import Listener, parse_selectors
from jackfield._gateway.listeners import EventListeners, RecordListeners
from jackfield._gateway.live_state import LiveState
from jackfield._gateway.routes import Routes
from jackfield._gateway.shutdown import TaskGroup
from jackfield._gateway.sinks import open_sink
from jackfield._gateway.snapshot import GatewayState, gateway_state
from jackfield._gateway.unknown_kinds import report_unknown_kinds
from jackfield._gateway.watch import Watch
from jackfield._gateway.webhooks import webhook_receivers
from jackfield._journal import Journal
from jackfield._journal.receipts import Tokens
from jackfield._loading.registry import Registry
from jackfield._webhooks.server import WebhookServer, open_webhook_server
from jackfield.config import GatewayConfig, Route, check_route
from jackfield.errors import JackfieldError
from jackfield.events import Event, Record
from jackfield.plugin.http import Request, Response
from jackfield.plugin.provider import Plan
from jackfield.reports import Overflow, ServeStats
from jackfield.selectors import Selector
from jackfield.state import Snapshot
from jackfield.state.timeline import Timeline

__all__ = ["LISTENER_BUFFER", "Gateway"]

# Feeds close their connections by the close handshake; a vendor that does not answer is not waited for longer.
CLOSE_SECONDS = 4.0
LISTENER_BUFFER = 1000


@attrs.define(eq=False)
class Gateway:
    """A running gateway; made by `open_gateway`."""

    config: GatewayConfig
    _registry: Registry
    _journal: Journal
    _rng: random.Random = attrs.field(factory=random.Random)
    _pipelines: dict[str, SinkPipeline] = attrs.field(factory=dict)
    _webhook_server: WebhookServer = attrs.field(init=False)
    _feeds: Feeds = attrs.field(init=False)
    _listeners: EventListeners = attrs.field(init=False)
    _committed: RecordListeners = attrs.field(init=False)
    _routes: Routes = attrs.field(init=False)
    _live: LiveState = attrs.field(init=False)
    _closed: bool = False
    _serve_stats: Callable[[], ServeStats] = ServeStats
    """Set by what serves programs from this gateway."""

    def __attrs_post_init__(self) -> None:
        observe = self._registry.observe
        self._feeds = Feeds(self._journal, self._registry, self._rng, lambda name: partial(self._take, name))
        self._listeners = EventListeners(observe, self._feeds.deselect)
        self._committed = RecordListeners(observe, self._feeds.deselect)
        self._routes = Routes(self._pipelines, self._journal)
        sessions, select = self._feeds.sessions, self._feeds.select
        self._live = LiveState(self.config.gateway, self._journal, sessions, select, self._take, observe)

    @overload
    def listen(
        self, *selectors: str | Selector, buffer: int = ..., overflow: Overflow = ..., committed: Literal[False] = ...
    ) -> Listener[Event]: ...
    @overload
    def listen(
        self, *selectors: str | Selector, buffer: int = ..., overflow: Overflow = ..., committed: Literal[True]
    ) -> Listener[Record]: ...
    def listen(
        self,
        *selectors: str | Selector,
        buffer: int = LISTENER_BUFFER,
        overflow: Overflow = "drop_oldest",
        committed: bool = False,
    ) -> Listener[Event] | Listener[Record]:
        """The events that any of the selectors matches, from now on; ``"**"`` selects all.

        Feeds subscribe to what is newly needed, and unsubscribe when the listener is closed, as it is at the end of the
        ``with`` block. `buffer` events wait for a loop that is busy; when there are more, `overflow` says which are
        lost, or that the loop ends with an error. With `committed` the loop gets a `Record` of each event once it is
        committed, with its position in the journal. A kind that neither Jackfield nor a feed's vendor has is reported.
        `SelectorError` for a selector that does not parse, `ValueError` for none, `JackfieldError` once the gateway is
        closed.
        """
        self._check_open()
        parsed = parse_selectors(selectors)
        if committed and self._committed.put not in self._journal.committed:
            self._journal.committed.append(self._committed.put)
        listener = (self._committed if committed else self._listeners).add(parsed, buffer, overflow)
        report_unknown_kinds(parsed, self._registry, self._feeds.sessions)
        self._feeds.select(parsed)
        return listener

    async def publish(self, *events: Event) -> int:
        """Put events into the stream beside those of the feeds, and wait until they are committed; how many were new.

        With a journal in a file they reach every routed sink from then on, whatever becomes of this process. A
        copy of an event that is there already counts as committed. `JournalError` where one was not taken.
        """
        expect_each("event", events, Event, "each as an Event, such as publish(first, second) or publish(*events)")
        return await self._journal.publish(events, self._listeners.put)

    async def snapshot(self) -> Snapshot:
        """Calls, contacts, agents, queues and feeds as they stand after the newest committed event; today's totals.

        The first call makes the feeds subscribe to what is needed, reads the last run's state from the journal, and has
        the vendors' lists read. What nobody has said is unknown, not empty.
        """
        return await self._live.snapshot()

    def watch(self, *entities: str) -> Watch:
        """The same, and then every change of these entities, of all where none is named.

        ::

            async with gateway.watch("agent", "contact") as watch:  # and watch.snapshot
                async for changes in watch:
                    ...

        Nothing is lost between the two, and a slow loop gets each thing once, as it stands by then. `ValueError` for
        an entity that there is not, `JackfieldError` once the gateway is closed.
        """
        self._check_open()
        return self._live.watch(entities)

    async def timeline(self, what: str, *, last: int = 10) -> list[Timeline]:
        """The newest contacts of a correlation, or of a customer's number, with all that happened; the newest is last.

        A number is that of a caller or a callee as the vendor writes it, with or without ``+`` and separators. The
        journal's indexes find it. `JournalError` where that is in memory, `ValueError` for `last` below 1,
        `JackfieldError` once the gateway is closed.
        """
        self._check_open()
        return await self._journal.timelines(what, last)

    def plan(self, feed: str) -> Plan:
        """What a feed is to be subscribed to now, and why; `JackfieldError` where there is no such feed."""
        return self._feeds.plan(feed)

    async def post(self, feed: str, request: Request) -> Response:
        """Answer a feed's webhook that came to another server, once its events are committed; the whole URL counts."""
        expect("request", request, Request, "a jackfield.plugin.http.Request")
        return await self._webhook_server.post(feed, request)

    def state(self) -> GatewayState:
        """How everything stands and what happened so far, counted; a snapshot, also after the end."""
        listeners = tuple(listener._state() for listener in (*self._listeners, *self._committed))
        return gateway_state(
            self._feeds.sessions,
            self._pipelines,
            self._journal,
            listeners,
            self._routes,
            self._webhook_server.rejections,
            self._serve_stats(),
        )

    def add_route(self, route: Route | Mapping[str, Any]) -> Route:
        """Let what a route selects go to its sinks from now on; the route, for `remove_route`.

        It is an object, or the mapping that a ``[[routes]]`` table would be. It ends with the gateway: write it
        into the configuration first where what it leads to a sink must survive a crash. `ConfigError` for what
        is wrong with it, `JackfieldError` once the gateway is closed.
        """
        self._check_open()
        checked = check_route(route, self._pipelines)
        self._routes.add(checked)
        report_unknown_kinds(checked.select, self._registry, self._feeds.sessions)
        self._feeds.select(checked.select)
        return checked

    def remove_route(self, route: Route) -> None:
        """Let a route, a configured one or an added one, lead nowhere from now on.

        What came before that still goes to its sinks. `JackfieldError` where there is no such route.
        """
        expect("route", route, Route, "the Route that add_route returned, or one of gateway.config.routes")
        self._feeds.deselect(self._routes.remove(route).select)

    def _take(
        self, feed: str, events: list[Event], tokens: Mapping[str, str] = {}, committed: Committed | None = None, /
    ) -> None:
        """The way in of every event of a feed; never waits."""
        receipts = None if committed is None else Tokens(feed, tokens, committed)
        self._listeners.put(self._journal.admit(events, receipts))

    def _check_open(self) -> None:
        if self._closed:
            raise JackfieldError("the gateway is closed: nothing will come any more")

    async def _prepare(self, opened: AsyncExitStack) -> None:
        """Open the sinks and the webhook server, and make the sessions."""
        await self._open_sinks(opened)
        for feed in self.config.feeds:
            self._feeds.open(feed, "no gateway was running")
        report_unknown_kinds(self._routes.selectors, self._registry, self._feeds.sessions)
        self._feeds.select(self._routes.selectors)
        await self._open_webhook_server(opened)

    async def _open_sinks(self, opened: AsyncExitStack) -> None:
        for sink in self.config.sinks:
            self._pipelines[sink.name] = await open_sink(sink, opened, self._journal, self._registry, self._rng)
        for route in self.config.routes:
            self._routes.add(check_route(route, self._pipelines), configured=True)

    async def _open_webhook_server(self, opened: AsyncExitStack) -> None:
        publish = partial(self._journal.publish, hand_over=self._listeners.put)
        options, report = self.config.webhooks, self._registry.observe
        receivers = webhook_receivers(self._feeds.sessions, publish, self._registry, options)
        self._webhook_server = await opened.enter_async_context(open_webhook_server(options, receivers, report))

    @asynccontextmanager
    async def _running(self, nursery: trio.Nursery, opened: AsyncExitStack) -> AsyncGenerator[None, None]:
        """Start everything, and stop it in the one order: webhooks, feeds, intake, listeners, sinks, journal."""
        webhooks, feeds, journal, pipelines, live = (TaskGroup(nursery) for _ in range(5))
        journal.start(self._journal.run)
        for pipeline in self._pipelines.values():
            pipelines.start(pipeline.run)
        for session in self._feeds.sessions.values():
            feeds.start(session.run)
        webhooks.start(self._webhook_server.run)
        live.start(self._live.run)
        try:
            yield
        finally:
            try:
                with trio.CancelScope(shield=True) as ending:
                    for tasks in (webhooks, feeds, pipelines, journal, live):
                        tasks.ending = ending
                    self._webhook_server.stop()
                    await webhooks.finish(CLOSE_SECONDS)
                    await self._close(feeds, journal, pipelines)
                    await live.finish(0)
                    with trio.move_on_after(CLOSE_SECONDS):
                        await opened.aclose()
            finally:  # an interrupt from the keyboard comes through the shield, or cancels it
                for tasks in (webhooks, feeds, pipelines, journal, live):
                    tasks.cancel()

    async def _close(self, feeds: TaskGroup, journal: TaskGroup, pipelines: TaskGroup) -> None:
        for session in self._feeds.sessions.values():
            session.stop()
        await feeds.finish(CLOSE_SECONDS)
        self._journal.close()
        self._closed = True
        self._listeners.close()
        self._live.close()
        await pipelines.finish(self.config.gateway.drain_seconds)
        for pipeline in self._pipelines.values():
            pipeline.abandon("the gateway was closed before they were delivered")
        with trio.move_on_after(CLOSE_SECONDS):
            for pipeline in self._pipelines.values():
                await pipeline.forget("the gateway was closed, and only a route that it was given later led them there")
        self._journal.finish()
        await journal.finish(CLOSE_SECONDS)
        self._committed.close()
        with trio.move_on_after(CLOSE_SECONDS):
            await self._live.save()
