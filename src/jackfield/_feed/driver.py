"""One connection's life between the handshake and the end: a protocol driven by real frames and time.

Several tasks share the protocol, which is synchronous, so no two of them are ever inside it at once:
one reads, one writes, one follows what is wanted, others watch the clock or look by REST for what was
missed. Reading never waits: what the protocol wants to send goes through a bounded queue, and what it emits
is handed over at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Protocol, assert_never

import attrs
import trio

from jackfield._feed.backfill import Backfiller, Looker
from jackfield._feed.subscriptions import Subscriptions
from jackfield._feed.websocket import Connection
from jackfield._loading.guard import failure, provider_code
from jackfield._net.http_client import Perform
from jackfield.errors import ConnectionLost, FrameError, JackfieldError
from jackfield.events import Event
from jackfield.plugin.protocol import (
    Action,
    Backfill,
    Disconnect,
    Emit,
    FeedProtocol,
    Ignore,
    Send,
    Subscribed,
    SubscriptionRefused,
    Suspect,
)

__all__ = ["Conversation", "Host", "Timing"]

# A plan has one frame for each topic; a vendor that takes none of a thousand is not listening.
OUTBOX = 1000


@attrs.frozen
class Timing:
    """How long things may take, in seconds."""

    connect: float = 15.0
    ping_every: float = 20.0
    """Proxies cut idle lines and KAZOO's gateway hangs up on silent clients; 20 to 30 s is safe for both."""
    pong_within: float = 15.0
    """With `ping_every` the silence limit is 35 s: VoIPBIN pings every 10 s, so three were missed."""
    answer_within: float = 30.0
    """For a subscription, if the protocol itself gives up no sooner: it may have to ask several times, at a pace."""
    grace: float = 1.0
    """Both vendors may answer a subscription before it is in force, so what was missed is looked for a bit later."""
    stable: float = 10.0
    """A connection that lived this long starts the next backoff from the beginning."""
    backoff_first: float = 1.0
    backoff_most: float = 30.0


class Host(Looker, Protocol):
    """What a conversation tells: its session."""

    def emitted(self, events: list[Event], frames: int) -> None:
        """These events came out of this many frames."""
        ...

    def unreadable(self, error: FrameError) -> None:
        """A frame could not be read."""
        ...

    def ignored(self, reason: str) -> None:
        """A frame was no event."""
        ...

    def confirmed(self, topic: str) -> None:
        """The vendor serves a topic."""
        ...

    def refused(self, topic: str, reason: str) -> None:
        """The vendor does not serve a topic, or did not answer."""
        ...

    def settled(self, topics: frozenset[str]) -> datetime | None:
        """Every topic that was asked for is answered, these are in force; since when events were missed, if so."""
        ...

    def suspected(self, since: datetime, reason: str) -> None:
        """Events may be missing since then although the connection is up."""
        ...


@attrs.define
class Wanted:
    """The topics that somebody needs of a feed; whoever follows it waits for `changed`."""

    topics: frozenset[str] = frozenset()
    changed: trio.Event = attrs.field(factory=trio.Event)

    def set(self, topics: Iterable[str]) -> None:
        """Want exactly these from now on."""
        if (wanted := frozenset(topics)) != self.topics:
            self.topics = wanted
            self.changed.set()
            self.changed = trio.Event()


