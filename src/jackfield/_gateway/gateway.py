"""The whole: feeds, journal, sinks and listeners, wired together, started and stopped in one order."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, overload

import attrs
import trio

from jackfield._feed.recorder import Committed
from jackfield._gateway.arguments import expect, expect_each
from jackfield._gateway.cluster.joining import Cluster
from jackfield._gateway.configuring import expect_config, read_config, with_feed, without_feed
from jackfield._gateway.durable_listener import DurableListener
from jackfield._gateway.feeds import CLOSE_SECONDS, Feeds
from jackfield._gateway.listener import Listener, parse_selectors
from jackfield._gateway.listening import Listening
from jackfield._gateway.live_state import LiveState
from jackfield._gateway.reload import Reloader
from jackfield._gateway.routes import Routes
from jackfield._gateway.shutdown import TaskGroup, Tasks
from jackfield._gateway.sinks import Sinks
from jackfield._gateway.snapshot import GatewayState, gateway_state
from jackfield._gateway.unknown_kinds import report_unknown_kinds
from jackfield._gateway.watch import Watch
from jackfield._gateway.webhooks import Webhooks
from jackfield._journal import Journal
from jackfield._journal.receipts import Tokens
from jackfield._loading.registry import Registry
from jackfield.config import ConfigDifference, GatewayConfig, Route, check_route
from jackfield.errors import JackfieldError
from jackfield.events import Event, Record
from jackfield.plugin.http import Request, Response
from jackfield.plugin.provider import Plan
from jackfield.reports import Overflow, ServeStats
from jackfield.selectors import Selector
from jackfield.state import Snapshot
from jackfield.state.timeline import Timeline

__all__ = ["LISTENER_BUFFER", "Gateway"]

LISTENER_BUFFER = 1000


@attrs.define(eq=False)
class Gateway:
    """A running gateway; made by `open_gateway`."""

    _config: GatewayConfig
    _registry: Registry
    _journal: Journal
    _rng: random.Random = attrs.field(factory=random.Random)
    _sinks: Sinks = attrs.field(init=False)
    _webhooks: Webhooks = attrs.field(init=False)
    _reloader: Reloader = attrs.field(init=False)
    _feeds: Feeds = attrs.field(init=False)
    _listeners: Listening = attrs.field(init=False)
    _routes: Routes = attrs.field(init=False)
    _live: LiveState = attrs.field(init=False)
    _cluster: Cluster = attrs.field(factory=Cluster)
    _closed: bool = False
    _serve_stats: Callable[[], ServeStats] = ServeStats
    """Set by what serves programs from this gateway."""

    def __attrs_post_init__(self) -> None:
        observe = self._registry.observe
        way_in, heard = lambda name: partial(self._take, name), lambda: bool(self._listeners)
        self._feeds = Feeds(self._journal, self._registry, self._rng, way_in, heard)
        self._listeners = Listening(self._journal, observe, self._feeds.select, self._feeds.deselect)
        self._sinks = Sinks(self._journal, self._registry, self._rng)
        self._routes, feeds = Routes(self._sinks.pipelines, self._journal), (self._feeds.sessions, self._feeds.select)
        self._live = LiveState(self._config.gateway, self._journal, *feeds, self._take, observe)

    @overload
    def listen(
        self, *selectors: str | Selector, buffer: int = ..., overflow: Overflow = ..., committed: Literal[False] = ...
    ) -> Listener[Event]: ...
    @overload
    def listen(
        self, *selectors: str | Selector, buffer: int = ..., overflow: Overflow = ..., committed: Literal[True]
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

        Feeds subscribe to what is newly needed, and unsubscribe when the listener is closed, as it is at the end of the
        ``with`` block. `buffer` events wait for a loop that is busy; when there are more, `overflow` says which are
        lost, or that the loop ends with an error. With `committed` the loop gets a `Record` of each event once it is
        committed, with its position in the journal; with `durable`, a name, records from behind what a listener of that
        name has acknowledged, see `DurableListener`. A kind that nobody has is reported. `SelectorError` for a selector
        that does not parse, `ValueError` for none or a name that cannot be one, `JackfieldError` once the gateway is
        closed, or while another listener has that name.
        """
        self._check_open()
        listener = self._listeners.open(parse_selectors(selectors), buffer, overflow, committed, durable)
        report_unknown_kinds(listener.selectors, self._registry, self._feeds.sessions)
        return listener

    async def publish(self, *events: Event) -> int:
        """Put events into the stream beside those of the feeds, and wait until they are committed; how many were new.

        With a journal in a file they reach every routed sink then, whatever becomes of this process. A copy of an event
        that is there counts as committed. `JournalError` where one was not taken.
        """
        expect_each("event", events, Event, "each as an Event, such as publish(first, second) or publish(*events)")
        return await self._journal.publish(events, self._listeners.put)

    async def snapshot(self) -> Snapshot:
        """Calls, contacts, agents, queues and feeds as they stand after the newest committed event; today's totals.

        The first call has feeds subscribe to what is needed, and vendors' lists read. What nobody says is unknown.
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
        """The newest contacts of a correlation, or of a customer's number, with all that happened.

        The newest is last. A number is a caller's or a callee's, with or without ``+`` and separators. The journal's
        indexes find it. `JournalError` where that is in memory, `ValueError` for `last` below 1,
        `JackfieldError` once the gateway is closed.
        """
        self._check_open()
        expect("what", what, str, "a correlation or a number, as a text")
        expect("last", last, int, "how many contacts")
        return await self._journal.timelines(what, last)

    def plan(self, feed: str) -> Plan:
        """What a feed is to be subscribed to now, and why; `JackfieldError` where there is no such feed."""
        return self._feeds.plan(feed)

    async def post(self, feed: str, request: Request) -> Response:
        """Answer a feed's webhook that came to another server, once its events are committed; the whole URL counts."""
        expect("request", request, Request, "a jackfield.plugin.http.Request")
        return await self._webhooks.server.post(feed, request)

    def state(self) -> GatewayState:
        """How everything stands and what happened so far, counted; a snapshot, also after the end."""
        feeds, sinks, rejections = self._feeds.sessions, self._sinks.pipelines, self._webhooks.server.rejections
        shares = self._serve_stats(), self._cluster.stats()
        return gateway_state(feeds, sinks, self._journal, self._listeners, self._routes, rejections, shares)

    def add_route(self, route: Route | Mapping[str, Any]) -> Route:
        """Let what a route selects go to its sinks from now on; the route, for `remove_route`.

        It is an object, or the mapping that a ``[[routes]]`` table would be. It ends with the gateway: write it
        into the configuration first where what it leads to a sink must survive a crash. `ConfigError` for what
        is wrong with it, `JackfieldError` once the gateway is closed.
        """
        self._check_open()
        checked = check_route(route, self._sinks.pipelines)
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

    async def apply(self, config: GatewayConfig | Mapping[str, Any] | str | Path) -> ConfigDifference:
        """Take another configuration over; what has changed.

        What is the same in both goes on undisturbed, and a feed that changes is connected anew before its old
        connection is closed, so that it misses nothing. A sink that is removed has ``drain_seconds`` to deliver; the
        rest stays in the journal. Routes that a program has added stay. `ConfigError` where something is wrong, needs
        a restart, or cannot be started: then all goes on as it was. `JackfieldError` once the gateway is closed.
        """
        expect_config(config)
        return await self._change(lambda _: read_config(config, self._registry))

    async def add_feed(self, name: str, options: Mapping[str, Any]) -> None:
        """Connect to one more vendor's account, as a ``[feeds.NAME]`` table says."""
        expect("options", options, Mapping, "what a [feeds.NAME] table would be")
        await self._change(lambda config: with_feed(config, name, options, self._registry))

    async def remove_feed(self, name: str) -> None:
        """Close a feed's connection; `JackfieldError` where there is no such feed."""
        self._feeds.plan(name)
        await self._change(lambda config: without_feed(config, name))

    async def _change(self, change: Callable[[GatewayConfig], GatewayConfig]) -> ConfigDifference:
        self._check_open()
        difference = await self._reloader.apply(change)
        report_unknown_kinds(difference.selectors_added, self._registry, self._feeds.sessions)
        return difference

    @property
    def config(self) -> GatewayConfig:
        """What it runs by now."""
        return self._reloader.config

    def _take(
        self, feed: str, events: list[Event], tokens: Mapping[str, str] = {}, committed: Committed | None = None, /
    ) -> None:
        """The way in of every event of a feed; never waits."""
        receipts = None if committed is None else Tokens(feed, tokens, committed)
        self._listeners.put(self._journal.admit(events, receipts))

    def _check_open(self) -> None:
        if self._closed:
            raise JackfieldError("the gateway is closed: nothing will come any more")

    async def _prepare(self, nursery: trio.Nursery, opened: AsyncExitStack) -> Tasks:
        """Open the sinks and the webhook server, and make the sessions."""
        tasks, config = Tasks.of(nursery), self._config
        publish = partial(self._journal.publish, hand_over=self._listeners.put)
        self._webhooks = Webhooks(config, publish, self._registry, opened)
        parts = self._feeds, self._sinks, self._routes, self._webhooks, self._live
        self._cluster.join(config, self._journal, tasks, parts, self._take, self._registry)
        self._reloader = Reloader(config, self._registry, tasks, *parts)
        async with self._sinks.closed_on_error():
            for sink in config.sinks:
                await self._sinks.add(sink, tasks)
            for route in config.routes:
                self._routes.add(check_route(route, self._sinks.pipelines), configured=True)
            for feed in config.feeds:
                self._feeds.open(feed, "no gateway was running")
            report_unknown_kinds(self._routes.selectors, self._registry, self._feeds.sessions)
            self._feeds.select(self._routes.selectors)
            self._listeners.begin(config)
            await self._webhooks.open(self._feeds.sessions)
            await self._reloader.learn()
        return tasks

    @asynccontextmanager
    async def _running(self, nursery: trio.Nursery, opened: AsyncExitStack) -> AsyncGenerator[None, None]:
        """Start everything, and stop it in the one order: webhooks, feeds, intake, listeners, sinks, journal."""
        tasks = await self._prepare(nursery, opened)
        tasks.journal.start(self._journal.run)
        self._sinks.start_all(tasks)
        self._feeds.start_all(tasks)
        tasks.webhooks.start(self._webhooks.server.run)
        tasks.live.start(self._live.run)
        self._cluster.start()
        try:
            yield
        finally:
            try:
                with trio.CancelScope(shield=True) as ending:
                    tasks.end_in(ending)
                    self._webhooks.server.stop()
                    await tasks.webhooks.finish(CLOSE_SECONDS)
                    await self._close(tasks.feeds, tasks.journal, tasks.pipelines)
                    await tasks.live.finish(0)
                    await self._sinks.close()
                    with trio.move_on_after(CLOSE_SECONDS):
                        await opened.aclose()
            finally:  # an interrupt from the keyboard comes through the shield, or cancels it
                tasks.cancel()

    async def _close(self, feeds: TaskGroup, journal: TaskGroup, pipelines: TaskGroup) -> None:
        self._cluster.prepare_to_leave()
        self._feeds.stop_all()
        await feeds.finish(CLOSE_SECONDS)
        await self._cluster.write_kept(CLOSE_SECONDS)
        self._journal.close()
        self._closed = True
        self._listeners.close()
        self._live.close()
        await pipelines.finish(self.config.gateway.drain_seconds)
        await self._sinks.finish()
        await self._cluster.leave()
        self._journal.finish()
        await journal.finish(CLOSE_SECONDS)
        self._listeners.finish()
        with trio.move_on_after(CLOSE_SECONDS):
            await self._live.save()
