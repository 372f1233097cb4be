"""The sinks of a gateway, each open in a task of its own, with its cursor and its pipeline; they come and go."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import attrs
import trio

from jackfield._delivery import SinkPipeline
from jackfield._delivery.sink_runner import FenceOf
from jackfield._gateway.shutdown import Task, TaskGroup, Tasks
from jackfield._journal import Journal
from jackfield._journal.cursor import Cursor
from jackfield._loading.registry import Registry
from jackfield._net.os_errors import explain_file_error
from jackfield._routing.route_spans import RouteSpans
from jackfield.config import NamedSink
from jackfield.errors import DeliveryError
from jackfield.plugin.sink import Batch, OpenSink
from jackfield.reports import SinkRemoved
from jackfield.reports._counters import SinkCounters, remember

__all__ = ["Sinks"]

# Closing is a courtesy to the receiver; one that does not answer is not waited for longer.
CLOSE_SECONDS = 4.0
# While a sink that is removed drains it is looked at so often.
LOOK_SECONDS = 0.05


@attrs.define(eq=False)
class _Held:
    """A sink that is open: in one task from its opening to its closing, as nurseries inside a plugin need it."""

    sink: NamedSink
    ready: OpenSink | None = None
    trouble: BaseException | None = None
    _settled: trio.Event = attrs.field(factory=trio.Event)
    _closing: trio.Event = attrs.field(factory=trio.Event)
    _task: Task = attrs.field(init=False)

    async def open(self, tasks: TaskGroup, say: Callable[[str], str]) -> OpenSink:
        """Open it; `DeliveryError` where it cannot be opened."""
        self._task = tasks.start(self._run)
        try:
            await self._settled.wait()
        except BaseException:
            with trio.CancelScope(shield=True):
                self._closing.set()
                await self._task.finish(0)
            raise
        if isinstance(self.trouble, DeliveryError | OSError):
            raise DeliveryError(
                f"sinks.{self.sink.name}: cannot be opened: {say(explain_file_error(self.trouble))}"
            ) from None
        if self.trouble is not None:
            raise self.trouble
        assert self.ready is not None
        return self.ready

    async def close(self, seconds: float) -> None:
        """Close it, and wait for that so long."""
        self._closing.set()
        await self._task.finish(seconds)

    async def _run(self) -> None:
        try:
            async with self.sink.impl.open() as self.ready:
                self._settled.set()
                await self._closing.wait()
        except Exception as error:
            if self._settled.is_set():
                raise
            self.trouble = error
        finally:
            self._settled.set()


@attrs.define(eq=False)
class _Unopened:
    """In the place of a sink that could be opened before and now cannot; its events wait."""

    problem: str

    async def write(self, _batch: Batch) -> None:
        """Say why nothing can be delivered."""
        raise DeliveryError(f"{self.problem}; it is opened again with the next configuration, or start")


@attrs.define(eq=False)
class Sinks:
    """Open sinks and their pipelines, by name."""

    _journal: Journal
    _registry: Registry
    _rng: random.Random
    fence_of: FenceOf | None = None
    """Set where feeds are shared with other gateways, before a sink is added."""
    pipelines: dict[str, SinkPipeline] = attrs.field(factory=dict)
    _held: dict[str, _Held] = attrs.field(factory=dict)
    _cursors: dict[str, Cursor] = attrs.field(factory=dict)
    _delivering: dict[str, Task] = attrs.field(factory=dict)
    _former: dict[str, SinkCounters] = attrs.field(factory=dict)
    """What sinks that are gone have counted: one of the same name counts on, since its metrics are the same series."""

    async def add(self, sink: NamedSink, tasks: Tasks) -> None:
        """Open a sink; `DeliveryError` where it cannot be opened."""
        held = _Held(sink)
        self._place(sink, await held.open(tasks.sinks, self._registry.redact))
        self._held[sink.name] = held

    def start(self, name: str, tasks: Tasks) -> None:
        """Begin to deliver to it."""
        self._delivering[name] = tasks.pipelines.start(self.pipelines[name].run)

    def start_all(self, tasks: Tasks) -> None:
        """Start all that are open."""
        for name in self.pipelines:
            self.start(name, tasks)

    async def replace(self, sink: NamedSink, tasks: Tasks, seconds: float) -> None:
        """Go on by another configuration of a sink, from where it stands; what is on its way has so long to arrive.

        `DeliveryError` where that cannot be opened; the sink then goes on as it was.
        """
        name, before = sink.name, self._held[sink.name]
        self.pipelines[name].stop()
        await self._delivering[name].finish(seconds)
        await self._close(before)
        held = _Held(sink)
        try:
            ready = await held.open(tasks.sinks, self._registry.redact)
        except BaseException:
            with trio.CancelScope(shield=True):
                await self._again(before.sink, tasks)
            raise
        self._held[name] = held
        self._place(sink, ready, self.pipelines[name])
        self.start(name, tasks)

    async def remove(self, name: str, seconds: float) -> None:
        """Let a sink to which no route leads any more deliver what it was to get, within so long, and close it."""
        pipeline, cursor, until = self.pipelines[name], self._cursors[name], self._journal.upcoming
        with trio.move_on_after(seconds):
            while True:
                if cursor.committed >= until or self._delivering[name].ended.is_set():
                    break
                await trio.sleep(LOOK_SECONDS)
        pipeline.stop()
        await self._delivering.pop(name).finish(0 if cursor.committed < until else seconds)
        pipeline.abandon("the sink was removed before they were delivered")
        stats = pipeline.snapshot()
        left = max(0, until - cursor.committed) if cursor.durable else 0
        self._journal.release(cursor)
        remember(self._former, name, pipeline.counters)
        del self.pipelines[name], self._cursors[name]
        await self._close(self._held.pop(name))
        self._registry.observe(SinkRemoved(name, stats.delivered, left))

    async def finish(self) -> None:
        """Let go of what could not be delivered by the end."""
        for pipeline in self.pipelines.values():
            pipeline.abandon("the gateway was closed before they were delivered")
        with trio.move_on_after(CLOSE_SECONDS):
            for pipeline in self.pipelines.values():
                reason = "the gateway was closed, and only a route that it was given later led them there"
                await pipeline.forget(reason)

    @property
    def passed(self) -> int:
        """The position before which every sink has got everything."""
        return min((cursor.committed for cursor in self._cursors.values()), default=self._journal.end)

    @asynccontextmanager
    async def closed_on_error(self) -> AsyncGenerator[None, None]:
        """Close those that are open where something else cannot be opened."""
        try:
            yield
        except BaseException:
            with trio.CancelScope(shield=True):
                await self.close()
            raise

    async def close(self) -> None:
        """Close all, the last one first."""
        for held in reversed(self._held.values()):
            await held.close(CLOSE_SECONDS)

    def _place(self, sink: NamedSink, ready: OpenSink, before: SinkPipeline | None = None) -> None:
        """Let a sink that is open have its pipeline, in place of another one where there is any."""
        if before is not None:
            self._journal.release(self._cursors[sink.name])
        cursor = self._cursors[sink.name] = self._journal.cursor(sink.name)
        selects = RouteSpans() if before is None else before.selects
        redact, report = self._registry.redact, self._registry.observe
        pipeline = SinkPipeline(
            sink.name, ready, cursor, selects, sink.delivery, report, self._rng, redact, self.fence_of
        )
        counted = self._former.pop(sink.name, None) if before is None else before.counters
        if counted is not None:
            pipeline.count_on(counted)
        cursor.attach(pipeline.drop, pipeline.is_down)
        self.pipelines[sink.name] = pipeline

    async def _again(self, sink: NamedSink, tasks: Tasks) -> None:
        """Open a sink as it was; what waits for it waits on where even that cannot be."""
        held, before = _Held(sink), self.pipelines[sink.name]
        try:
            ready = await held.open(tasks.sinks, self._registry.redact)
        except DeliveryError as error:
            ready = _Unopened(str(error))
        self._held[sink.name] = held
        self._place(sink, ready, before)
        self.start(sink.name, tasks)

    async def _close(self, held: _Held) -> None:
        """Close one of several; a failure is its own, and nothing is lost by it."""
        await held.close(CLOSE_SECONDS)
