"""A real session, before a vendor that is played over memory on virtual time."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import attrs
import trio
import trio.testing

from jackfield._feed.recorder import Committed
from jackfield._feed.session import Session
from jackfield._net.exception_groups import sole_cause
from jackfield._net.http_client import drive
from jackfield.config import Feed
from jackfield.events import Event
from jackfield.plugin.http import HTTPFlow, Request, Response
from jackfield.plugin.provider import Provider
from jackfield.plugin.simulator import CloseConnection, SupportsGreeting
from jackfield.plugin.transport import ByteStream, NetworkEndpoint, OpenPullSource, PullSource
from jackfield.reports import Report
from jackfield.simulation._listener import ClientGone
from jackfield.testing._clock import run_in_virtual_time
from jackfield.testing._peers import Peer, played_source, serve_peer

__all__ = ["FEED", "Harness", "Scenario", "Vendor", "as_target", "play", "sole_cause"]

FEED = "conformance"
# The longest that a scenario may take, in virtual seconds: far beyond every time-out of a session.
SCENE_SECONDS = 4 * 3600.0
POLL_SECONDS = 0.1

T = TypeVar("T")


class Vendor(Protocol):
    """The vendor's side of one connection; a `SimulatedClient` is one.

    One that speaks first has `jackfield.plugin.simulator.SupportsGreeting` too.
    """

    def received(self, frame: str | bytes) -> Iterable[str | bytes | CloseConnection]:
        """What the vendor sends back for a frame of ours, in order."""
        ...


@attrs.define
class Harness:
    """What has happened so far, and what a scenario can do."""

    _provider: Provider
    _vendor: Callable[[], Vendor | None]
    """Makes the other side of each connection; ``None`` for one that never says anything."""
    _rest: Callable[[Request], Response]
    _counts: Callable[[Request], bool]
    """Whether a request subscribes, so that it counts like a frame."""
    came: list[list[str | bytes]] = attrs.field(factory=list)
    """What came from us on each connection, in order: frames, and requests that subscribe."""
    vendors: list[Vendor | None] = attrs.field(factory=list)
    """The other side of each connection."""
    greeting_delay: float = 0.0
    """Seconds after which a vendor that speaks first does so."""
    events: list[Event] = attrs.field(factory=list)
    reports: list[Report] = attrs.field(factory=list)
    attempts: int = 0
    """How often we have tried to connect."""
    most_up: int = 0
    """How many connections were up at once."""
    session: Session = attrs.field(init=False)
    _up: list[Peer] = attrs.field(factory=list)
    _nursery: trio.Nursery = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        feed = Feed(FEED, self._provider.source.provider, self._provider)
        self.session = Session(
            feed, self._commit, self.reports.append, random.Random(1), opener=self, rest=self._perform
        )

    async def run(self, scenario: Callable[[Harness], Awaitable[None]]) -> None:
        """Play a scenario while the session runs, and let nothing of it go on behind."""
        with trio.fail_after(SCENE_SECONDS):
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self.session.run)
                await scenario(self)
                nursery.cancel_scope.cancel()

    def _commit(
        self, events: list[Event], tokens: Mapping[str, str] = {}, committed: Committed | None = None, /
    ) -> None:
        self.events += events
        if committed is not None:
            committed(tuple(tokens.values()))

    # -- what a scenario does -------------------------------------------------------------------------

    async def within(self, seconds: float, condition: Callable[[], bool]) -> bool:
        """Whether a condition comes to hold in so many seconds."""
        for _ in range(round(seconds / POLL_SECONDS)):
            if condition():
                return True
            await trio.sleep(POLL_SECONDS)
        return condition()

    async def settled(self, topics: Iterable[str]) -> bool:
        """Whether exactly these topics become active within the time limit."""
        wanted = frozenset(topics)
        return await self.within(120, lambda: self.session.stats.topics == wanted)

    async def say(self, frame: str) -> None:
        """Let the vendor send a frame on its newest connection."""
        await self._up[-1].send(frame)
        await trio.sleep(POLL_SECONDS)

    async def drop(self) -> None:
        """Cut the connection."""
        await self._up[-1].close(CloseConnection())

    # -- what the session meets --------------------------------------------------------------------

    def open_source(self, source: PullSource) -> AbstractAsyncContextManager[OpenPullSource]:
        """Play what the provider's own client would connect to; the session calls this."""
        self.attempts += 1
        return played_source(lambda peer: self._nursery.start_soon(self._serve, (), peer))

    async def __call__(self, endpoint: NetworkEndpoint, /) -> trio.abc.Stream:
        """Play what the session connects to; it calls this."""
        await trio.lowlevel.checkpoint()
        self.attempts += 1
        ours, theirs = trio.testing.memory_stream_pair()
        self._nursery.start_soon(serve_peer, endpoint, theirs, partial(self._serve, _pings_of(endpoint)))
        return ours

    async def _serve(self, pings: tuple[str | bytes, ...], connection: Peer) -> None:
        came: list[str | bytes] = []
        vendor = self._vendor()
        self.came.append(came)
        self.vendors.append(vendor)
        self._up.append(connection)
        self.most_up = max(self.most_up, len(self._up))
        try:
            async with trio.open_nursery() as nursery:
                if vendor is not None and isinstance(vendor, SupportsGreeting):
                    nursery.start_soon(self._greet, connection, vendor)
                while True:
                    frame = await connection.receive()
                    if frame not in pings:
                        came.append(frame)
                    for answer in vendor.received(frame) if vendor is not None else ():
                        await _send(connection, answer)
        except* ClientGone:
            pass
        finally:
            self._up.remove(connection)

    async def _greet(self, connection: Peer, vendor: SupportsGreeting) -> None:
        await trio.sleep(self.greeting_delay)
        for frame in vendor.opened():
            await _send(connection, frame)

    async def _perform(self, exchange: HTTPFlow[T]) -> T:
        return await drive(exchange, self._answer)

    async def _answer(self, request: Request) -> Response:
        await trio.lowlevel.checkpoint()
        seen = as_target(request)
        if self._up and self._counts(seen):
            self.came[-1].append(f"{seen.method} {seen.url} {seen.body.decode(errors='replace')}")
        return self._rest(seen)


def _pings_of(endpoint: NetworkEndpoint) -> tuple[str | bytes, ...]:
    """The frames by which a session finds out whether a byte stream still lives, as the vendor gets them."""
    if not isinstance(endpoint, ByteStream) or endpoint.ping is None:
        return ()
    ping = b"".join(endpoint.framing().split(endpoint.framing().wrap(endpoint.ping)))
    return (ping, ping.decode(errors="replace"))


async def _send(connection: Peer, answer: str | bytes | CloseConnection) -> None:
    if isinstance(answer, CloseConnection):
        await connection.close(answer)
        raise ClientGone
    await connection.send(answer)


Scenario = Callable[[Harness], Awaitable[None]]
"""What happens on a harness."""


def as_target(request: Request) -> Request:
    """The request as a server sees it: its URL is the path and the query."""
    parts = urlsplit(request.url)
    return attrs.evolve(request, url=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def play(
    provider: Provider,
    vendor: Callable[[], Vendor | None],
    rest: Callable[[Request], Response],
    scenario: Scenario,
    counts: Callable[[Request], bool],
) -> Harness:
    """Play a scenario on a harness of its own, in virtual time; the harness afterwards."""
    harness = Harness(provider, vendor, rest, counts)
    try:
        run_in_virtual_time(partial(harness.run, scenario))
    except BaseExceptionGroup as group:
        raise sole_cause(group) from None
    return harness
