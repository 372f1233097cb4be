"""One worker as its parent has it: started again whenever it ends, asked, and stopped."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

import attrs
import trio

from jackfield._cli.workers.channel import ChannelFull
from jackfield._cli.workers.figures import continued, without_connection
from jackfield._cli.workers.messages import (
    Answered,
    Applied,
    Apply,
    Ask,
    Begin,
    End,
    Failure,
    Post,
    Ready,
    States,
    UnitState,
    Written,
)
from jackfield._cli.workers.process import WorkerProcess, start_process
from jackfield._net.backoff import backoff
from jackfield.errors import JackfieldError
from jackfield.plugin.http import Request, Response
from jackfield.reports import Latency, Report, WorkerEnded, WorkerStarted, WorkerStats

__all__ = ["Worker", "WorkerDown"]

ASK_SECONDS = 0.5
SILENT_SECONDS = 30.0
"""A worker that says nothing for so long hangs, and is ended."""
START_SECONDS = 300.0
"""Within which a worker must hold its feeds; a journal may have to be read through after a crash."""
SETTLED_SECONDS = 60.0
"""A worker that ran for so long has not failed at its start: the next delay is short again."""

A = TypeVar("A")


class WorkerDown(JackfieldError):
    """The worker is not there, or does not answer."""


@attrs.define(eq=False)
class Worker:
    """One of the processes that hold the feeds; made once, while its processes come and go."""

    number: int
    feeds: tuple[str, ...]
    _begin: Callable[[tuple[str, ...]], Begin]
    """What a new process begins with, by the present configuration."""
    _report: Callable[[Report], None]
    _inherited: Sequence[int]
    _rng: random.Random = attrs.field(factory=random.Random)
    units: dict[str, UnitState] = attrs.field(factory=dict)
    """How the gateway of each feed stood when that was last asked, with the counts of earlier processes."""
    stats: WorkerStats = attrs.field(init=False)
    gone: trio.Event = attrs.field(factory=trio.Event)
    """Set when it has ended for good."""
    _earlier: dict[str, UnitState] = attrs.field(factory=dict)
    """What earlier processes have counted."""
    _earlier_delays: Latency = attrs.field(factory=Latency)
    _process: WorkerProcess | None = None
    _ready: bool = False
    _stop: trio.Event = attrs.field(factory=trio.Event)
    _numbers: count[int] = attrs.field(factory=lambda: count(1))
    _answers: dict[int, trio.MemorySendChannel[Any]] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.stats = WorkerStats(up=False, since=datetime.now(UTC), feeds=self.feeds)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep a process running until `end`; raises what keeps the first one from starting."""
        try:
            await self._run(task_status)
        finally:
            self.gone.set()

    async def _run(self, task_status: trio.TaskStatus[None]) -> None:
        first, delays = True, backoff(self._rng)
        while True:
            began, number, failure = trio.current_time(), 0, None
            try:
                async with start_process(self._inherited) as process:
                    number = process.number
                    failure = await self._hold(process, task_status if first else trio.TASK_STATUS_IGNORED)
                    with trio.move_on_after(SILENT_SECONDS):
                        await process.wait()
                    process.kill()
                    how = await process.wait()
            except OSError as error:
                how = f"cannot be started: {error.strerror}"
            ran = self.stats.up
            self._settle()
            if self._stop.is_set():
                return
            if first and not ran:
                raise failure or JackfieldError(f"worker {self.number}: its process {how} before it held its feeds")
            if ran and trio.current_time() - began > SETTLED_SECONDS:
                delays = backoff(self._rng)
            first = False
            await self._pause(next(delays), number, f"{how}: {failure}" if failure else how)
            if self._stop.is_set():
                return

    async def _pause(self, delay: float, process: int, reason: str) -> None:
        self.stats = attrs.evolve(self.stats, up=False, since=datetime.now(UTC), restarts=self.stats.restarts + 1)
        self._report(WorkerEnded(self.number, process, reason, self.feeds, delay))
        with trio.move_on_after(delay):
            await self._stop.wait()

    async def _hold(self, process: WorkerProcess, task_status: trio.TaskStatus[None]) -> JackfieldError | None:
        """Speak with a process until it has gone; why it could not begin."""
        process.channel.say(self._begin(self.feeds))
        if self._stop.is_set():
            process.channel.say(End())
        self._process = process
        failure = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._limit_start, process)
            async for message in process.channel.messages():
                match message:
                    case Ready(None):
                        self._ready = True
                        self.stats = attrs.evolve(self.stats, up=True, since=datetime.now(UTC), feeds=self.feeds)
                        self._report(WorkerStarted(self.number, process.number, self.feeds))
                        task_status.started()
                        nursery.start_soon(self._keep_asking)
                    case Ready(Failure() as reason):
                        failure = reason.error()
                    case States() | Answered() | Applied():
                        self._take(message)
                    case _:  # only a parent says the others
                        pass
            nursery.cancel_scope.cancel()
        return failure

    async def _limit_start(self, process: WorkerProcess) -> None:
        """End a process that does not come up."""
        await trio.sleep(START_SECONDS)
        if not self._ready:
            process.kill()

    def _take(self, message: States | Answered | Applied) -> None:
        if isinstance(message, States):
            self.stats = attrs.evolve(self.stats, loop_delays=self._earlier_delays + message.loop_delays)
            for feed, unit in message.units.items():
                self.units[feed] = continued(self._earlier[feed], unit) if feed in self._earlier else unit
        if (answer := self._answers.get(message.number)) is not None:
            answer.send_nowait(message)

    def _settle(self) -> None:
        """The process has ended: nobody waits for it any more, and what it counted stands."""
        self._process, self._ready = None, False
        for answer in self._answers.values():
            answer.close()
        self.units = {feed: without_connection(unit, datetime.now(UTC)) for feed, unit in self.units.items()}
        self._earlier, self._earlier_delays = dict(self.units), self.stats.loop_delays

    async def _keep_asking(self) -> None:
        """Know how it stands, and end it where it hangs."""
        with suppress(WorkerDown):  # it is ending
            while True:
                with trio.move_on_after(SILENT_SECONDS) as waiting:
                    await self._ask(States, Ask(next(self._numbers)))
                if waiting.cancelled_caught:
                    self.kill()
                await trio.sleep(ASK_SECONDS)

    async def post(self, feed: str, request: Request) -> Response:
        """Have a feed's webhook answered; `WorkerDown` where nobody can."""
        post = Post(next(self._numbers), feed, request.method, request.url, request.headers, request.body)
        answered = await self._ask(Answered, post)
        return Response(answered.status, answered.headers, answered.body)

    async def apply(self, config: Written, feeds: tuple[str, ...]) -> tuple[str, ...]:
        """Have it take another configuration over; what has changed, or the error that says why nothing has."""
        applied = await self._ask(Applied, Apply(next(self._numbers), config, feeds))
        if applied.failure is not None:
            raise applied.failure.error()
        self.feeds = feeds
        self.stats = attrs.evolve(self.stats, feeds=feeds)
        return applied.changes

    async def _ask(self, sort: type[A], message: Ask | Post | Apply) -> A:
        if self._process is None or not self._ready or self._stop.is_set():
            raise WorkerDown(f"worker {self.number} is not running")
        self._answers[message.number], answers = trio.open_memory_channel[Any](1)
        try:
            self._process.channel.say(message)
            answer = await answers.receive()
        except trio.EndOfChannel:
            raise WorkerDown(f"worker {self.number} has ended meanwhile") from None
        except ChannelFull:
            raise WorkerDown(f"worker {self.number} does not read what it is sent") from None
        finally:
            self._answers.pop(message.number).close()
        assert isinstance(answer, sort)
        return answer

    def end(self) -> None:
        """Let its process stop gracefully, and start no other."""
        self._stop.set()
        if self._process is not None:
            with suppress(ChannelFull):  # it does not read, and will be killed
                self._process.channel.say(End())

    def kill(self) -> None:
        """End its process at once."""
        if self._process is not None:
            self._process.kill()