@attrs.define
class Conversation:
    """Drives one protocol over one connection until somebody ends it."""

    _connection: Connection
    _protocol: FeedProtocol
    _wanted: Wanted
    _subscriptions: Subscriptions
    _host: Host
    _timing: Timing
    _rest: Perform
    _overdue_at: dict[str, float] = attrs.field(factory=dict)
    """When the answer to each pending subscription is overdue."""
    _advancing: bool = False
    _settled: frozenset[str] | None = None
    _loss: ConnectionLost | None = None
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _outbox: trio.MemorySendChannel[str] = attrs.field(init=False)
    _to_send: trio.MemoryReceiveChannel[str] = attrs.field(init=False)
    _backfiller: Backfiller = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._outbox, self._to_send = trio.open_memory_channel[str](OUTBOX)
        self._backfiller = Backfiller(self._protocol, self._rest, self._act, self._host, self._timing.grace)

    async def run(self, stopping: trio.Event) -> None:
        """Talk until `stopping` is set; `ConnectionLost` where it ends otherwise."""
        with self._outbox, self._to_send:
            async with trio.open_nursery() as nursery:
                self._scope = nursery.cancel_scope
                self._ask(self._protocol.opened)
                tasks = (self._read, self._write, self._follow, self._tick, self._keep_alive, self._backfiller.run)
                for task in tasks:
                    nursery.start_soon(self._until_lost, task)
                await stopping.wait()
                nursery.cancel_scope.cancel()
        if self._loss is not None:
            raise self._loss

    async def _until_lost(self, task: Callable[[], Awaitable[None]]) -> None:
        try:
            await task()
        except ConnectionLost as loss:
            self._lose(loss)

    def _lose(self, loss: ConnectionLost) -> None:
        """End the conversation; the first reason is the true one, what follows comes from it."""
        self._loss = self._loss or loss
        self._scope.cancel()

    # -- what the tasks do -------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            frames = await self._connection.receive()
            at = self._host.now()
            events: list[Event] = []
            for frame in frames:
                try:
                    actions = tuple(self._protocol.received(frame, at))
                except FrameError as error:
                    self._hand_over(events)
                    self._host.unreadable(error)
                except Exception as error:  # noqa: BLE001  # a provider's bug costs one frame, not the feed
                    self._hand_over(events)
                    self._host.unreadable(FrameError(failure(error), frame))
                else:
                    self._perform(actions, events)
            self._host.emitted(events, len(frames))

    async def _write(self) -> None:
        async for text in self._to_send:
            await self._connection.send(text)

    async def _follow(self) -> None:
        while True:
            changed = self._wanted.changed
            self._subscriptions.want(self._wanted.topics)
            self._advance()
            await changed.wait()

    async def _tick(self) -> None:
        while True:
            await trio.sleep(1.0)
            self._ask(self._protocol.tick, self._host.now())
            for topic in sorted(self._subscriptions.pending):
                if self._overdue_at[topic] <= trio.current_time():
                    # It may still be served: an answer that comes later confirms it after all.
                    self._refuse(topic, f"no answer within {self._timing.answer_within:g} s")

    async def _keep_alive(self) -> None:
        timing = self._timing
        while True:
            await trio.sleep(timing.ping_every)
            with trio.move_on_after(timing.pong_within) as waiting:
                await self._connection.ping()
            if waiting.cancelled_caught and self._connection.silence() >= timing.pong_within:
                raise ConnectionLost(f"silent for {self._connection.silence():.0f} s, and a ping was not answered")

    # -- what the protocol wants -------------------------------------------------------------------

    def _ask(self, method: Callable[..., Iterable[Action]], *arguments: str | datetime) -> None:
        """Call one of the protocol's inputs that is no frame, and perform what it answers."""
        try:
            with provider_code():
                actions = tuple(method(*arguments))
        except JackfieldError as error:  # a provider's bug ends the connection, not the host
            self._lose(ConnectionLost(str(error)))
        else:
            self._act(actions)

    def _act(self, actions: tuple[Action, ...]) -> int:
        """Perform actions that come from no frame; how many events were among them."""
        events: list[Event] = []
        self._perform(actions, events)
        self._hand_over(events)
        return sum(isinstance(action, Emit) for action in actions)

    def _perform(self, actions: tuple[Action, ...], events: list[Event]) -> None:
        for action in actions:
            if type(action) is Emit:  # nearly every one; a pattern would take as long as all the rest
                events.append(action.event)
                continue
            self._hand_over(events)
            match action:
                case Emit(event):
                    events.append(event)
                case Send(text):
                    self._send(text)
                case Subscribed(topic):
                    self._confirm(topic)
                case SubscriptionRefused(topic, reason):
                    self._refuse(topic, reason)
                case Ignore(reason):
                    self._host.ignored(reason)
                case Disconnect(reason, refused, since):
                    self._lose(ConnectionLost(reason, auth_failed=refused, missed_since=since))
                case Suspect(since, reason):
                    self._host.suspected(since, reason)
                case Backfill():
                    self._backfiller.ask(None)
                case _:
                    assert_never(action)

    def _hand_over(self, events: list[Event]) -> None:
        """Facts about the connection are reported after the events that came before them."""
        if events:
            self._host.emitted(events.copy(), 0)
            events.clear()

    def _send(self, text: str) -> None:
        try:
            self._outbox.send_nowait(text)
        except trio.WouldBlock:
            self._lose(ConnectionLost(f"the vendor took none of our last {OUTBOX} frames"))

    def _confirm(self, topic: str) -> None:
        if self._subscriptions.confirm(topic):
            self._host.confirmed(topic)
            self._advance()

    def _refuse(self, topic: str, reason: str) -> None:
        if self._subscriptions.refuse(topic):
            self._host.refused(topic, reason)
            self._advance()

    def _advance(self) -> None:
        """Take every step that can be taken now; a vendor may answer one before the next is taken."""
        if self._advancing:
            return
        self._advancing = True
        while (step := self._subscriptions.next_step()) is not None:
            verb, topic = step
            if verb == "subscribe":
                self._overdue_at[topic] = trio.current_time() + self._timing.answer_within
                self._ask(self._protocol.subscribe, topic)
            else:
                self._ask(self._protocol.unsubscribe, topic)
        self._advancing = False
        held = frozenset(self._subscriptions.held)
        if self._subscriptions.settled and held != self._settled:
            self._settled = held
            if (missed_since := self._host.settled(held)) is not None:
                self._backfiller.ask(missed_since)
