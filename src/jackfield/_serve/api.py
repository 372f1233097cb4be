"""``/v1/``: committed events and the state, for programs in any language and for pages.

Mount it in any server of `jackfield._net.http_server`: `API.respond` answers what is below ``/v1/`` and returns
``None`` for everything else. Who may ask, and from where, is decided before.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import attrs
import trio

from jackfield._gateway.committed import CommittedEvents, committed_events, count_serving
from jackfield._gateway.gateway import Gateway
from jackfield._gateway.watch import Watch
from jackfield._net.http_connection import Send, Streamed
from jackfield._serve.asking import EventsAsked, Refused, Target, json_response, read_target
from jackfield._serve.contacts import Contacts
from jackfield._serve.counters import ServeCounters
from jackfield._serve.describing import asyncapi_document, openapi_document, parameters_of
from jackfield._serve.durable import Beginning, ServedDurables
from jackfield._serve.fanout import Fanout, Holds
from jackfield._serve.feeds import feeds_document, kinds_document
from jackfield._serve.grants import Grant
from jackfield._serve.messages import Entry, Positions
from jackfield._serve.sse import EventStream
from jackfield._serve.states import States
from jackfield._serve.subscription import Start, Subscription
from jackfield.config import ServeOptions
from jackfield.errors import JournalError
from jackfield.plugin.http import Request, Response
from jackfield.reports._counters import count_reason
from jackfield.selectors import Selector
from jackfield.state import Entity

__all__ = ["API", "open_api"]

SWEEP_SECONDS = 10.0
BUFFER_BYTES = 4_000_000
LINGER_SECONDS = 300.0
EVENTS_SECONDS = 0.0002
"""Seconds between two messages to a client, for each that is up to date: what comes meanwhile goes together."""
MOST_PAUSE = 0.1
"""So late an event may be, where very many clients are up to date."""


@attrs.define(eq=False)
class API:
    """Answers requests below ``/v1/``; made by `open_api`."""

    gateway: Gateway
    _events: CommittedEvents
    _fanout: Fanout
    holds: Holds
    positions: Positions
    buffer_bytes: int = BUFFER_BYTES
    _reading: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1))
    max_clients: int = 2500
    counts: ServeCounters = attrs.field(factory=ServeCounters)
    _contacts: Contacts = attrs.field(init=False)
    durables: ServedDurables = attrs.field(init=False)
    states: States = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.durables = ServedDurables(self._events, self.positions, self.counts)
        self._contacts = Contacts(self.gateway)
        self.states = States(self.gateway, self.positions)

    async def respond(self, request: Request, grant: Grant) -> Response | Streamed | None:
        """Answer a request of somebody who may see that much; ``None`` where it is not for a path below ``/v1/``."""
        target = read_target(request.url)
        if target is None:
            return None
        try:
            if known := parameters_of(target.path):
                target.check(known)
            if target.path[0] == "durable":
                return await self.durables.respond(request, target.path[1:], grant)
            if request.method not in ("GET", "HEAD"):
                raise Refused(405, "only GET is allowed here", {"allow": "GET, HEAD"})
            return await self._respond(request, target, grant)
        except Refused as refusal:
            self.refuse(refusal.error)
            return refusal.response()

    def refuse(self, reason: str) -> None:
        """Count a request that is refused."""
        count_reason(self.counts.rejections, reason)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Count a stream while it is open."""
        self.counts.clients += 1
        self.counts.accepted += 1
        try:
            yield
        finally:
            self.counts.clients -= 1

    def check_room(self) -> None:
        """`Refused` where there are as many streams as there may be."""
        if self.counts.clients >= self.max_clients:
            raise Refused(503, "there are too many clients; try again later", {"retry-after": "10"})

    async def _respond(self, request: Request, target: Target, grant: Grant) -> Response | Streamed:
        match target.path:
            case ("events",):
                return self._stream(request, EventsAsked.of(request, target, grant, self.positions), grant)
            case ("state",):
                check_state(grant)
                async with self.states.watching(grant) as (_, document):
                    return json_response(200, document)
            case ("feeds",):
                return json_response(200, feeds_document(self.gateway, grant))
            case ("kinds",):
                return json_response(200, kinds_document())
            case ("openapi.json",):
                return json_response(200, openapi_document())
            case ("asyncapi.json",):
                return json_response(200, asyncapi_document())
            case ("events", which):
                return json_response(200, await self._event(which, grant))
            case ("contacts", what):
                return await self._contacts.respond(request, what, target, grant)
        raise Refused(404, f"there is no /v1/{'/'.join(target.path)[:200]}")

    async def _event(self, text: str, grant: Grant) -> bytes:
        """The event at a position, or the newest one with this id."""
        try:
            position = self.positions.read(text)
        except ValueError:
            position = None
        found = self._fanout.with_id(text) if position is None else self._fanout.read(position, 1) or []
        for stored in (False, True):
            if stored:
                async with self._reading:
                    found = await self._stored(text, position)
            for entry in reversed(found):
                if position in (None, entry.position) and grant.sees(entry.event):
                    return entry.text(grant, self.positions)
        raise Refused(404, "there is no such event, or it is not kept any more, or this token may not see it")

    async def _stored(self, id: str, position: int | None) -> list[Entry]:
        try:
            if position is None:
                records = await self._events.with_id(id)
            else:
                records = (await self._events.read(position, 1)).records
        except JournalError as error:
            raise Refused(503, f"the journal cannot be read: {error}") from None
        return [Entry(*each) for each in records]

    def subscribe(self, selectors: tuple[Selector, ...], grant: Grant, beginning: Beginning) -> Subscription:
        """A subscription, to be closed; the feeds subscribe to what it needs."""
        self.holds.hold(selectors)
        return Subscription(
            selectors,
            grant,
            self._events,
            self._fanout,
            self.positions,
            beginning.start,
            self.buffer_bytes,
            self._reading,
            self.counts.drop,
            beginning.place,
        )

    def release(self, subscription: Subscription) -> None:
        """Close a subscription."""
        subscription.close()
        self.holds.release(subscription.selectors, trio.current_time())

    def begin(
        self, select: tuple[Selector, ...], grant: Grant, after: str, durable: str = "", resumed: str = ""
    ) -> Beginning:
        """Where a subscription begins that asks for what comes after a position, or where a durable one goes on."""
        if not durable:
            return Beginning(Start.of(resumed or after, self.positions, self._events))
        first = min(self._events.first, self._fanout.first)
        return self.durables.begin(durable, grant, select, after, resumed, first)

    def _stream(self, request: Request, asked: EventsAsked, grant: Grant) -> Response | Streamed:
        if asked.state:
            check_state(grant)
        if asked.check or request.method == "HEAD":
            return json_response(200, {"select": [str(each) for each in asked.select]})
        self.check_room()
        head = Response(
            200,
            {
                "content-type": "text/event-stream",
                "cache-control": "no-store",
                "x-accel-buffering": "no",  # nginx sends each message at once then
                "jackfield-select": ", ".join(map(str, asked.select)),
            },
        )
        # Where it begins is decided here: what is committed from now on is in it, however long the head takes.
        beginning = self.begin(asked.select, grant, asked.after, asked.durable, asked.resumed)
        return Streamed(head, partial(self._send, asked, beginning, grant))

    async def _send(self, asked: EventsAsked, beginning: Beginning, grant: Grant, send: Send) -> None:
        stream = EventStream(send, grant, self.positions, self.pause, self.counts)
        with self.stream():
            if asked.state:
                async with self.states.watching(grant) as state:
                    resumed = asked.resumed or asked.after
                    beginning = beginning if resumed else Beginning(Start(state[0].snapshot.position + 1))
                    await self._send_events(stream, asked, beginning, grant, state)
                return
            with self.durables.follow(beginning.key) as following:
                await self._send_events(stream, asked, beginning, grant)
            if following.cancelled_caught:
                await stream.end("taken_over")

    async def _send_events(
        self,
        stream: EventStream,
        asked: EventsAsked,
        beginning: Beginning,
        grant: Grant,
        state: tuple[Watch, bytes] | None = None,
    ) -> None:
        subscription = self.subscribe(asked.select, grant, beginning) if asked.select else None
        try:
            await stream.begin(state)
            await stream.run(subscription, None if state is None else state[0])
        finally:
            if subscription is not None:
                self.release(subscription)

    def pause(self) -> float:
        """Seconds to wait after a message with events."""
        return min(MOST_PAUSE, EVENTS_SECONDS * self._fanout.taps)

    async def run(self) -> None:
        """Give up selectors that nobody wants any more, until cancelled."""
        while True:
            await trio.sleep(SWEEP_SECONDS)
            self.holds.sweep(trio.current_time())


