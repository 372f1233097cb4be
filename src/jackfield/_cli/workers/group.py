"""Several processes that are one gateway: started together, seen and changed as one, stopped in one order."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import MappingProxyType

import attrs
import trio

from jackfield._cli.workers.changes import Changed, change_all
from jackfield._cli.workers.figures import added, journal_of, sinks_of
from jackfield._cli.workers.front import RemoteReceiver
from jackfield._cli.workers.messages import Begin, Written
from jackfield._cli.workers.sharing import share_out
from jackfield._cli.workers.unit import check_shareable, held_names, standard_output
from jackfield._cli.workers.worker import Worker
from jackfield._gateway.feeds import CLOSE_SECONDS
from jackfield._gateway.snapshot import GatewayState
from jackfield._journal.per_feed import claim
from jackfield._loading.registry import Registry
from jackfield._net.exception_groups import unwrapped
from jackfield._webhooks.server import WebhookServer, open_webhook_server
from jackfield.config import Document, GatewayConfig
from jackfield.errors import JackfieldError
from jackfield.reports import FeedStats, Report

__all__ = ["WorkerGroup"]

MORE_SECONDS = 4 * CLOSE_SECONDS
"""What a worker's end may take beside the drain of its sinks."""


@attrs.define(eq=False)
class WorkerGroup:
    """The parent's side of all workers; it owns the lock of the journals' folder, and listens."""

    config: GatewayConfig
    document: Callable[[], Document]
    """What was read last, of which `config`, or what `apply` is given, was built."""
    _registry: Registry
    _count: int
    _begin: Begin
    """What every worker begins with, but for its configuration and its feeds."""
    workers: list[Worker] = attrs.field(factory=list)
    server: WebhookServer = attrs.field(init=False)
    written: Written = attrs.field(init=False)
    """What a worker begins with that is started now."""
    _rejections: dict[str, Counter[str]] = attrs.field(factory=lambda: defaultdict(Counter))
    _answered: trio.Event = attrs.field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self.written = Written.of(self.document())
        self.server = WebhookServer("", (), {}, self.report)

    def report(self, report: Report) -> None:
        """Let observers know."""
        self._registry.observe(report)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[WorkerGroup, None]:
        """All workers, and what listens for them, inside the ``async with``; `JackfieldError` if one cannot start."""
        check_shareable(self.config, standard_output())
        self._registry.redact.add(self.config.secrets())
        async with AsyncExitStack() as opened:
            inherited = []
            if self.config.gateway.journal != "memory":
                lock = await trio.to_thread.run_sync(claim, Path(self.config.gateway.journal))
                opened.callback(os.close, lock)
                inherited.append(lock)  # where this process dies, its workers still write until they have noticed
            shares = share_out(await trio.to_thread.run_sync(held_names, self.config), self._count)
            self.workers = [
                Worker(number, tuple(feeds), self._begin_of, self.report, inherited)
                for number, feeds in enumerate(shares, 1)
            ]
            opening = open_webhook_server(self.config.webhooks, self.receivers(self.config), self.report)
            self.server = await opened.enter_async_context(opening)
            with unwrapped() as body:
                async with trio.open_nursery() as nursery:
                    try:
                        with body.watched():
                            await self._start_all(nursery)
                            nursery.start_soon(self._listen)
                            yield self
                    finally:
                        with trio.CancelScope(shield=True):
                            self.server.stop()
                            with trio.move_on_after(CLOSE_SECONDS):
                                await self._answered.wait()
                            await self._end_all()
                        nursery.cancel_scope.cancel()

    async def _listen(self) -> None:
        await self.server.run()
        self._answered.set()

    def _begin_of(self, feeds: tuple[str, ...]) -> Begin:
        begin = self._begin
        return Begin(self.written, feeds, begin.plugins, begin.strict, begin.log_level, begin.log_format)

    async def _start_all(self, nursery: trio.Nursery) -> None:
        """Start all at once, and raise what keeps the first of them from starting."""
        failures: list[JackfieldError] = []

        async def start(worker: Worker) -> None:
            try:
                await nursery.start(worker.run)
            except JackfieldError as error:
                failures.append(error)

        async with trio.open_nursery() as starting:
            for worker in self.workers:
                starting.start_soon(start, worker)
        if failures:
            self._answered.set()
            raise failures[0]

    async def _end_all(self) -> None:
        """Let all workers stop at once; those that do not in time are ended."""
        for worker in self.workers:
            worker.end()
        with trio.move_on_after(self.config.gateway.drain_seconds + MORE_SECONDS) as waiting:
            await self._all_gone()
        if waiting.cancelled_caught:
            self.kill()
            await self._all_gone()

    async def _all_gone(self) -> None:
        for worker in self.workers:
            await worker.gone.wait()

    def kill(self) -> None:
        """End all workers at once; what they had in hand comes again at the next start."""
        for worker in self.workers:
            worker.kill()

    def receivers(self, config: GatewayConfig) -> dict[str, RemoteReceiver]:
        """What passes on the webhooks of each feed that gets any."""
        return {
            feed.name: RemoteReceiver(
                feed,
                feed.webhook,
                self.worker_of(feed.name),
                self._rejections[feed.name],
                self.report,
                config.webhooks,
                self._registry.redact,
            )
            for feed in config.feeds
            if feed.webhook is not None
        }

    def worker_of(self, feed: str) -> Worker:
        """The worker that holds a feed."""
        return next(worker for worker in self.workers if feed in worker.feeds)

    def state(self) -> GatewayState:
        """How all workers stand together, as they said last."""
        units = [unit for worker in self.workers for unit in worker.units.values()]
        feeds = {name: self._with_rejections(name, each) for unit in units for name, each in unit.feeds.items()}
        order = [feed.name for feed in self.config.feeds if feed.name in feeds]
        return GatewayState(
            {name: feeds[name] for name in order},
            sinks_of(units),
            journal_of(units),
            (),
            self.config.routes,
            MappingProxyType(dict(self.server.rejections)),
            workers={str(worker.number): worker.stats for worker in self.workers},
        )

    def _with_rejections(self, name: str, feed: FeedStats) -> FeedStats:
        if not (here := self._rejections.get(name)):
            return feed
        rejections = added(feed.webhooks.rejections, here)
        return attrs.evolve(feed, webhooks=attrs.evolve(feed.webhooks, rejections=rejections))

    async def apply(self, config: GatewayConfig) -> Changed:
        """Take another configuration over, in all workers or in none; what has changed."""
        return await change_all(self, config)
