"""One connection on trio: its tasks read, write, keep time and perform HTTP flows; what to do the driver decides.

The driver is synchronous, so no two tasks are ever inside it at once. Reading never waits: what is to be sent goes
through a bounded queue, and facts are handed to the session at once.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import attrs
import trio

from jackfield._feed.clock import TICK_SECONDS, Clock, Stall
from jackfield._feed.driver import FeedDriver
from jackfield._feed.effects import Effect, Lost, Perform, SlowStep
from jackfield._feed.transport import Connection
from jackfield._loading.guard import provider_code
from jackfield._net.http_client import Perform as PerformHTTP
from jackfield.config import ConnectionOptions
from jackfield.errors import ConnectionLost, JackfieldError, RestError
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import Send

__all__ = ["FeedConnection", "FeedEvents", "Timing", "WantedTopics"]

T = TypeVar("T")

# A plan has one frame for each topic; a vendor that accepts none of a thousand is not reading.
OUTBOX = 1000
# Acknowledgements come as many at once as the journal commits; a vendor that keeps what is not read is read on when
# it has accepted most of them.
MOST_ACKNOWLEDGEMENTS = 100_000
# One read of 128 KiB may bring tens of thousands of tiny frames.
FRAMES_AT_ONCE = 500
# A step of the protocol's is computation alone, some microseconds for each frame.
SLOW_SECONDS = 0.2


@attrs.frozen
class Timing:
    """How long things may take, in seconds."""

    handshake_timeout: float = 15.0
    ping_seconds: float = 20.0
    """Proxies cut idle connections and KAZOO's gateway closes silent ones; 20 to 30 s is safe for both."""
    pong_timeout: float = 15.0
    """With `ping_seconds` the silence limit is 35 s: VoIPBIN pings every 10 s, so three were missed."""
    answer_within: float = 30.0
    """For a subscription, if the protocol itself gives up no sooner: it may have to ask several times, at a pace."""
    stable: float = 10.0
    """A connection that lived this long starts the next backoff from the beginning."""
    backoff_first: float = 1.0
    backoff_most: float = 30.0

    @classmethod
    def of(cls, options: ConnectionOptions) -> Timing:
        """What a feed's table says, and the rest as it is."""
        return cls(options.handshake_timeout, options.ping_seconds, options.pong_timeout)


class FeedEvents(Protocol):
    """What a connection calls on its session."""

    def handle(self, effect: Effect, connection: FeedConnection) -> None:
        """Something has happened on a connection that the session is to know, or to act upon."""
        ...

    def ticked(self, stall: Stall | None) -> None:
        """A second has passed, perhaps after a stall of this process."""
        ...


@attrs.define
class WantedTopics:
    """The topics that are needed of a feed; to follow it, wait for `changed`."""

    topics: frozenset[str] = frozenset()
    changed: trio.Event = attrs.field(factory=trio.Event)

    def set(self, topics: Iterable[str]) -> None:
        """Want exactly these from now on."""
        if (wanted := frozenset(topics)) != self.topics:
            self.topics = wanted
            self.changed.set()
            self.changed = trio.Event()