def check_state(grant: Grant) -> None:
    """`Refused` for a client that sees nothing of the state."""
    if not any(grant.allows_entity(entity, provider) for entity in ENTITIES for provider in providers(grant)):
        shown = ", ".join(map(str, grant.select))
        reason = f"this token may see {shown}: that is not all that any call, contact, agent or queue is made of"
        raise Refused(403, reason, allowed=shown)


def providers(grant: Grant) -> set[str]:
    """The vendors that a grant names; an empty name stands for all."""
    return {each.address.provider or "" for each in grant.select}


ENTITIES: tuple[Entity, ...] = ("call", "contact", "agent", "queue")


@asynccontextmanager
async def open_api(
    gateway: Gateway, options: ServeOptions | None = None, *, linger: float | None = None
) -> AsyncGenerator[API, None]:
    """The API of a gateway, which follows its commits meanwhile; of `options` its bounds count.

    What clients select stays subscribed for `linger` seconds after they have gone.
    """
    options = options or ServeOptions()
    events = committed_events(gateway)
    fanout = Fanout(events.end)
    events.follow(fanout.put)
    holds = Holds(events.select, events.deselect, options.linger_seconds if linger is None else linger)
    api = API(
        gateway,
        events,
        fanout,
        holds,
        Positions(events.journal),
        buffer_bytes=options.buffer_bytes,
        max_clients=options.max_clients,
    )
    count_serving(gateway, api.counts.snapshot)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(api.run)
            yield api
            nursery.cancel_scope.cancel()
    finally:
        events.unfollow(fanout.put)
        holds.close()
