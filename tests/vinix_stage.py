"""A session of a Vinix feed before the simulator, with websockets over memory and virtual time."""

import random
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import attrs
import trio

from jackfield._feed.clock import Clock
from jackfield._feed.connection import Timing
from jackfield._feed.session import Session
from jackfield._net.http_client import drive
from jackfield.config import Feed
from jackfield.plugin.secrets import Secret
from jackfield.plugin.simulator import CloseConnection, Refusal
from jackfield.simulation._listener import ClientGone
from jackfield_vinix import Vinix
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
TOPICS = {f"qubicle.{family}.{ACCOUNT}.*" for family in ("queue", "recipient", "session")}


@attrs.define(eq=False)
class Vendor:
    """The simulator behind websockets over memory, with a switch for each thing that goes wrong."""

    simulator: VinixSimulator
    refuse: int = 0
    connections: list = attrs.field(factory=list)
    happened: list = attrs.field(factory=list)
    """When, and the event."""

    async def __call__(self, incoming):
        refusal = Refusal(self.refuse) if self.refuse else self.simulator.admit(incoming.target, incoming.headers)
        if refusal is not None:
            await incoming.reject(refusal)
            return
        place, client = await incoming.accept(), self.simulator.client()
        entry = (place, client)
        self.connections.append(entry)
        try:
            while True:
                for answer in list(client.received(await place.receive())):
                    if isinstance(answer, CloseConnection):
                        await place.close(answer)
                        raise ClientGone
                    await place.send(answer)
        finally:
            self.connections.remove(entry)
            client.closed()

    async def live(self, seconds, now):
        for event in self.simulator.events(now):
            await trio.sleep(seconds)
            self.happened.append((now(), event))
            for place, client in list(self.connections):
                try:
                    for frame in list(client.frames_for(event)):
                        await place.send(frame)
                except ClientGone:
                    pass

    async def cut(self):
        for place, _ in list(self.connections):
            await place.close(CloseConnection())


@attrs.define(eq=False)
class Stage:
    """The session, what came out of it, and what it stands before."""

    session: Session
    vendor: Vendor
    simulator: VinixSimulator
    network: object
    now: object
    events: list
    reports: list


def make_stage(network, nursery, options=None, *, timing=None, every=5.0, **simulated):
    """A feed of these options and a server of these, on which something happens every so many seconds."""
    began = trio.current_time()

    def now():
        return START + timedelta(seconds=trio.current_time() - began)

    simulator = VinixSimulator("s3cret", rate=1 / every, **{"sync_seconds": 30, "calls": False} | simulated)
    vendor = network.handler = Vendor(simulator)
    table = simulator.feed("ws://vendor.example:5555") | {"renew_seconds": 0.0} | (options or {})
    del table["provider"]
    feed = Vinix(**{key: Secret("text", value) if key == "auth_token" else value for key, value in table.items()})
    events, reports = [], []

    async def rest(exchange):
        async def send(request):
            await trio.sleep(0.2)
            return simulator.answer(attrs.evolve(request, url=urlsplit(request.url).path))

        return await drive(exchange, send)

    session = Session(
        Feed("support", "vinix", feed),
        events.extend,
        reports.append,
        random.Random(3),
        timing or Timing(),
        opener=network.open,
        rest=rest,
        clock=Clock(now),
    )
    session.wanted.set(TOPICS)
    nursery.start_soon(session.run)
    nursery.start_soon(vendor.live, every, now)
    return Stage(session, vendor, simulator, network, now, events, reports)


def facts(stage, word):
    """What the session said of itself by this word."""
    return [event for event in stage.events if event.kind == f"stream.{word}"]
