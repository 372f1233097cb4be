"""A world in which a feed lives: true time, our clocks, a vendor that publishes, and everything that goes wrong.

No time passes on the way from the vendor to us. Moments are those that our wall clock showed when the vendor published.
"""

import json
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import attrs
import trio
import trio.testing
from hypothesis import strategies as st

from jackfield._feed.clock import Clock
from jackfield._feed.connection import WantedTopics
from jackfield._feed.continuity import Continuity
from jackfield._feed.session import Session
from jackfield._journal.downtime import Account
from jackfield.addresses import Address, AddressPattern, Source
from jackfield.config import Feed
from jackfield.errors import ConnectionLost, RestError
from jackfield.events import Event
from jackfield.plugin.http import Request, Response
from jackfield.plugin.protocol import Backfill, Emit, Ignore, NotVerified, Renew, Send, Subscribed
from jackfield.plugin.transport import Endpoint
from jackfield.reports import GapSuspected
from jackfield.reports import NotVerified as NotVerifiedReport
from jackfield.simulation._listener import ClientGone, serve_stream

START = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = Source("neutral", "account", "A")
STALL_SECONDS = 5.0
RECONCILE_SECONDS = 60.0

LITTLE = st.floats(0.1, 3).map(lambda seconds: round(seconds, 2))
SECONDS = LITTLE | st.sampled_from([4.9, 5.1, 12.0, 40.0, 61.0, 150.0])
KEYWORDS = {"stall": "suspend", "restart": "kill"}
"""Faults with a second argument, and its name."""


def published(number, at, origin="live"):
    address = Address(*SOURCE, "thing", str(number), "happened")
    return Event(id=str(number), kind="unmapped.thing", address=address, time=at, received=at, feed="f", origin=origin)


class OneTopic:
    def pattern_of(self, topic):
        return AddressPattern("neutral", resource=topic)

    def covers(self, topic, other):
        return topic == other

    def describe(self, topic):
        return self.pattern_of(topic), ""


class WithoutREST:
    """A vendor's protocol: numbered events, nothing else."""

    def __init__(self, before=None):
        pass

    def opened(self):
        return ()

    def subscribe(self, topic):
        return [Send(topic)]

    def unsubscribe(self, topic):
        return ()

    def tick(self, at, passed):
        return ()

    def closed(self, code, at):
        pass

    def received(self, frame, at):
        message = json.loads(frame)
        match message:
            case {"serves": topic}:
                return [Subscribed(topic)]
            case {"renew": reason}:
                return [Renew(reason)]
            case {"number": number}:
                return [Emit(published(number, at))]


class WithREST(WithoutREST):
    """Compares by REST once a minute, by the vendor's own clock, and says how far REST remembers."""

    def __init__(self, before=None):
        self.looked = before.looked if before is not None else None
        self.waited = 0.0

    def tick(self, at, passed):
        self.waited += passed
        if self.waited < RECONCILE_SECONDS:
            return ()
        self.waited = 0.0
        return [Backfill("regular")]

    def backfill(self, since, at):
        asked = self.looked if self.looked is not None else 0.0
        answer = (yield Request("GET", f"http://vendor.example/?since={asked}")).json()
        actions = [Emit(published(number, at, "backfill")) for number in answer["numbers"]]
        if self.looked is not None and answer["oldest"] > self.looked:
            unknown = at - timedelta(seconds=answer["now"] - self.looked)
            actions.append(NotVerified(unknown, at, "REST does not remember longer"))
        self.looked = answer["now"]
        return actions or [Ignore("nothing new")]


@attrs.frozen
class Neutral:
    rest: bool
    source = SOURCE
    dialect = OneTopic()
    stall_seconds = STALL_SECONDS

    def endpoint(self):
        return Endpoint("ws://vendor.example/")

    def protocol(self, feed, before=None):
        return WithREST(before) if self.rest else WithoutREST(before)


