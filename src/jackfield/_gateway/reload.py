"""Takes another configuration over while the gateway runs: what is the same goes on, and all of it or nothing changes.

What may fail comes first, and each step of it can be taken back: sinks are opened, the server for webhooks listens,
connections by new secrets have taken over. Only then come the steps that cannot fail: feeds and routes come and go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial

import attrs
import trio

from jackfield._gateway.feeds import Feeds
from jackfield._gateway.live_state import LiveState
from jackfield._gateway.routes import Routes
from jackfield._gateway.shutdown import Tasks
from jackfield._gateway.sinks import Sinks
from jackfield._gateway.stamps import Stamps, are_in_files, renewed, stamps_of
from jackfield._gateway.webhooks import Webhooks
from jackfield._loading.guard import provider_code
from jackfield._loading.registry import Registry
from jackfield.config import ConfigDifference, Feed, GatewayConfig, NamedSink
from jackfield.errors import ConfigError, ConfigProblem, DeliveryError, JackfieldError
from jackfield.plugin.provider import Provider
from jackfield.reports import ConfigReloaded, ConfigReloadFailed

__all__ = ["Reloader"]

Undo = Callable[[], Awaitable[object]]


@attrs.define(eq=False)
class Reloader:
    """Changes a running gateway, one change after another."""

    config: GatewayConfig
    _registry: Registry
    _tasks: Tasks
    _feeds: Feeds
    _sinks: Sinks
    _routes: Routes
    _webhooks: Webhooks
    _live: LiveState
    _stamps: Stamps = attrs.field(factory=dict)
    _turn: trio.Lock = attrs.field(factory=trio.Lock)

    async def apply(self, change: Callable[[GatewayConfig], GatewayConfig]) -> ConfigDifference:
        """Take over what the function makes of the present configuration; `ConfigError` where it cannot be."""
        async with self._turn:
            try:
                wanted = await trio.to_thread.run_sync(change, self.config)
                self._registry.redact.add(wanted.secrets())
                stamps = await trio.to_thread.run_sync(stamps_of, wanted)
                difference = ConfigDifference.between(self.config, wanted, renewed(self._stamps, stamps))
                self._check(difference)
                async with AsyncExitStack() as undo:
                    await self._change(difference, undo)
                    undo.pop_all()
                self._webhooks.settle()
                with trio.CancelScope(shield=True):
                    await self._end(difference)
            except ConfigError as error:
                self._registry.observe(ConfigReloadFailed(tuple(map(str, error.problems))))
                raise
            self.config, self._stamps = difference.apply(self.config), stamps
        self._registry.observe(ConfigReloaded(difference.lines))
        return difference

    async def learn(self) -> None:
        """Remember what the secrets and certificates are by which the gateway was opened."""
        if are_in_files(self.config):
            self._stamps = await trio.to_thread.run_sync(stamps_of, self.config)
        else:
            self._stamps = stamps_of(self.config)

    def _check(self, difference: ConfigDifference) -> None:
        problems = difference.restarts
        gone = {sink.name for sink in difference.sinks.removed}
        for route in self._routes.fleeting:
            problems += [
                ConfigProblem(f"sinks.{name}", "a route that the program added leads there; remove that first")
                for name in route.sinks
                if name in gone
            ]
        if problems:
            raise ConfigError(problems)

    async def _change(self, difference: ConfigDifference, undo: AsyncExitStack) -> None:
        """The steps that may fail, and how each is taken back."""
        drain = self.config.gateway.drain_seconds
        for sink in difference.sinks.added:
            await self._open_sink(sink, undo)
        for old, new in difference.sinks.changed:
            try:
                await self._sinks.replace(new, self._tasks, drain)
            except DeliveryError as error:
                raise ConfigError([_problem(error, f"sinks.{new.name}")]) from None
            undo.push_async_callback(_shielded, partial(self._sinks.replace, old, self._tasks, drain))
        after = difference.apply(self.config)
        await self._webhooks.prepare(after, self._tasks, renewed="webhooks" in difference.renewed)
        undo.push_async_callback(_shielded, self._webhooks.take_back)
        await self._renew([each for each in difference.feeds.changed if _same_account(*each)], undo)

    async def _open_sink(self, sink: NamedSink, undo: AsyncExitStack) -> None:
        try:
            await self._sinks.add(sink, self._tasks)
        except DeliveryError as error:
            raise ConfigError([_problem(error, f"sinks.{sink.name}")]) from None
        self._sinks.start(sink.name, self._tasks)
        undo.push_async_callback(_shielded, partial(self._sinks.remove, sink.name, 0))

    async def _renew(self, changed: list[tuple[Feed, Feed]], undo: AsyncExitStack) -> None:
        """Have all these feeds go on by other connections; all are as they were where one of them cannot."""
        failures: dict[str, str] = {}

        async def renew(new: Feed) -> None:
            if failure := await self._feeds.renew(new):
                failures[new.name] = failure

        async def back(old: Feed) -> None:
            self._feeds.revert(old)
            if old.name not in failures:  # the new connection has taken over
                await self._feeds.renew(old)

        for old, _ in changed:
            undo.push_async_callback(_shielded, partial(back, old))
        async with trio.open_nursery() as nursery:
            for _, new in changed:
                nursery.start_soon(renew, new)
        if failures:
            goes_on = "the connection that is up goes on"
            raise ConfigError([ConfigProblem(f"feeds.{name}", f"{why}; {goes_on}") for name, why in failures.items()])

    async def _end(self, difference: ConfigDifference) -> None:
        """The steps that cannot fail."""
        new_names = {new for _, new in difference.renamed}
        replaced = [each for each in difference.feeds.changed if not _same_account(*each)]
        for old, new in replaced:
            await self._remove_feed(old.name)
            self._add_feed(new, "it is another account" if old.provider_name != new.provider_name else "")
        for feed in difference.feeds.added:
            self._add_feed(feed, "the feed was not configured")
        present = self._sinks.pipelines.keys() - {sink.name for sink in difference.sinks.added}
        for route in difference.routes_added:
            self._routes.add(route, configured=True, present=present)
            self._feeds.select(route.select)
        for route in difference.routes_removed:
            if route in self._routes:  # the program may have removed it before
                self._feeds.deselect(self._routes.remove(route).select)
        self._routes.order(difference.routes)
        for name in new_names:
            await self._feeds.subscribed(name)
        for feed in difference.feeds.removed:
            await self._remove_feed(feed.name)
        async with trio.open_nursery() as nursery:
            for sink in difference.sinks.removed:
                nursery.start_soon(self._sinks.remove, sink.name, self.config.gateway.drain_seconds)
        self._webhooks.refresh(self._feeds.sessions)

    def _add_feed(self, feed: Feed, pause: str) -> None:
        session = self._feeds.open(feed, pause)
        self._webhooks.refresh(self._feeds.sessions)
        self._feeds.start(feed.name, self._tasks)
        self._live.follow(feed.name, session)

    async def _remove_feed(self, name: str) -> None:
        self._live.leave(name)
        await self._feeds.remove(name)
        self._webhooks.refresh(self._feeds.sessions)


async def _shielded(step: Undo) -> None:
    with trio.CancelScope(shield=True):
        await step()


def _problem(error: DeliveryError, path: str) -> ConfigProblem:
    return ConfigProblem(path, str(error).removeprefix(f"{path}: "))


def _same_account(old: Feed, new: Feed) -> bool:
    """Whether one session can serve both, so that its connections overlap."""
    same = (old.provider_name, old.webhook_only) == (new.provider_name, new.webhook_only)
    return same and not new.webhook_only and _source(old.provider) == _source(new.provider)


def _source(provider: Provider) -> object:
    with suppress(JackfieldError), provider_code():
        return provider.source
    return provider  # a plugin's own trouble, which a new session reports