@attrs.define(eq=False)
class FeedConnection:
    """Runs a driver over one connection until somebody ends it."""

    connection: Connection
    driver: FeedDriver
    wanted: WantedTopics
    _session: FeedEvents
    _timing: Timing
    _clock: Clock
    _perform_http: PerformHTTP
    stopping: trio.Event = attrs.field(factory=trio.Event)
    """Set to end it gracefully."""
    opened_at: datetime = attrs.Factory(lambda self: self._clock.now(), takes_self=True)
    _ended: bool = False
    _loss: ConnectionLost | None = None
    _nursery: trio.Nursery = attrs.field(init=False)
    _outbox: trio.MemorySendChannel[str | bytes] = attrs.field(init=False)
    _to_send: trio.MemoryReceiveChannel[str | bytes] = attrs.field(init=False)
    _sent: trio.Event = attrs.field(factory=trio.Event)
    """Set, and replaced, when a frame was sent."""

    def __attrs_post_init__(self) -> None:
        self._outbox, self._to_send = trio.open_memory_channel[str | bytes](math.inf)

    async def run(self) -> None:
        """Serve until `stopping` is set; `ConnectionLost` where it ends otherwise."""
        with self._outbox, self._to_send:
            async with trio.open_nursery() as self._nursery:
                self._apply(self.driver.opened())
                for task in (self._read, self._write, self._follow, self._tick, self._keep_alive):
                    self._nursery.start_soon(self._until_lost, task)
                await self.stopping.wait()
                self._nursery.cancel_scope.cancel()
            self._ended = True
        if self._loss is not None:
            raise self._loss

    def committed(self, tokens: Sequence[str]) -> None:
        """The journal has committed the events of these tokens; where the connection has ended they come again."""
        if not self._ended:
            self._apply(self.driver.committed(tokens), MOST_ACKNOWLEDGEMENTS)

    async def answers(self, giving_up: trio.Event) -> bool:
        """Whether the other end answers a ping, or sends anything, before somebody gives up or it takes too long."""
        began = trio.current_time()
        answered = False

        async def ask() -> None:
            nonlocal answered
            with suppress(ConnectionLost):
                await self.connection.ping()
                answered = True
            asking.cancel_scope.cancel()

        with trio.move_on_after(self._timing.pong_timeout):
            async with trio.open_nursery() as asking:
                asking.start_soon(ask)
                await giving_up.wait()
                asking.cancel_scope.cancel()
        return answered or self.connection.activity.silence() < trio.current_time() - began

    async def _until_lost(self, task: Callable[[], Awaitable[None]]) -> None:
        try:
            await task()
        except ConnectionLost as loss:
            self._lose(loss)

    def _lose(self, loss: ConnectionLost) -> None:
        """End; the first reason is the true one, what follows comes from it."""
        self._loss = self._loss or loss
        self._nursery.cancel_scope.cancel()

    def _apply(self, effects: Iterable[Effect], most: int = OUTBOX) -> None:
        for effect in effects:
            match effect:
                case Send(frame):
                    self._send(frame, most)
                case Perform():
                    self._nursery.start_soon(self._perform, effect)
                case Lost(loss):
                    self._lose(loss)
                case _:
                    self._session.handle(effect, self)

    @property
    def _unsent(self) -> int:
        return self._outbox.statistics().current_buffer_used

    def _send(self, frame: str | bytes, most: int) -> None:
        if self._unsent >= most:
            self._lose(ConnectionLost(f"the vendor accepted none of our last {most} frames"))
        else:
            self._outbox.send_nowait(frame)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        """Notice a step of the protocol's that holds up everything else."""
        began = trio.current_time()
        yield
        if (seconds := trio.current_time() - began) > SLOW_SECONDS:
            self._session.handle(SlowStep(name, seconds), self)

    def _watched(self, flow: HTTPFlow[T]) -> HTTPFlow[T]:
        """The same flow, whose steps between an answer and the next request are noticed too."""
        step = partial(next, flow)
        try:
            while True:
                with self._step("an HTTP flow"):
                    try:
                        request = step()
                    except StopIteration as done:
                        result: T = done.value
                        return result
                try:
                    answer = yield request
                except RestError as error:
                    step = partial(flow.throw, error)
                else:
                    step = partial(flow.send, answer)
        finally:
            flow.close()

    # -- tasks -------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            while self.connection.can_wait and self._unsent >= OUTBOX:
                await self._sent.wait()
            frames, at = await self.connection.receive(), self._clock.now()
            for start in range(0, len(frames), FRAMES_AT_ONCE):
                if start:  # a flood of tiny frames must not hold up the rest of the program
                    await trio.lowlevel.checkpoint()
                with self._step("received"):
                    effects = self.driver.received(frames[start : start + FRAMES_AT_ONCE], at)
                self._apply(effects)

    async def _write(self) -> None:
        async for frame in self._to_send:
            await self.connection.send(frame)
            self._sent.set()
            self._sent = trio.Event()

    async def _follow(self) -> None:
        while True:
            changed = self.wanted.changed
            with self._step("subscribe"):
                effects = self.driver.want(self.wanted.topics)
            self._apply(effects)
            await changed.wait()

    async def _tick(self) -> None:
        before = self._clock.elapsed()
        while True:
            await trio.sleep(TICK_SECONDS)
            self._session.ticked(self._clock.check())
            now = self._clock.elapsed()
            passed, before = now - before, now
            with self._step("tick"):
                effects = self.driver.tick(self._clock.now(), passed)
            self._apply(effects)

    async def _keep_alive(self) -> None:
        timing = self._timing
        while True:
            await trio.sleep(timing.ping_seconds)
            with trio.move_on_after(timing.pong_timeout) as waiting:
                await self.connection.ping()
            if waiting.cancelled_caught and self.connection.activity.silence() >= timing.pong_timeout:
                raise ConnectionLost(
                    f"silent for {self.connection.activity.silence():.0f} s, and a ping was not answered"
                )

    async def _perform(self, effect: Perform) -> None:
        try:
            with provider_code():
                actions = tuple(await self._perform_http(self._watched(effect.flow)))
        except JackfieldError as error:  # even a provider's bug costs this flow only, not the connection
            self._apply(self.driver.failed(effect.number, error))
        else:
            self._apply(self.driver.performed(effect.number, actions))