@attrs.define(eq=False)
class Line:
    """The vendor's end of a connection; a hung one swallows what is sent, pongs too."""

    stream: object
    hung: bool = False
    stalled: bool = False
    """Whether what is published does not come on this connection."""
    websocket: object = None
    client: object = None

    async def receive_some(self, max_bytes=None):
        return await self.stream.receive_some(max_bytes)

    async def send_all(self, data):
        if not self.hung:
            await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self):
        pass

    async def aclose(self):
        await self.stream.aclose()


@attrs.frozen
class Published:
    """An event of the vendor's."""

    number: int
    true: float
    moment: datetime
    """What our wall clock showed then."""
    knowable: bool
    """Whether we can know that it was lost: not if the vendor drops it on a connection that is up."""

    def lies_in(self, spans):
        return any(since <= self.moment <= until for since, until in spans)


async def say(line, message):
    await say_text(line, json.dumps(message))


async def say_text(line, text):
    """Send it, unless the client has gone without a word."""
    with suppress(ClientGone):
        await line.websocket.send(text)


@attrs.define(eq=False)
class World:
    """Plays one schedule; `missing` says at its end what was lost silently."""

    rest: bool
    memory: float
    """Seconds that REST remembers."""
    interval: float
    """Seconds between the vendor's events."""
    nursery: trio.Nursery
    slept: float = 0.0
    """True seconds that the monotonic clock stood still."""
    ahead: float = 0.0
    """Seconds that our wall clock is ahead of the true time."""
    log: list = attrs.field(factory=list)
    """Whatever was published since we were subscribed for the first time."""
    lines: list[Line] = attrs.field(factory=list)
    rest_down: bool = False
    refused_until: float = 0.0
    journal: list = attrs.field(factory=list)
    reports: list = attrs.field(factory=list)
    account: Account | None = None
    faults: list = attrs.field(factory=list)
    """The moments at which something went wrong."""
    session: Session = None
    _scope: trio.CancelScope = None

    # -- time --------------------------------------------------------------------------------------

    def true(self):
        return trio.current_time() + self.slept

    def wall(self, true=None):
        return START + timedelta(seconds=(self.true() if true is None else true) + self.ahead)

    topics = ("thing",)

    @property
    def provider(self):
        return Neutral(self.rest)

    # -- us ----------------------------------------------------------------------------------------

    async def start(self):
        continuity = Continuity()
        if self.account is not None:
            continuity = Continuity.resumed(self.account, "no gateway was running")
        self.session = Session(
            Feed("f", self.provider.source.provider, self.provider),
            self.journal.extend,
            self.reports.append,
            random.Random(1),
            opener=self.open,
            rest=self.perform,
            clock=Clock(self.wall),
            wanted=WantedTopics(frozenset(self.topics)),
            continuity=continuity,
            keep_account=self.keep_account,
        )
        await self.nursery.start(self._run)

    def keep_account(self, account):
        """What the journal has of this run when it is killed now; it keeps whole microseconds."""
        self.account = Account.of(account.row(0))

    async def _run(self, task_status):
        with trio.CancelScope() as self._scope:
            task_status.started()
            await self.session.run()

    async def stop(self, *, kill):
        if not kill:
            self.session.stop()
            await trio.sleep(4)  # for the close handshake
        self._scope.cancel()
        await trio.testing.wait_all_tasks_blocked()

    async def open(self, endpoint):
        await trio.lowlevel.checkpoint()
        if self.true() < self.refused_until:
            raise ConnectionLost("refused")
        client, server = trio.testing.memory_stream_pair()
        line = Line(server)
        self.nursery.start_soon(serve_stream, lambda incoming: self.serve(line, incoming), line)
        return client

    async def perform(self, flow):
        await trio.lowlevel.checkpoint()
        try:
            request = next(flow)
            while True:
                request = flow.throw(RestError("REST is down")) if self.rest_down else flow.send(self.answer(request))
        except StopIteration as done:
            return done.value

    # -- the vendor --------------------------------------------------------------------------------

    async def serve(self, line, incoming):
        line.websocket = await incoming.accept()
        try:
            while True:
                topic = await line.websocket.receive()
                self.lines.append(line)
                await line.websocket.send(json.dumps({"serves": topic}))
        finally:
            if line in self.lines:
                self.lines.remove(line)

    def answer(self, request):
        oldest = self.true() - self.memory
        since = max(float(request.url.partition("since=")[2]), oldest)
        numbers = [each.number for each in self.log if each.true >= since]
        body = {"numbers": numbers, "now": self.true(), "oldest": oldest}
        return Response(200, body=json.dumps(body).encode())

    @property
    def subscribed(self):
        return any(event.kind == "stream.subscribed" for event in self.journal)

    async def publish(self, *, true=None, lost=False, dropped=False):
        if not self.subscribed:
            return
        true = self.true() if true is None else true
        knowable = not dropped and not any(line.stalled for line in self.lines)
        self.log.append(Published(len(self.log), true, self.wall(true), knowable))
        for line in list(self.lines):
            if not lost and not dropped and not line.stalled:
                await say(line, {"number": self.log[-1].number})

    # -- what happens ------------------------------------------------------------------------------

    async def wait(self, seconds):
        end, interval = self.true() + seconds, max(self.interval, seconds / 100)
        while self.true() < end - 1e-3:
            await trio.sleep(min(interval, end - self.true()))
            await self.publish()
            await trio.testing.wait_all_tasks_blocked()

    def fault(self):
        self.faults.append(self.wall())

    async def cut(self):
        self.fault()
        await self.publish(lost=True)
        for line in list(self.lines):
            await trio.aclose_forcefully(line.stream)

    async def hang(self):
        self.fault()
        for line in self.lines:
            line.hung = True

    async def stall_subscriptions(self):
        self.fault()
        for line in self.lines:
            line.stalled = True

    async def drop(self):
        self.fault()
        await self.publish(dropped=True)

    async def renew(self):
        for line in list(self.lines):
            await say(line, {"renew": "expires"})

    async def stall(self, seconds, *, suspend):
        """This process does not run; the vendor keeps what comes for a while, and drops the rest."""
        self.fault()
        began, number = self.true(), 1
        while number * self.interval <= seconds:
            after = number * self.interval
            await self.publish(true=began + after, lost=after > STALL_SECONDS)
            number += 1
        if suspend:
            self.slept += seconds
        else:
            trio.lowlevel.current_clock().jump(seconds)
        await trio.testing.wait_all_tasks_blocked()
        self.fault()

    async def step(self, seconds):
        """Somebody sets our clock, which is read before and after that."""
        await self.wait(2)
        self.fault()
        self.ahead += seconds
        self.fault()
        await self.wait(2)

    async def rest_fails(self, fails):
        self.rest_down = fails

    async def refuse(self, seconds):
        self.refused_until = self.true() + seconds

    async def restart(self, seconds, *, kill):
        self.fault()
        await self.publish()
        await self.stop(kill=kill)
        await self.wait(seconds)
        await self.start()
        await trio.testing.wait_all_tasks_blocked()

    # -- the law -----------------------------------------------------------------------------------

    def spans(self, kind):
        return [(report.since, report.until) for report in self.reports if isinstance(report, kind)]

    def missing(self):
        """What was lost without a word: neither delivered nor in a gap, nor stated where nobody could know more."""
        delivered = {event.id for event in self.journal}
        gaps, unverified = self.spans(GapSuspected), self.spans(NotVerifiedReport)
        return [
            each
            for each in self.log
            if str(each.number) not in delivered
            and not each.lies_in(gaps)
            and (each.knowable or not each.lies_in(unverified))
        ]

    def invented(self):
        """Gaps in which nothing went wrong."""
        slack = timedelta(seconds=90)  # until a hung connection is noticed, and the next attempt to connect
        return [
            (since, until)
            for since, until in self.spans(GapSuspected)
            if not any(since - slack <= fault <= until + slack for fault in self.faults)
        ]
