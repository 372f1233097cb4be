"""What of a gateway is shared with others: nothing, unless its configuration has a cluster."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs
import trio

from jackfield._gateway.feeds import Feeds
from jackfield._gateway.live_state import LiveState
from jackfield._gateway.routes import Routes
from jackfield._gateway.shutdown import TaskGroup, Tasks
from jackfield._gateway.sinks import Sinks
from jackfield._gateway.webhooks import Webhooks
from jackfield._journal import Journal
from jackfield._loading.registry import Registry
from jackfield.config import GatewayConfig
from jackfield.reports import ClusterStats

__all__ = ["Cluster"]


@attrs.define(eq=False)
class Cluster:
    """The gateway's part in its cluster, where it has one."""

    _member: Any = None  # a `Member`, whose modules are imported where there is one
    _tasks: TaskGroup | None = None

    def join(
        self,
        config: GatewayConfig,
        journal: Journal,
        tasks: Tasks,
        parts: tuple[Feeds, Sinks, Routes, Webhooks, LiveState],
        take: Any,
        registry: Registry,
    ) -> None:
        """Have the feeds that are shared run by a member, and by nobody else from now on."""
        if config.cluster is None:
            return
        from jackfield._gateway.cluster.member import Member
        from jackfield._gateway.cluster.sessions import SharedSessions, is_shared
        from jackfield._journal.fences import Fences

        feeds, sinks, _, webhooks, live = parts
        fences = Fences.beside(config.gateway.journal)
        feeds.shared, sinks.fence_of = is_shared, fences.of
        sessions = SharedSessions(
            config.cluster.options,
            feeds,
            webhooks,
            live,
            journal,
            tasks,
            fences,
            lambda name: partial(take, name),
            lambda: sinks.passed,
            registry.observe,
        )

        def about() -> tuple[dict[str, int], int]:
            lags = {name: pipeline.snapshot().lag for name, pipeline in sinks.pipelines.items()}
            return lags, journal.snapshot().waiting

        self._member = Member(config.cluster, sessions, fences, registry.observe, about)
        self._tasks = tasks.cluster

    def start(self) -> None:
        """Begin to be a member."""
        if self._tasks is not None:
            self._tasks.start(self._member.run)

    def prepare_to_leave(self) -> None:
        """Take nothing over any more."""
        if self._member is not None:
            self._member.prepare_to_leave()

    async def write_kept(self, seconds: float) -> None:
        """Commit what nobody else has, once the feeds have stopped; for so long at most."""
        if self._member is not None:
            with trio.move_on_after(seconds):
                await self._member.write_kept()

    async def leave(self) -> None:
        """Give back what is held, once the sinks are done."""
        if self._tasks is not None:
            await self._member.leave()
            await self._tasks.finish(0)

    def stats(self) -> ClusterStats | None:
        """How the cluster stands; ``None`` where there is none."""
        stats: ClusterStats | None = None if self._member is None else self._member.stats()
        return stats
