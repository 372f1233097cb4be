"""`jackfield._feed.session`: the documented lifecycle, one attempt at a time, on virtual time and real websockets."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

import attrs
import pytest
import trio
import trio.testing

from jackfield._feed.clock import Clock
from jackfield._feed.connection import WantedTopics
from jackfield._feed.reconfiguring import configure, renew
from jackfield._feed.session import Session
from jackfield._feed.stream_events import stream_event
from jackfield.addresses import AddressPattern, Source
from jackfield.config import ConnectionOptions, Feed
from jackfield.errors import FrameError, RestError, SecretError
from jackfield.plugin.http import Request as HTTPRequest
from jackfield.plugin.http import Response
from jackfield.plugin.protocol import Disconnect, Emit, Ignore, Renew, Request, Send, Subscribed, SubscriptionRefused
from jackfield.plugin.protocol import NotVerified as NotVerifiedAction
from jackfield.plugin.secrets import Secret
from jackfield.plugin.simulator import CloseConnection, Refusal
from jackfield.plugin.transport import Endpoint
from jackfield.plugin.webhook import Webhook
from jackfield.reports import (
    Backfilled,
    ConnectionRenewed,
    FeedState,
    FeedStateChanged,
    FrameInvalid,
    GapSuspected,
    NotVerified,
    RequestFailed,
    TopicRefused,
)
from jackfield.reports.feed_states import TRANSITIONS


class Simple:
    """Confirms at once; refuses the topic ``bad``; hangs up when the server says ``go``."""

    def opened(self):
        return ()

    def subscribe(self, topic):
        return [
            Send(f"+{topic}"),
            SubscriptionRefused(topic, "no hunter2 here") if topic == "bad" else Subscribed(topic),
        ]

    def unsubscribe(self, topic):
        return [Send(f"-{topic}")]

    def tick(self, at, passed):
        return ()

    def closed(self, code, at):
        pass

    def committed(self, token):
        return [Send(f"ack {token}")]

    def received(self, frame, at):
        if frame == b"deaf":
            return [Disconnect("nothing came", missed_since=at - timedelta(hours=1))]
        if frame == b"unsure":
            return [NotVerifiedAction(at - timedelta(seconds=40), None, "hunter2's memory is short")]
        if frame == b"fetch":
            return [Request(lambda: None, "details of call 7")]
        if frame == b"offset 7":
            return [Emit(stream_event(Options.source, "office", "connected", at), "7")]
        if frame == b"go":
            return [Disconnect("told to go", auth_failed=True)]
        if frame == b"?":
            raise FrameError("hunter2 is gibberish", frame)
        return [Ignore("noise")]


class Exact:
    """Topics that bring just what they name."""

    def pattern_of(self, topic):
        return AddressPattern("acme", resource=topic)

    def covers(self, topic, other):
        return topic == other

    def describe(self, topic):
        return self.pattern_of(topic), ""


@attrs.frozen
class Options:
    token: Secret = attrs.field(factory=lambda: Secret("text", "hunter2"))
    source = Source("acme", "account", "A")
    dialect = Exact()

    def endpoint(self):
        return Endpoint("ws://vendor.example/x?token=hunter2")

    def protocol(self, feed, before=None):
        return Simple()


class Vendor:
    """A server that counts its clients and what they say."""

    def __init__(self):
        self.lines, self.heard, self.now, self.most = [], [], 0, 0

    async def __call__(self, incoming):
        line = await incoming.accept()
        self.lines.append(line)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            while True:
                self.heard.append(await line.receive())
        finally:
            self.now -= 1


@attrs.define
class Stage:
    network: object
    vendor: Vendor = attrs.field(factory=Vendor)
    events: list = attrs.field(factory=list)
    reports: list = attrs.field(factory=list)
    options: object = attrs.field(factory=Options)
    session: Session = attrs.field(init=False)

    def __attrs_post_init__(self):
        self.network.handler = self.vendor
        self.session = Session(
            Feed("office", "acme", self.options),
            self.events.extend,
            self.reports.append,
            random.Random(3),
            opener=self.network.open,
        )

    def states(self):
        return [report.state.value for report in self.reports if isinstance(report, FeedStateChanged)]

    def facts(self):
        """What the stream says of itself; what is not verified has tests of its own."""
        facts = [event.kind.partition(".")[2] for event in self.events]
        return [fact for fact in facts if fact != "not_verified"]

    def of(self, kind):
        return [report for report in self.reports if isinstance(report, kind)]

    async def settle(self):
        for _ in range(3):
            await trio.testing.wait_all_tasks_blocked()


@pytest.fixture
async def stage(network):
    return Stage(network)


async def test_a_feed_goes_through_the_documented_states_and_tells_them_in_band(stage, nursery):
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    assert stage.states() == ["connecting", "connected", "subscribed"]
    assert stage.facts() == ["connected", "subscribed"]
    assert stage.events[1].data["topics"] == ["t"]
    assert all(event.address[:5] == ("acme", "account", "A", "stream", "office") for event in stage.events)
    stage.session.stop()
    await stage.settle()
    assert stage.states() == ["connecting", "connected", "subscribed", "disconnected"]
    assert stage.session.stats.topics == frozenset()


async def test_a_lost_feed_reconnects_subscribes_again_and_announces_the_gap(stage, nursery, autojump_clock):
    stage.session.wanted.set({"t", "u"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await trio.sleep(5)
    await stage.vendor.lines[0].close(CloseConnection())
    await trio.sleep(40)
    assert stage.states()[3:] == ["disconnected", "reconnecting", "connecting", "connected", "subscribed"]
    assert stage.vendor.heard == ["+t", "+u"] * 2
    assert stage.facts()[2:] == ["disconnected", "connected", "subscribed", "gap_suspected"]
    (gap,) = stage.of(GapSuspected)
    assert gap.cause == "the connection was cut without a close frame"
    assert gap.until - gap.since >= timedelta(0)
    assert next(e for e in stage.events if e.kind == "stream.gap_suspected").data["cause"] == gap.cause
    assert stage.session.stats.gaps == 1


async def test_a_protocol_that_was_deaf_says_since_when_and_there_is_one_gap_from_then_on(
    stage, nursery, autojump_clock
):
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0].send("deaf")
    await trio.sleep(40)
    assert stage.facts()[2:] == ["disconnected", "connected", "subscribed", "gap_suspected"]
    (gap,) = stage.of(GapSuspected)
    assert timedelta(hours=1) <= gap.until - gap.since < timedelta(hours=1, seconds=60)
    assert gap.cause == "nothing came"
    (lost,) = [event.data for event in stage.events if event.kind == "stream.disconnected"]
    assert (lost["reason"], datetime.fromisoformat(lost["since"])) == ("nothing came", gap.since)


async def test_what_nobody_could_know_is_counted_reported_and_in_the_stream_once_for_each_moment(
    stage, nursery, autojump_clock
):
    start = datetime.now(UTC)
    stage.session = attrs.evolve(
        stage.session, clock=Clock(lambda: start + timedelta(seconds=trio.current_time())), wanted=WantedTopics()
    )
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    for _ in range(120):
        await stage.vendor.lines[0].send("unsure")
        await trio.sleep(10)
    stage.session.stop()
    await stage.settle()
    first, *others = reported = stage.of(NotVerified)
    assert len(reported) <= 4 and first.until - first.since == timedelta(seconds=40)
    assert "hunter2" not in first.reason and "memory is short" in first.reason
    assert [after.since - before.until for before, after in pairwise(reported)] == [timedelta(0)] * len(others)
    seconds = sum((report.until - report.since).total_seconds() for report in reported)
    stats = stage.session.stats
    assert (stats.not_verified_count, stats.not_verified_seconds) == (len(reported), pytest.approx(seconds))
    assert seconds == pytest.approx(40 + 120 * 10, abs=1)
    facts = [event.data for event in stage.events if event.kind == "stream.not_verified"]
    assert [datetime.fromisoformat(fact["since"]) for fact in facts] == [report.since for report in reported]
    assert facts[0]["reason"] == first.reason


async def test_a_request_that_ends_with_its_connection_is_counted_reported_and_stated_as_not_verified(
    stage, nursery, autojump_clock
):
    async def never(flow):
        await trio.sleep_forever()

    stage.session = attrs.evolve(stage.session, rest=never, wanted=WantedTopics({"t"}))
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0].send("fetch")
    await stage.settle()
    await stage.vendor.lines[0].close(CloseConnection())
    await trio.sleep(40)
    reason = "details of call 7: the connection ended first"
    assert [report.reason for report in stage.of(RequestFailed)] == [reason]
    assert reason in [report.reason for report in stage.of(NotVerified)]
    assert stage.session.stats.requests_failed == 1


async def test_a_stored_events_token_goes_back_to_the_connection_that_brought_it_unless_that_has_ended(
    stage, nursery, autojump_clock
):
    receipts = []

    def deliver(events, tokens=None, committed=None, /):
        receipts.extend([(tokens, committed)] if tokens else [])

    stage.session = attrs.evolve(stage.session, deliver=deliver, wanted=WantedTopics({"t"}))
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0].send("offset 7")
    await stage.settle()
    ((tokens, committed),) = receipts
    committed(list(tokens.values()))
    await stage.settle()
    assert stage.vendor.heard == ["+t", "ack 7"]
    await stage.vendor.lines[0].close(CloseConnection())
    await trio.sleep(40)
    committed(list(tokens.values()))
    await stage.settle()
    assert stage.vendor.heard == ["+t", "ack 7", "+t"]


async def test_a_vendor_that_breaks_the_protocol_is_lost_like_any_other(stage, nursery, autojump_clock):
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0]._stream.send_all(b"\x83\x00")  # a frame of a kind that does not exist
    await trio.sleep(40)
    assert stage.facts()[2:] == ["disconnected", "connected", "subscribed", "gap_suspected"]
    assert len(stage.of(GapSuspected)) == 1


async def test_the_first_connection_announces_no_gap(stage, nursery):
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    assert "gap_suspected" not in stage.facts()


async def test_there_is_one_attempt_for_each_step_of_the_backoff_and_never_two_at_once(stage, nursery, autojump_clock):
    stage.network.refused = "nobody home"
    nursery.start_soon(stage.session.run)
    await trio.sleep(600)
    delays = [
        report.retry_in
        for report in stage.reports
        if isinstance(report, FeedStateChanged) and report.retry_in is not None
    ]
    attempts = stage.network.attempts
    gaps = [after - before for before, after in pairwise(attempts)]
    assert gaps == pytest.approx(delays[: len(gaps)])
    assert all(delay <= min(2**step, 30) for step, delay in enumerate(delays))
    assert len(attempts) < 60
    stage.network.refused = ""
    await trio.sleep(40)
    assert stage.vendor.most == 1
    assert stage.session.stats.state is FeedState.CONNECTED


async def test_a_line_that_is_cut_at_once_over_and_over_still_backs_off(stage, nursery, autojump_clock):
    async def cut(incoming):
        await (await incoming.accept()).close(CloseConnection())

    stage.network.handler = cut
    nursery.start_soon(stage.session.run)
    await trio.sleep(300)
    assert len(stage.network.attempts) < 40


async def test_a_connection_that_lasted_starts_the_backoff_anew(stage, nursery, autojump_clock):
    stage.network.refused = "nobody home"
    nursery.start_soon(stage.session.run)
    await trio.sleep(200)
    stage.network.refused = ""
    await trio.sleep(100)
    stage.reports.clear()
    await stage.vendor.lines[-1].close(CloseConnection())
    await trio.sleep(2)
    (delay,) = [report.retry_in for report in stage.of(FeedStateChanged) if report.retry_in is not None]
    assert delay <= 1.0


async def test_another_configuration_starts_the_backoff_anew(stage, nursery, autojump_clock):
    stage.network.refused = "nobody home"
    nursery.start_soon(stage.session.run)
    await trio.sleep(200)
    stage.reports.clear()
    configure(stage.session, attrs.evolve(stage.session.feed, connection=ConnectionOptions(ping_seconds=7.0)))
    stage.session._opener = stage.network.open
    assert await renew(stage.session, 1.0) == ""
    await trio.sleep(100)
    delays = [report.retry_in for report in stage.of(FeedStateChanged) if report.retry_in is not None]
    assert all(delay <= min(2**step, 30.0) for step, delay in enumerate(delays))
    assert len(delays) > 4


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_are_tried_again_but_never_in_a_hurry(stage, nursery, autojump_clock, status):
    async def refuse(incoming):
        await incoming.reject(Refusal(status))

    stage.network.handler = refuse
    nursery.start_soon(stage.session.run)
    await trio.sleep(300)
    delays = [report.retry_in for report in stage.of(FeedStateChanged) if report.retry_in is not None]
    assert all(15 <= delay <= 30 for delay in delays)
    assert len(delays) >= 10


async def test_a_vendors_retry_after_is_kept(stage, nursery, autojump_clock):
    async def busy(incoming):
        headers = [(b"retry-after", b"90")]
        await incoming._request.reject(429, extra_headers=headers)

    stage.network.handler = busy
    nursery.start_soon(stage.session.run)
    await trio.sleep(60)
    assert [report.retry_in for report in stage.of(FeedStateChanged) if report.retry_in is not None] == [90.0]


@pytest.mark.parametrize(("status", "seconds"), [(429, 60.0), (500, 0.0)])
async def test_a_provider_may_know_that_its_vendor_wants_more_patience(
    network, nursery, autojump_clock, status, seconds
):
    class Patient(Options):
        def retry_after(self, status):
            return 60.0 if status == 429 else 0.0

    async def busy(incoming):
        await incoming.reject(Refusal(status))

    stage = Stage(network, options=Patient())
    network.handler = busy
    nursery.start_soon(stage.session.run)
    await trio.sleep(300)
    delays = [report.retry_in for report in stage.of(FeedStateChanged) if report.retry_in is not None]
    assert (min(delays) >= 60.0) is (seconds == 60.0)
    assert len(delays) >= 5


async def test_a_provider_that_fails_over_a_refusal_costs_no_feed(network, nursery, autojump_clock):
    class Broken(Options):
        def retry_after(self, status):
            raise ZeroDivisionError

    async def busy(incoming):
        await incoming.reject(Refusal(429))

    stage = Stage(network, options=Broken())
    network.handler = busy
    nursery.start_soon(stage.session.run)
    await trio.sleep(100)
    assert len(network.attempts) > 2
    assert any("ZeroDivisionError" in report.reason for report in stage.of(FeedStateChanged))


async def test_hanging_up_over_a_refused_token_is_no_hurry_either(stage, nursery, autojump_clock):
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0].send("go")
    await stage.settle()
    (report,) = [report for report in stage.of(FeedStateChanged) if report.retry_in is not None]
    assert report.retry_in >= 15


async def test_a_secret_that_is_missing_at_the_moment_is_waited_for(network, nursery, autojump_clock):
    there = []

    class Forgetful(Options):
        def endpoint(self):
            if not there:
                raise SecretError("the file token cannot be read: No such file or directory")
            return super().endpoint()

    stage = Stage(network, options=Forgetful())
    nursery.start_soon(stage.session.run)
    await trio.sleep(1)
    assert "the file token cannot be read" in stage.of(FeedStateChanged)[1].reason
    there.append(True)
    await trio.sleep(31)
    assert stage.session.stats.state is FeedState.CONNECTED


async def test_a_providers_bug_is_reported_and_ends_no_other_feed(network, nursery, autojump_clock):
    class Broken(Options):
        def protocol(self, feed, before=None):
            raise LookupError("no such dialect")

    stage = Stage(network, options=Broken())
    nursery.start_soon(stage.session.run)
    await trio.sleep(1)
    assert stage.of(FeedStateChanged)[1].reason == "the provider failed: LookupError: no such dialect"


async def test_a_refused_topic_is_reported_in_both_ways_and_without_the_token(stage, nursery):
    stage.session.wanted.set({"bad", "good"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    assert stage.of(TopicRefused) == [TopicRefused("office", "bad", "no *** here")]
    (fact,) = [event for event in stage.events if event.kind == "stream.subscription_refused"]
    assert fact.data == {"topic": "bad", "reason": "no *** here"}
    assert stage.session.stats.topics == {"good"}
    assert stage.session.stats.refused_topics == {"bad": "no *** here"}
    assert stage.states()[-1] == "subscribed"


async def test_unreadable_frames_are_all_counted_some_kept_and_told_at_each_doubling(stage, nursery):
    nursery.start_soon(stage.session.run)
    await stage.settle()
    for _ in range(20):
        await stage.vendor.lines[0].send("?")
    await stage.settle()
    stats = stage.session.stats.snapshot()
    assert (stats.unreadable, stats.frames, len(stats.last_unreadable)) == (20, 20, 16)
    told = stage.of(FrameInvalid)
    assert [report.total for report in told] == [1, 2, 4, 8, 16]
    assert told[0].problem == "*** is gibberish"


async def test_what_was_ignored_is_counted_by_its_reason(stage, nursery):
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0].send("x")
    await stage.settle()
    assert stage.session.stats.snapshot().ignored == {"noise": 1}


async def test_stopping_while_waiting_or_connecting_ends_at_once(stage, nursery, autojump_clock):
    async def never(endpoint):
        await trio.sleep_forever()

    stage.network.refused = "nobody home"
    finished = trio.Event()

    async def run():
        await stage.session.run()
        finished.set()

    nursery.start_soon(run)
    await trio.sleep(100)
    stage.session.stop()
    await finished.wait()
    assert trio.current_time() == pytest.approx(100)
    assert stage.states()[-1] == "disconnected"

    other = Session(Feed("o", "acme", Options()), list, stage.reports.append, random.Random(1), opener=never)
    nursery.start_soon(other.run)
    await trio.testing.wait_all_tasks_blocked()
    other.stop()
    await trio.testing.wait_all_tasks_blocked()
    assert other.stats.state is FeedState.DISCONNECTED


async def test_no_token_is_in_any_report_or_event(stage, nursery, autojump_clock):
    stage.session.wanted.set({"bad"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0].close(CloseConnection(1008, "hunter2 has expired"))
    await trio.sleep(10)
    everything = "".join(map(repr, stage.reports)) + "".join(map(str, stage.reports)) + "".join(map(repr, stage.events))
    assert "has expired" in everything
    assert "hunter2" not in everything


def test_every_state_can_be_left_and_reached():
    assert TRANSITIONS.keys() == set(FeedState)
    assert set().union(*TRANSITIONS.values()) == set(FeedState)


class LoggingIn(Options):
    """Logs in by REST for each connection, and learns there whose feed it is."""

    def authenticate(self, before=None):
        answer = yield HTTPRequest("POST", "https://vendor.example/login", body=self.token.reveal().encode())
        if answer.status != 201:
            raise RestError("the login is refused", status=answer.status, auth_failed=answer.status == 401)
        return attrs.evolve(self, token=Secret("text", answer.body.decode()))

    @property
    def source(self):
        return Source("acme", "account", "unknown" if self.token.reveal() == "hunter2" else "A")

    def endpoint(self):
        return Endpoint(f"ws://vendor.example/?token={self.token.reveal()}")


def answering(*responses):
    async def rest(exchange):
        next(exchange)
        try:
            while True:
                exchange.send(responses_left.pop(0))
        except StopIteration as done:
            return done.value

    responses_left = list(responses)
    return rest


async def test_each_connection_gets_fresh_credentials_and_what_they_show_is_planned_anew(
    network, nursery, autojump_clock
):
    stage = Stage(network, options=LoggingIn())
    stage.session._rest = answering(*(Response(201, body=f"fresh{n}".encode()) for n in range(3)))
    planned = []
    stage.session._replan = lambda: planned.append(stage.session.provider.source)
    targets = []

    async def vendor(incoming):
        targets.append(incoming.target)
        line = await incoming.accept()
        if len(targets) < 3:
            await line.close(CloseConnection(1001))
        await line.receive()

    network.handler = vendor
    nursery.start_soon(stage.session.run)
    await trio.sleep(60)
    assert targets == ["/?token=fresh0", "/?token=fresh1", "/?token=fresh2"]
    assert planned == [Source("acme", "account", "A")]
    assert {event.address.scope_id for event in stage.events} == {"A"}
    assert stage.session.recorder.redacted("fresh2 and hunter2") == "*** and ***"


async def test_a_refused_login_is_reported_and_tried_again_without_hurry(network, nursery, autojump_clock):
    stage = Stage(network, options=LoggingIn())
    stage.session._rest = answering(*[Response(401)] * 50)
    nursery.start_soon(stage.session.run)
    await trio.sleep(120)
    losses = [report for report in stage.of(FeedStateChanged) if report.reason]
    assert {report.reason for report in losses} == {"the login is refused"}
    assert all(report.retry_in >= 15 for report in stage.of(FeedStateChanged) if report.retry_in is not None)
    assert stage.vendor.lines == []


async def test_a_protocol_learns_how_its_connection_ended_and_the_next_one_gets_to_know_it(
    network, nursery, autojump_clock
):
    made = []

    class Learning(Simple):
        def __init__(self, before):
            self.before, self.ended = before, "not yet"

        def closed(self, code, at):
            self.ended = code

    class Remembering(Options):
        def protocol(self, feed, before=None):
            made.append(Learning(before))
            return made[-1]

    stage = Stage(network, options=Remembering())

    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0].close(CloseConnection(1011))
    await trio.sleep(5)
    await stage.vendor.lines[1].close(CloseConnection())
    await trio.sleep(30)
    assert [each.before for each in made] == [None, *made[:-1]]
    assert [each.ended for each in made[:2]] == [1011, None]
    assert made[-1].ended == "not yet"


async def test_a_protocol_that_fails_at_the_end_is_reported_and_connects_again(network, nursery, autojump_clock):
    class Careless(Simple):
        def closed(self, code, at):
            raise ZeroDivisionError("at the end")

    class Broken(Options):
        def protocol(self, feed, before=None):
            return Careless()

    stage = Stage(network, options=Broken())
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0].close(CloseConnection(1011))
    await trio.sleep(30)
    assert "the provider failed: ZeroDivisionError: at the end" in {each.reason for each in stage.of(FeedStateChanged)}
    assert stage.session.stats.connections == 2


async def test_what_was_missed_is_looked_for_and_both_outcomes_are_reported(network, nursery, autojump_clock):
    class Looking(Simple):
        def backfill(self, since, at):
            answer = yield HTTPRequest("GET", "https://vendor.example/lists")
            if answer.status != 200:
                raise RestError(f"hunter2 may not list: {answer.status}", auth_failed=True)
            return [Ignore("nothing new")]

    class Able(Options):
        def protocol(self, feed, before=None):
            return Looking()

    stage = Stage(network, options=Able())
    stage.session._rest = answering(Response(200), Response(403))
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    for number in range(2):
        await trio.sleep(3)
        await stage.vendor.lines[number].close(CloseConnection(1001))
        await trio.sleep(40)
    first, second = stage.of(Backfilled)
    assert (first.failure, second.failure) == ("", "*** may not list: 403")
    assert stage.facts().count("backfilled") == 1
    assert stage.facts().count("gap_suspected") == 2
    assert (stage.session.stats.backfills_failed, stage.session.stats.gaps) == (1, 2)


async def test_a_look_that_a_loss_cut_off_is_made_up_for_after_it_from_the_first_gap_on(
    network, nursery, autojump_clock
):
    looked = []

    class Looking(Simple):
        def backfill(self, since, at):
            looked.append(since)
            yield HTTPRequest("GET", "https://vendor.example/lists")
            return []

    class Able(Options):
        def protocol(self, feed, before=None):
            return Looking()

    async def slow(exchange):
        next(exchange)
        await trio.sleep(60)
        with pytest.raises(StopIteration) as done:
            exchange.send(Response(200))
        return done.value.value

    stage = Stage(network, options=Able())
    stage.session._rest = slow
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    for number in range(2):
        await trio.sleep(5)
        await stage.vendor.lines[number].close(CloseConnection(1001))
        await trio.sleep(10)
    await trio.sleep(200)
    first, second = (report.since for report in stage.of(GapSuspected))
    assert looked == [first, first]
    assert first < second
    assert [report.failure for report in stage.of(Backfilled)] == [""]


def test_a_regular_look_that_finds_nothing_is_hardly_worth_a_word():
    assert Backfilled("office", 0, regular=True).level == "debug"
    assert Backfilled("office", 2, regular=True).level == Backfilled("office", 0).level == "info"
    assert Backfilled("office", 0, "HTTP 403", regular=True).level == "warning"


class Renewable(Simple):
    """A protocol that wants another connection when its vendor says so."""

    def received(self, frame, at):
        if frame == b"renew":
            return [Renew("it expires"), Ignore("renew")]
        return super().received(frame, at)


@attrs.frozen
class RenewableOptions(Options):
    def protocol(self, feed, before=None):
        return Renewable()


async def test_a_renewed_connection_is_subscribed_before_the_old_one_is_closed_and_there_is_no_gap(
    network, nursery, autojump_clock
):
    stage = Stage(network, options=RenewableOptions())
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0].send("renew")
    await trio.sleep(20)
    assert stage.vendor.heard == ["+t", "+t"]
    assert (stage.vendor.most, stage.vendor.now) == (2, 1)
    assert stage.facts() == ["connected", "subscribed"]
    assert [str(each) for each in stage.of(ConnectionRenewed)] == ["office: connection renewed: it expires"]
    await stage.vendor.lines[1].close(CloseConnection())
    await trio.sleep(40)
    assert stage.facts()[2:] == ["disconnected", "connected", "subscribed", "gap_suspected"]
    assert stage.session.stats.connections == 3


async def test_a_renewal_that_fails_is_reported_and_tried_again_while_the_old_connection_goes_on(
    network, nursery, autojump_clock
):
    stage = Stage(network, options=RenewableOptions())
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    accepted = network.handler

    async def refuse(incoming):
        await incoming.reject(Refusal(503))

    network.handler = refuse
    await stage.vendor.lines[0].send("renew")
    await trio.sleep(60)
    failures = stage.of(ConnectionRenewed)
    assert len(failures) >= 2
    assert all("HTTP 503" in each.failure and each.level == "warning" for each in failures)
    assert stage.session.stats.state is FeedState.SUBSCRIBED
    network.handler = accepted
    await trio.sleep(60)
    assert stage.of(ConnectionRenewed)[-1].failure == ""
    assert (stage.vendor.now, stage.facts()) == (1, ["connected", "subscribed"])


async def test_a_connection_that_is_lost_while_its_successor_comes_up_is_a_gap(network, nursery, autojump_clock):
    stage = Stage(network, options=RenewableOptions())
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    accepted = network.handler

    async def never(incoming):
        await trio.sleep_forever()

    network.handler = never
    await stage.vendor.lines[0].send("renew")
    await trio.sleep(1)
    network.handler = accepted
    await stage.vendor.lines[0].close(CloseConnection())
    await trio.sleep(60)
    assert stage.facts()[2:] == ["disconnected", "connected", "subscribed", "gap_suspected"]
    assert stage.vendor.now == 1


async def test_stopping_ends_a_renewal_too(network, nursery, autojump_clock):
    stage = Stage(network, options=RenewableOptions())
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await stage.vendor.lines[0].send("renew")
    await stage.settle()
    stage.session.stop()
    await trio.sleep(10)
    assert stage.session.stats.state is FeedState.DISCONNECTED
    assert stage.vendor.now == 0


async def test_a_stall_longer_than_the_vendor_buffers_is_a_gap_since_the_last_moment_before_it(
    network, nursery, autojump_clock
):
    stage = Stage(network)
    start = datetime.now(UTC)
    slept = timedelta(0)
    clock = Clock(lambda: start + timedelta(seconds=trio.current_time()) + slept)
    stage.session = attrs.evolve(stage.session, clock=clock)
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await trio.sleep(10.5)
    slept = timedelta(seconds=4)  # less than the five seconds that a vendor is trusted to buffer for
    await trio.sleep(10)
    assert stage.facts() == ["connected", "subscribed"]
    last = clock.now()
    slept += timedelta(minutes=10)
    await trio.sleep(10)
    (gap,) = stage.of(GapSuspected)
    assert timedelta(0) <= last - gap.since <= timedelta(seconds=1)
    assert gap.until - gap.since >= timedelta(minutes=10)
    assert gap.cause == "this process did not run for 600.0 s"
    assert stage.session.stats.state is FeedState.SUBSCRIBED


class HalfAnswered(Options):
    def protocol(self, feed, before=None):
        protocol = Simple()
        answered, protocol.subscribe = protocol.subscribe, lambda topic: answered(topic) if topic == "t" else []
        return protocol


async def test_what_is_subscribed_to_first_may_miss_events_while_other_topics_are_still_asked_for(
    network, nursery, autojump_clock
):
    stage, accounts = Stage(network, options=HalfAnswered()), []
    stage.session = attrs.evolve(stage.session, keep_account=accounts.append)
    stage.session.wanted.set({"t", "unanswered"})
    nursery.start_soon(stage.session.run)
    await trio.sleep(0.5)
    assert "subscribed" not in stage.facts()
    assert len(accounts) == 1


class ByWebhook(Options):
    def webhook(self, feed):
        return Webhook(list, websocket=False)


async def test_a_stall_of_a_feed_by_webhook_is_a_gap_too_and_its_account_goes_on(network, nursery, autojump_clock):
    stage, accounts = Stage(network, options=ByWebhook()), []
    start, slept = datetime.now(UTC), timedelta(0)
    clock = Clock(lambda: start + timedelta(seconds=trio.current_time()) + slept)
    stage.session = attrs.evolve(stage.session, clock=clock, keep_account=accounts.append)
    nursery.start_soon(stage.session.run)
    await trio.sleep(10.5)
    assert timedelta(0) <= clock.now() - accounts[-1].heard <= timedelta(seconds=6)
    last, slept = clock.now(), timedelta(minutes=10)
    await trio.sleep(10)
    (gap,) = stage.of(GapSuspected)
    assert timedelta(0) <= last - gap.since <= timedelta(seconds=1)
    assert stage.session.stats.state is FeedState.LISTENING
    stage.session.stop()
    await trio.sleep(1)
    assert timedelta(0) <= clock.now() - accounts[-1].heard <= timedelta(seconds=2)
    assert accounts[-1].accounted is not None


@pytest.mark.parametrize("login", [False, True])
async def test_a_provider_states_how_long_its_vendor_buffers_for_and_keeps_that_through_logins(
    network, nursery, autojump_clock, login
):
    class Buffering(LoggingIn if login else Options):
        stall_seconds = 2.0

        def authenticate(self, before=None):
            yield from ()
            return Options()  # what a login makes need not repeat it

    stage = Stage(network, options=Buffering())
    start, slept = datetime.now(UTC), timedelta(0)
    stage.session = attrs.evolve(
        stage.session, clock=Clock(lambda: start + timedelta(seconds=trio.current_time()) + slept)
    )
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await trio.sleep(10.5)
    slept = timedelta(seconds=3)
    await trio.sleep(10)
    (gap,) = stage.of(GapSuspected)
    assert gap.cause == "this process did not run for 3.0 s"


async def test_a_proxy_that_cuts_idle_connections_is_named_with_the_option_that_helps(network, nursery, autojump_clock):
    async def idle_proxy(incoming):
        line = await incoming.accept()
        await trio.sleep(15)
        await line.close(CloseConnection())

    stage = Stage(network)
    network.handler = idle_proxy
    nursery.start_soon(stage.session.run)
    await trio.sleep(90)
    reasons = [report.reason for report in stage.of(FeedStateChanged) if report.state is FeedState.DISCONNECTED]
    assert ["set ping_seconds below that (now 20)" in reason for reason in reasons[:4]] == [False, False, True, True]


async def test_the_feeds_own_options_say_how_often_it_pings_and_how_long_it_waits(network, nursery, autojump_clock):
    async def never(endpoint):
        await trio.sleep_forever()

    reports = []
    options = ConnectionOptions(ping_seconds=7, pong_timeout=3, handshake_timeout=4)
    session = Session(Feed("office", "acme", Options(), options), list, reports.append, random.Random(3), opener=never)
    assert (session._timing.ping_seconds, session._timing.pong_timeout) == (7, 3)
    nursery.start_soon(session.run)
    await trio.sleep(4.5)
    (lost,) = [report for report in reports if report.reason]
    assert "within 4 s" in lost.reason


async def test_a_clock_that_is_set_back_makes_no_gap_and_a_loss_after_it_none_that_is_negative(
    network, nursery, autojump_clock
):
    stage = Stage(network)
    start, back = datetime.now(UTC), timedelta(0)
    clock = Clock(lambda: start + timedelta(seconds=trio.current_time()) - back)
    stage.session = attrs.evolve(stage.session, clock=clock)
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await trio.sleep(10.5)
    back = timedelta(hours=1)
    await trio.sleep(10)
    assert stage.of(GapSuspected) == []
    await stage.vendor.lines[0].close(CloseConnection())
    await trio.sleep(60)
    (gap,) = stage.of(GapSuspected)
    assert gap.since <= gap.until


async def test_a_feed_whose_vendor_resumes_from_a_stored_token_has_no_gap(network, nursery, autojump_clock):
    asked = []

    class Resuming(Options):
        def resume_from(self, token):
            asked.append(token)
            return self.endpoint()

    stage = Stage(network, options=Resuming())
    stored = None
    stage.session._intake = SimpleNamespace(token=lambda: stored, payloads_read=lambda: True)
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    stored = "17"
    await trio.aclose_forcefully(stage.vendor.lines[-1]._stream)
    await trio.sleep(40)
    assert asked == ["17"]
    assert stage.session.stats.connections == 2
    assert "gap_suspected" not in stage.facts()
    assert "not_verified" not in stage.facts()


@pytest.mark.parametrize("begins_with_all", [False, True])
async def test_one_that_could_resume_and_has_no_token_yet_has_a_gap_unless_it_begins_with_all_that_is_kept(
    begins_with_all, network, nursery, autojump_clock
):
    class Resuming(Options):
        endpoint_resumes = begins_with_all

        def resume_from(self, token):
            raise AssertionError("there is no token")

    stage = Stage(network, options=Resuming())
    stage.session.wanted.set({"t"})
    nursery.start_soon(stage.session.run)
    await stage.settle()
    await trio.aclose_forcefully(stage.vendor.lines[-1]._stream)
    await trio.sleep(40)
    assert ("gap_suspected" in stage.facts()) is not begins_with_all
