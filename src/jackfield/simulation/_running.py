"""A simulator that runs: its faults, its clients, what it has done, and the ends of its connections."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

import attrs
import trio

from jackfield.plugin.options import field_help, ge
from jackfield.plugin.simulator import (
    CloseConnection,
    SimulatedClient,
    Simulator,
    SupportsClosed,
    SupportsGreeting,
    SupportsQueueLimit,
    SupportsWebhookDelivery,
)
from jackfield.simulation._faults import Counters, Faults, copies, extras
from jackfield.simulation._listener import CLOSE_SECONDS, ClientGone, WebSocketConnection
from jackfield.simulation._outbox import Outbox
from jackfield.simulation._webhook_delivery import WebhookSender

__all__ = ["TICK", "Client", "Running"]

# How soon what depends on time, and what is switched while it runs, is noticed.
TICK = 0.02
# What a server keeps for a slow client where nobody knows its limit.
MOST_QUEUED = 2000
# So many turns of the scheduler in which nothing was sent show that nobody reads.
IDLE_TURNS = 3


@attrs.frozen
class _EventFrame:
    frame: str


_Item: TypeAlias = str | bytes | CloseConnection | _EventFrame


@attrs.define(eq=False)
class Client:
    """The server's side of one connection, faults included."""

    _state: SimulatedClient
    _connection: WebSocketConnection
    _faults: Faults
    _done: Counters
    _chance: Random
    _sent: deque[str]
    _most_queued: int
    """How many frames its vendor keeps for it."""
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _outbox: Outbox[_Item] = attrs.field(init=False)
    _since: float = attrs.field(factory=trio.current_time, init=False)
    _cut: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._outbox = Outbox(self._lagged)

    def _lagged(self) -> None:
        self._done.lagged += 1

    @property
    def waiting(self) -> int:
        """How much has not been sent yet."""
        return len(self._outbox)

    @property
    def most_waiting(self) -> int:
        """How much may wait; what comes beyond that is lost."""
        return self._faults.lag_drop or self._most_queued

    async def serve(self, ping_every: Callable[[], float | None]) -> None:
        """Answer what the client sends and send what it shall get; `ClientGone` at the end, unless it was cut."""
        with self._scope:
            if isinstance(self._state, SupportsGreeting):
                for frame in self._state.opened():
                    self._outbox.put(frame, self.most_waiting, self._faults.late)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                nursery.start_soon(self._ping, ping_every)
                while True:
                    self._answer(await self._connection.receive())

    def _answer(self, frame: str | bytes) -> None:
        for answer in self._state.received(frame):
            if isinstance(answer, CloseConnection):
                self._outbox.put(answer, len(self._outbox) + 1, self._faults.late)
            elif self._faults.mute:
                self._done.muted += 1
            else:
                self._outbox.put(answer, self.most_waiting, self._faults.late)

    def publish(self, event: Any) -> None:
        """Send the client what it gets of an event."""
        most = self.most_waiting
        clear = self._faults.clear
        for frame in self._state.frames_for(event):
            if clear:
                self._outbox.put(_EventFrame(frame), most)
                continue
            if self._faults.stalled:
                self._done.withheld += 1
                continue
            for extra in extras(self._faults, self._chance, self._done):
                self._outbox.put(extra, most)
            for delay, copy in copies(self._faults, _EventFrame(frame), self._chance, self._done):
                self._outbox.put(copy, most, delay)

    def look(self, now: float) -> None:
        """Cut the connection if a fault says so."""
        age, silence = now - self._since, self._connection.silence()
        faults = self._faults
        if (faults.cut_after and age >= faults.cut_after) or (
            faults.cut_silent_after and silence >= faults.cut_silent_after
        ):
            self.cut()

    def cut(self) -> None:
        """End the connection: at once, or after what is just being sent with a close frame."""
        if self._cut:
            return
        self._cut = True
        self._done.cut += 1
        if self._faults.close_code:
            self._outbox.put_first(CloseConnection(self._faults.close_code))
            self._scope.deadline = trio.current_time() + 2 * CLOSE_SECONDS
        else:
            self._scope.cancel()

    def gone(self) -> None:
        """Tell the simulator's side of it, where that wants to know."""
        if isinstance(self._state, SupportsClosed):
            self._state.closed()

    async def _write(self) -> None:
        while True:
            match await self._outbox.take():
                case _EventFrame(frame):
                    self._done.sent += 1
                    self._sent.append(frame)
                    await self._connection.send(frame)
                case CloseConnection() as how:
                    await self._connection.close(how)
                    raise ClientGone
                case frame:
                    await self._connection.send(frame)

    async def _ping(self, every: Callable[[], float | None]) -> None:
        while (seconds := every()) is not None:
            await trio.sleep(seconds)
            await self._connection.ping()


