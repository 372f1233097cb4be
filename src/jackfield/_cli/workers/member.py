"""A worker: holds some feeds, each by a gateway with a journal of its own, and does what its parent says."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Iterable
from functools import partial

import attrs
import trio

from jackfield._cli.config_option import build
from jackfield._cli.console import Console
from jackfield._cli.outcome import status_of
from jackfield._cli.plugin_logs import plugin_logs
from jackfield._cli.streams import run_as_program
from jackfield._cli.tuning import tune
from jackfield._cli.workers.channel import Channel
from jackfield._cli.workers.messages import (
    Answered,
    Applied,
    Apply,
    Ask,
    Begin,
    End,
    Failure,
    Message,
    Post,
    Ready,
    States,
    UnitState,
    Written,
)
from jackfield._cli.workers.unit import unit_config
from jackfield._gateway.gateway import Gateway
from jackfield._gateway.opening import open_gateway
from jackfield._gateway.snapshot import GatewayState
from jackfield._loading.registry import Registry
from jackfield._serve.loop_delays import LoopDelays
from jackfield.config import GatewayConfig
from jackfield.errors import JackfieldError
from jackfield.plugin.http import Request

__all__ = ["run", "serve"]

SAY_SECONDS = 5.0
"""How long the last figures may take to be read by the parent."""


@attrs.define(eq=False)
class Member:
    """The gateways of this process."""

    _registry: Registry
    _console: Console
    _channel: Channel
    _nursery: trio.Nursery
    """Of the gateways."""
    delays: LoopDelays = attrs.field(factory=LoopDelays)
    _gateways: dict[str, Gateway] = attrs.field(factory=dict)
    _ends: dict[str, trio.Event] = attrs.field(factory=dict)
    """By feed: set for its gateway to close."""
    ending: trio.Event = attrs.field(factory=trio.Event)
    """Set once no gateway is to be opened any more."""
    _applied: Written | None = None
    _turn: trio.Lock = attrs.field(factory=trio.Lock)

    def read(self, written: Written) -> GatewayConfig:
        """A configuration as the parent has read it."""
        return build(written.document(), self._registry)

    async def begin(self, written: Written, feeds: Iterable[str]) -> None:
        """Open the gateways of these feeds; `JackfieldError` where one cannot be."""
        config = await trio.to_thread.run_sync(self.read, written)
        self._applied = written
        for feed in feeds:
            await self._nursery.start(self._hold, unit_config(config, feed), feed)

    def end(self) -> None:
        """Let all gateways close, gracefully."""
        self.ending.set()
        for each in self._ends.values():
            each.set()

    async def _hold(
        self, config: GatewayConfig, feed: str, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        async with open_gateway(config, registry=self._registry, plugins=[self._console]) as gateway:
            self._gateways[feed] = gateway
            end = self._ends[feed] = trio.Event()
            task_status.started()
            if not self.ending.is_set():
                await end.wait()

    def states(self, number: int) -> States:
        """How everything stands."""
        units = {feed: _wired(gateway.state()) for feed, gateway in self._gateways.items()}
        return States(number, units, self.delays.snapshot())

    async def answer(self, message: Message) -> None:
        """Do what the parent asks, and say what came of it."""
        match message:
            case Ask(number):
                self._channel.say(self.states(number))
            case Post(number, feed, method, url, headers, body):
                self._channel.say(await self._post(number, feed, Request(method, url, headers, body)))
            case Apply(number, written, feeds):
                self._channel.say(await self._apply(number, written, feeds))

    async def _post(self, number: int, feed: str, request: Request) -> Answered:
        if (gateway := self._gateways.get(feed)) is None:
            return Answered(number, 503, {"retry-after": "5"}, b'{"error":"the feed is not held here"}')
        response = await gateway.post(feed, request)
        return Answered(number, response.status, dict(response.headers), response.body)

    async def _apply(self, number: int, written: Written, feeds: Iterable[str]) -> Applied:
        """All gateways go over to another configuration, or all stay with the one that they have."""
        async with self._turn:
            before, changes, held = self._applied, dict[str, None](), tuple(self._gateways)
            assert before is not None
            try:
                config = await trio.to_thread.run_sync(self.read, written)
                for feed in held:
                    changes |= dict.fromkeys((await self._gateways[feed].apply(unit_config(config, feed))).lines)
                for feed in feeds:
                    if feed not in held:
                        await self._nursery.start(self._hold, unit_config(config, feed), feed)
            except JackfieldError as error:
                return Applied(number, failure=await self._take_back(before, held, error))
            self._applied = written
            return Applied(number, tuple(changes))

    async def _take_back(self, before: Written, held: tuple[str, ...], error: JackfieldError) -> Failure:
        """Let all gateways go back to what they had; what was wrong, and what could not be taken back."""
        failure = Failure.of(error)
        for feed in self._gateways.keys() - set(held):
            self._ends.pop(feed).set()
            del self._gateways[feed]
        try:
            config = await trio.to_thread.run_sync(self.read, before)
            for feed in held:
                await self._gateways[feed].apply(unit_config(config, feed))
        except JackfieldError as again:
            left = f"and what had changed by then could not be taken back: {again}"
            return Failure(f"{failure.text}; {left}", (*failure.problems, ("", left)))
        return failure


def _wired(state: GatewayState) -> UnitState:
    feeds = {name: attrs.evolve(each, last_unreadable=()) for name, each in state.feeds.items()}
    return UnitState(feeds, dict(state.sinks), state.journal)


async def serve(end: socket.socket) -> int:
    """Be a worker until the parent says so, or has gone; the exit status."""
    channel = Channel.of(end)
    async with trio.open_nursery() as sending:
        sending.start_soon(channel.run)
        messages = channel.messages()
        try:
            async for first in messages:
                assert isinstance(first, Begin)
                status = await _hold_feeds(first, messages, channel)
                break
            else:
                status = 0  # the parent ended before it said anything
        finally:
            await messages.aclose()
        channel.finish()
        sending.cancel_scope.deadline = trio.current_time() + SAY_SECONDS
    await channel.aclose()
    return status


async def _hold_feeds(begin: Begin, messages: AsyncGenerator[Message, None], channel: Channel) -> int:
    registry = Registry.load(only=begin.plugins, strict=begin.strict)
    console = Console(begin.log_level, begin.log_format)
    member = None
    try:
        with plugin_logs(console, registry.redact):
            async with trio.open_nursery() as outer:
                async with trio.open_nursery() as gateways:
                    member = Member(registry, console, channel, gateways)
                    outer.start_soon(_obey, member, messages, outer)
                    outer.start_soon(member.delays.measure)
                    try:
                        await member.begin(begin.config, begin.feeds)
                        channel.say(Ready())
                        await member.ending.wait()  # one that holds nothing yet may get a feed
                    except JackfieldError as error:
                        channel.say(Ready(Failure.of(error)))
                        member.end()
                outer.cancel_scope.cancel()
    finally:
        if member is not None:
            channel.say(member.states(0))
    return 0


async def _obey(member: Member, messages: AsyncGenerator[Message, None], nursery: trio.Nursery) -> None:
    async for message in messages:
        if isinstance(message, End):
            break
        nursery.start_soon(member.answer, message)
    member.end()


def _run(number: int) -> int:
    tune()
    return trio.run(serve, socket.socket(fileno=number))


def run(number: int) -> int:
    """Run as a worker with this end of a socket, in a process of its own; its exit status."""
    return run_as_program(partial(status_of, partial(_run, number)))
