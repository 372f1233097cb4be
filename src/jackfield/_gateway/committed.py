"""What serving programs over a network needs of a gateway: committed events by position, and their selectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs
import trio

from jackfield._gateway.durable import Durables
from jackfield._gateway.gateway import Gateway
from jackfield._gateway.watch import Watch
from jackfield._journal import Journal
from jackfield._journal.log import Batch
from jackfield._net.http_server import HTTPServer
from jackfield.events import Record
from jackfield.plugin.contact_format import ContactFormat
from jackfield.reports import PluginLoadFailed, ServeStats
from jackfield.selectors import Selector

__all__ = [
    "CommittedEvents",
    "committed_events",
    "contact_formats",
    "count_serving",
    "fork_watch",
    "report_failure",
    "webhook_http",
]


@attrs.frozen(eq=False)
class CommittedEvents:
    """The journal as a reader sees it, and the feeds' subscriptions."""

    _journal: Journal
    durables: Durables
    select: Callable[[Iterable[Selector]], None]
    """Let the feeds subscribe to what these need; counted, so that each call needs its `deselect`."""
    deselect: Callable[[Iterable[Selector]], None]

    @property
    def journal(self) -> str:
        """The journal's id, which is part of each position's text."""
        return self._journal.id

    @property
    def first(self) -> int:
        """The position of the oldest event that is kept."""
        return self._journal.first

    @property
    def end(self) -> int:
        """The position behind the newest committed event."""
        return self._journal.end

    def knows(self, position: int) -> bool:
        """Whether a reader can have everything up to that position, and not more than the journal has."""
        return self._journal.log.knows(position)

    def count(self, start: int, stop: int) -> int:
        """How many of the positions from `start` to before `stop` events have or had."""
        return self._journal.log.count(start, stop)

    async def read(self, position: int, most: int) -> Batch:
        """The committed events at the next `most` positions from there on, as far as there are any."""
        return await self._journal.read(position, most)

    async def with_id(self, id: str) -> list[Record]:
        """The events in the journal's files that have this id, of whatever sources, the oldest first."""
        return await self._journal.with_id(id)

    def follow(self, callback: Callable[[list[Record]], object]) -> None:
        """Call this with the events of each commit, at once and in order, from now on."""
        self._journal.committed.append(callback)

    def unfollow(self, callback: Callable[[list[Record]], object]) -> None:
        """Call it no more."""
        self._journal.committed.remove(callback)


def fork_watch(watch: Watch) -> Watch:
    """Another one with the same snapshot, whose first changes are what has changed since; it is to be closed."""
    other = attrs.evolve(watch, touched=dict(watch._touched), news=trio.Event())
    if not other._closed:
        other._attach(other)
    return other


def count_serving(gateway: Gateway, stats: Callable[[], ServeStats]) -> None:
    """Let the gateway's state have these figures."""
    gateway._serve_stats = stats


def committed_events(gateway: Gateway) -> CommittedEvents:
    """The committed events of a gateway."""
    durables = gateway._listeners.durables
    return CommittedEvents(gateway._journal, durables, gateway._feeds.select, gateway._feeds.deselect)


def webhook_http(gateway: Gateway) -> HTTPServer:
    """What receives the vendors' webhooks, for what else is served at its address."""
    return gateway._webhooks.server.http


def contact_formats(gateway: Gateway) -> Mapping[str, ContactFormat]:
    """The forms of a contact that its plugins offer, by media type."""
    return {each.media_type: each for each in gateway._registry.contact_formats.values()}


def report_failure(gateway: Gateway, plugin: str, problem: str) -> None:
    """Let observers know that a plugin has failed while it was asked for something."""
    gateway._registry.observe(PluginLoadFailed(plugin, plugin, problem))