@attrs.define(eq=False)
class Running:
    """A simulator that runs, for whoever started it."""

    simulator: Simulator
    faults: Faults
    url: str
    """Where clients connect."""
    control: str
    """Where it can be looked at and switched by HTTP."""
    published: deque[Any]
    """The newest events that happened, in the simulator's own form, whoever got them."""
    sent: deque[str]
    """The newest event frames that went out, to all clients; a client whose connection was cut may miss the last."""
    counters: Counters
    _sender: WebhookSender
    limit: int | None = attrs.field(
        default=None,
        validator=ge(0),
        metadata=field_help("how many events happen; then it only serves", live=True),
    )
    _clients: set[Client] = attrs.field(factory=set, init=False)
    _chance: Random = attrs.field(init=False)
    """Decides about webhooks."""

    _posts: SupportsWebhookDelivery | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._chance = self._make_chance(0)
        self._posts = self.simulator if isinstance(self.simulator, SupportsWebhookDelivery) else None

    def _make_chance(self, connection: int) -> Random:
        """A client's own, so that what it meets does not hang on others."""
        return Random(f"{getattr(self.simulator, 'seed', 0)} {connection}")

    def feed(self) -> dict[str, Any]:
        """The ``[feeds.…]`` table of a gateway that connects to it."""
        return self.simulator.feed(self.url)

    def cut(self) -> int:
        """Cut all connections, as `Faults.close_code` says; how many there were."""
        clients = list(self._clients)
        for client in clients:
            client.cut()
        return len(clients)

    async def settled(self) -> None:
        """Wait until all events of the `limit` have happened and all that comes of them has been sent."""
        while True:
            happened = self.limit is None or self.counters.events >= self.limit
            if happened and not self._sender.waiting and not any(client.waiting for client in self._clients):
                return
            await trio.sleep(TICK)

    @property
    def last_webhook_failure(self) -> str:
        """Why a webhook's attempt failed last."""
        return self._sender.last_failure

    @property
    def may_go_on(self) -> bool:
        """Whether another event may happen."""
        return self.simulator.rate > 0 and (self.limit is None or self.counters.events < self.limit)

    def publish(self, event: Any) -> None:
        """Let an event happen: each client gets its frames, and its webhooks go out."""
        self.counters.events += 1
        self.published.append(event)
        for client in self._clients:
            client.publish(event)
        if self._posts is not None:
            for delivery in self._posts.webhooks_of(event):
                for delay, copy in copies(self.faults, delivery, self._chance, self.counters):
                    self._sender.post(copy, delay)

    async def caught_up(self) -> None:
        """Let those clients go on that read and are behind all the same, since events come in bursts here."""
        waiting, idle = self._waiting_too_long(), 0
        while waiting and idle < IDLE_TURNS:
            await trio.lowlevel.checkpoint()
            before, waiting = waiting, self._waiting_too_long()
            idle = idle + 1 if waiting >= before else 0

    def _waiting_too_long(self) -> int:
        return sum(each.waiting for each in self._clients if each.waiting * 2 > each.most_waiting)

    async def connected(self, connection: WebSocketConnection) -> None:
        """Serve a connection to its end."""
        self.counters.connections += 1
        chance = self._make_chance(self.counters.connections)
        limit = self.simulator.most_queued if isinstance(self.simulator, SupportsQueueLimit) else MOST_QUEUED
        client = Client(self.simulator.client(), connection, self.faults, self.counters, chance, self.sent, limit)
        self._clients.add(client)
        try:
            await client.serve(lambda: self.simulator.ping_every)
        finally:
            self._clients.discard(client)
            client.gone()

    async def watch(self) -> None:
        """Cut connections when it is time."""
        last = trio.current_time()
        while True:
            await trio.sleep(TICK)
            now = trio.current_time()
            for client in list(self._clients):
                client.look(now)
            if not self.faults.cut_every:
                last = now
            elif now - last >= self.faults.cut_every:
                self.cut()
                last = now
