"""`jackfield._feed.connection`: a driver over a real websocket, on virtual time."""

import json
from datetime import UTC, datetime

import attrs
import pytest
import trio
import trio.testing

from jackfield._feed import effects
from jackfield._feed.activity import Activity
from jackfield._feed.clock import Clock
from jackfield._feed.connection import FRAMES_AT_ONCE, OUTBOX, FeedConnection, Timing, WantedTopics
from jackfield._feed.driver import FeedDriver
from jackfield._feed.stream_events import stream_event
from jackfield._feed.subscriptions import Subscriptions
from jackfield._feed.transport import connect
from jackfield.addresses import AddressPattern, Source
from jackfield.errors import ConnectionLost, FrameError, RestError
from jackfield.plugin.http import Request, Response
from jackfield.plugin.protocol import (
    Backfill,
    Disconnect,
    Emit,
    GapSuspected,
    Ignore,
    Send,
    Subscribed,
    SubscriptionRefused,
)
from jackfield.plugin.simulator import CloseConnection
from jackfield.plugin.transport import Endpoint

AT = datetime(2026, 1, 1, tzinfo=UTC)


def event(name):
    return stream_event(Source("v", "s", "i"), name, "connected", AT)


class Plain:
    """A dialect whose topics cover only themselves."""

    covers = staticmethod(str.__eq__)

    def describe(self, topic):
        return AddressPattern(resource_id=topic), ""


class Spoken:
    """A protocol whose server says in words what it wants: ``event x``, ``confirm t``, ``reject t`` …"""

    asked = ""

    def opened(self):
        return [Send("hello")]

    def subscribe(self, topic):
        if topic == "broken":
            raise KeyError(topic)
        return [Send(f"+{topic}"), *([Subscribed(topic)] if topic.startswith("instant") else [])]

    def unsubscribe(self, topic):
        return [Send(f"-{topic}")]

    def tick(self, at, passed):
        return [Send("tick")]

    def closed(self, code, at):
        raise AssertionError("the session's to tell")

    def received(self, frame, at):
        word, _, rest = frame.decode().partition(" ")
        match word:
            case "event":
                return [Emit(event(each)) for each in rest.split()]
            case "confirm":
                return [Subscribed(rest)]
            case "reject":
                return [SubscriptionRefused(rest, "no")]
            case "hangup":
                return [Disconnect(rest, auth_failed=True)]
            case "suspect":
                return [GapSuspected(AT, rest)]
            case "backfill":
                self.asked = rest
                return [Ignore("asked"), Backfill("asked")]
            case "bug":
                raise ZeroDivisionError
            case "think":
                trio.lowlevel.current_clock().jump(float(rest))
                return [Ignore("thought")]
            case "ignore":
                return [Ignore(rest)]
        raise FrameError("gibberish", frame)

    def backfill(self, since, at):
        if self.asked in ("no", "down"):
            raise RestError("not allowed", auth_failed=self.asked == "no")
        if self.asked == "bug":
            raise ZeroDivisionError("oops")
        answer = yield Request("GET", "/since" if since else "/")
        return [Emit(event(answer.body.decode())), Ignore("an older state")]


class Mute(Spoken):
    """One that cannot look."""

    backfill = None


async def echo(exchange):
    """Answers each request with its own URL."""
    try:
        request = next(exchange)
        while True:
            request = exchange.send(Response(200, body=request.url.encode()))
    except StopIteration as done:
        return done.value


@attrs.define
class Session:
    """Writes down what happens, and has gaps backfilled as a session does."""

    seen: list = attrs.field(factory=list)
    missed_since: datetime | None = None

    def handle(self, effect, connection):
        match effect:
            case effects.EventsReceived(events):
                self.seen += [("event", each.feed) for each in events]
            case effects.FrameUnreadable(error):
                self.seen.append(("unreadable", error.problem))
            case effects.FrameIgnored(reason):
                self.seen.append(("ignored", reason))
            case effects.TopicServed(topic):
                self.seen.append(("confirmed", topic))
            case effects.TopicRefused(topic, reason):
                self.seen.append(("refused", topic, reason))
            case effects.Settled(topics):
                self.seen.append(("settled", *sorted(topics)))
                if self.missed_since is not None:
                    connection.driver.backfill(self.missed_since)
            case effects.SlowStep(step, seconds):
                self.seen.append(("slow", step, round(seconds, 1)))
            case GapSuspected(since, reason):
                self.seen.append(("suspected", since, reason))
            case effects.BackfillEnded(since, _, events, ""):
                self.seen.append(("backfilled", since, events))
            case effects.BackfillEnded(since, _, _, failure):
                self.seen.append(("backfill_failed", since, failure))

    def ticked(self, stall):
        if stall is not None:
            self.seen.append(("stalled", stall))


@attrs.define
class Stage:
    """A connection under way, seen from the server."""

    nursery: trio.Nursery
    network: object
    session: Session = attrs.field(factory=Session)
    wanted: WantedTopics = attrs.field(factory=WantedTopics)
    heard: list = attrs.field(factory=list)
    stopping: trio.Event = attrs.field(factory=trio.Event)
    ended: trio.Event = attrs.field(factory=trio.Event)
    loss: ConnectionLost | None = None
    line: object = None
    protocol: object = attrs.field(factory=Spoken)

    async def start(self, *topics):
        self.wanted.set(topics)
        self.network.handler = self.serve
        self.nursery.start_soon(self.run)
        await self.settle()

    async def serve(self, incoming):
        self.line = await incoming.accept()
        while True:
            self.heard.append(await self.line.receive())

    async def run(self):
        try:
            async with connect(Endpoint("ws://x"), timeout=5, opener=self.network.open) as connection:
                driver = FeedDriver(self.protocol, Subscriptions(Plain()), 30.0)
                await FeedConnection(
                    connection, driver, self.wanted, self.session, Timing(), Clock(lambda: AT), echo, self.stopping
                ).run()
        except ConnectionLost as loss:
            self.loss = loss
        self.ended.set()

    async def say(self, *frames):
        for frame in frames:
            await self.line.send(frame)
        await self.settle()

    async def settle(self):
        for _ in range(3):
            await trio.testing.wait_all_tasks_blocked()


@pytest.fixture
async def stage(nursery, network):
    return Stage(nursery, network)


async def test_what_is_wanted_is_asked_for_and_settled_when_all_is_answered(stage):
    await stage.start("b", "a")
    assert stage.heard == ["hello", "+a", "+b"]
    await stage.say("confirm b")
    assert stage.session.seen == [("confirmed", "b")]
    await stage.say("reject a")
    assert stage.session.seen[1:] == [("refused", "a", "no"), ("settled", "b")]


async def test_nothing_wanted_is_settled_at_once(stage):
    await stage.start()
    assert stage.session.seen == [("settled",)]


async def test_a_vendor_that_never_answers_is_settled_with_the_last_topic(stage):
    await stage.start("instant-a", "instant-b")
    assert stage.session.seen == [
        ("confirmed", "instant-a"),
        ("confirmed", "instant-b"),
        ("settled", "instant-a", "instant-b"),
    ]


async def test_a_change_sends_the_difference_and_gives_back_only_what_is_held(stage):
    await stage.start("instant-a", "instant-b", "c")
    await stage.say("reject c")
    stage.heard.clear()
    stage.wanted.set({"instant-b", "instant-d"})
    await stage.settle()
    assert stage.heard == ["+instant-d", "-instant-a"]
    assert stage.session.seen[-1] == ("settled", "instant-b", "instant-d")
    stage.wanted.set({"instant-d", "instant-b"})
    await stage.settle()
    assert len(stage.heard) == 2


async def test_a_topic_given_up_while_its_answer_is_on_the_way_is_given_back(stage):
    await stage.start("a", "instant-b")
    stage.wanted.set({"instant-b"})
    await stage.say("confirm a")
    assert stage.heard[-1] == "-a"
    assert stage.session.seen[-1] == ("settled", "instant-b")


async def test_an_answer_that_does_not_come_in_time_is_reported_and_counts_as_refused(stage, autojump_clock):
    await stage.start("a")
    await trio.sleep(32)
    assert stage.session.seen == [("refused", "a", "no answer within 30 s"), ("settled",)]
    await stage.say("confirm a")
    assert stage.session.seen[2:] == [("confirmed", "a"), ("settled", "a")]


async def test_a_refusal_after_the_fact_takes_the_topic_away(stage):
    await stage.start("instant-a")
    await stage.say("reject instant-a", "reject instant-a", "reject never-asked", "confirm never-asked")
    assert stage.session.seen[2:] == [("refused", "instant-a", "no"), ("settled",)]


async def test_events_come_out_in_order_and_a_bad_frame_costs_itself_only(stage):
    await stage.start()
    stage.session.seen.clear()
    await stage.say("event 1 2", "what?", "event 3", "bug", "ignore pong", "event 4")
    assert stage.session.seen == [
        ("event", "1"),
        ("event", "2"),
        ("unreadable", "gibberish"),
        ("event", "3"),
        ("unreadable", "the provider failed: ZeroDivisionError: "),
        ("ignored", "pong"),
        ("event", "4"),
    ]


async def test_what_is_reported_of_the_line_stands_between_the_events_that_came_before_and_after_it(stage):
    await stage.start("t")
    stage.session.seen.clear()
    await stage.say("event 1", "confirm t", "event 2")
    assert stage.session.seen == [("event", "1"), ("confirmed", "t"), ("settled", "t"), ("event", "2")]


async def test_the_protocol_may_hang_up_and_say_whether_we_were_refused(stage):
    await stage.start()
    await stage.say("event last", "hangup token refused")
    await stage.ended.wait()
    assert ("event", "last") in stage.session.seen
    assert (stage.loss.reason, stage.loss.auth_failed) == ("token refused", True)


async def test_events_before_the_end_of_the_line_are_not_lost(stage, autojump_clock):
    await stage.start()
    await stage.line.send("event 1")
    await stage.line.send("event 2")
    await stage.line.close(CloseConnection(1001, "restart"))
    await stage.ended.wait()
    assert [each for each in stage.session.seen if each[0] == "event"] == [("event", "1"), ("event", "2")]
    assert "1001" in stage.loss.reason


async def test_a_providers_bug_in_a_subscription_ends_the_connection_and_is_named(stage):
    await stage.start("broken")
    await stage.ended.wait()
    assert stage.loss.reason == "the provider failed: KeyError: 'broken'"


async def test_stopping_says_goodbye_and_is_no_loss(stage):
    await stage.start("instant-a")
    stage.stopping.set()
    await stage.ended.wait()
    assert stage.loss is None


async def test_the_protocol_is_reported_of_each_second_and_pings_keep_a_silent_line(stage, autojump_clock):
    await stage.start()
    await trio.sleep(100.5)
    assert stage.loss is None
    assert stage.heard.count("tick") == 100


async def test_a_suspicion_of_the_protocols_is_passed_on(stage):
    await stage.start()
    await stage.say("suspect deaf")
    assert ("suspected", AT, "deaf") in stage.session.seen


async def test_what_was_missed_is_looked_for_after_a_moments_grace_and_only_once_at_a_time(stage, autojump_clock):
    stage.session.missed_since = AT
    await stage.start("instant-a")
    await stage.say("backfill")
    assert not [each for each in stage.session.seen if each[0] in ("event", "backfilled")]
    await trio.sleep(2.5)
    assert stage.session.seen[-3:] == [("event", "/since"), ("ignored", "an older state"), ("backfilled", AT, 1)]
    await stage.say("backfill")
    await trio.sleep(2.5)
    assert stage.session.seen[-3:] == [("event", "/"), ("ignored", "an older state"), ("backfilled", None, 1)]


async def test_a_look_that_fails_is_reported_and_costs_no_connection(stage, autojump_clock):
    for words, reason in (
        ("backfill no", "not allowed"),
        ("backfill bug", "the provider failed: ZeroDivisionError: oops"),
    ):
        if stage.line is None:
            await stage.start()
        await stage.say(words)
        await trio.sleep(2.5)
        assert stage.session.seen[-1] == ("backfill_failed", None, reason)
    assert stage.loss is None


async def test_a_look_that_got_no_answer_is_taken_again_after_ever_longer_pauses(stage, autojump_clock):
    stage.session.missed_since = AT
    await stage.start("instant-a")
    await stage.say("backfill down")
    await trio.sleep(3600)
    failures = [each for each in stage.session.seen if each[0] == "backfill_failed"]
    assert 8 <= len(failures) <= 12
    assert set(failures) == {("backfill_failed", AT, "not allowed")}
    await stage.say("backfill")
    await trio.sleep(601)
    assert stage.session.seen[-1] == ("backfilled", AT, 1)
    seen = len(stage.session.seen)
    await trio.sleep(3600)
    assert len(stage.session.seen) == seen


async def test_a_look_that_is_not_allowed_is_not_taken_again(stage, autojump_clock):
    await stage.start("instant-a")
    await stage.say("backfill no")
    await trio.sleep(3600)
    assert len([each for each in stage.session.seen if each[0] == "backfill_failed"]) == 1


async def test_only_a_protocol_that_can_is_asked_to_look(stage, autojump_clock):
    stage.session.missed_since = AT
    stage.protocol = Mute()
    await stage.start("instant-a")
    await trio.sleep(5)
    assert stage.loss is None
    assert not [each for each in stage.session.seen if each[0].startswith("backfill")]


async def test_a_line_that_answers_no_ping_is_given_up_within_the_silence_limit(stage, autojump_clock):
    await stage.start()

    async def deaf(max_bytes=None):
        await trio.sleep_forever()

    stage.network.streams[-1].receive_stream.receive_some = deaf  # from the next read on
    await trio.sleep(25)
    began = trio.current_time()
    await stage.ended.wait()
    assert "a ping was not answered" in stage.loss.reason
    # Since the last pong, 5 s before, and with a goodbye of 3 s that nobody hears.
    assert trio.current_time() - began <= 35 - 5 + 3


async def test_a_thousand_topics_go_out_over_a_line_that_takes_them(stage, mock_clock):
    topics = {f"instant-{number:03}" for number in range(900)}
    await stage.start(*topics)
    for _ in range(5):
        await stage.settle()
    assert len(stage.heard) == 901
    assert json.dumps(sorted(topics)) == json.dumps([each[1:] for each in stage.heard[1:]])


async def test_a_step_of_the_protocol_that_holds_up_everything_else_is_noticed(stage, autojump_clock):
    await stage.start("instant")
    stage.session.seen.clear()
    await stage.say("think 0.1", "think 0.7")
    assert [each for each in stage.session.seen if each[0] == "slow"] == [("slow", "received", 0.7)]


class Pondering(Spoken):
    """Thinks long before its first request, and longer about the answer."""

    def backfill(self, since, at):
        trio.lowlevel.current_clock().jump(0.4)
        answer = yield Request("GET", "/")
        trio.lowlevel.current_clock().jump(0.9)
        return [Ignore(answer.body.decode())]


async def test_a_step_of_a_backfill_that_holds_up_everything_else_is_noticed(stage, autojump_clock):
    stage.protocol = Pondering()
    await stage.start("instant")
    stage.session.seen.clear()
    await stage.say("backfill now")
    await trio.sleep(5)
    slow = [("slow", "an HTTP flow", 0.4), ("slow", "an HTTP flow", 0.9)]
    assert [each for each in stage.session.seen if each[0] == "slow"] == slow
    assert ("ignored", "/") in stage.session.seen


async def test_a_read_of_very_many_frames_is_handled_in_bounded_steps_between_which_others_run(stage):
    await stage.start("instant")
    steps, turns = [], 0
    received = stage.protocol.received

    async def other():
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    def counted(frame, at):
        steps.append(turns)
        return received(frame, at)

    stage.protocol.received = counted
    stage.nursery.start_soon(other)
    await stage.line._stream.send_all(b"\x81\x00" * 20_000)
    while len(steps) < 20_000:
        await trio.lowlevel.checkpoint()
    assert max(steps.count(turn) for turn in set(steps)) <= 2 * FRAMES_AT_ONCE


class Acknowledging(Spoken):
    """Each event has a token, which goes back when it is stored."""

    def opened(self):
        return ()

    def received(self, frame, at):
        return [Emit(event("e"), token=frame.decode())]

    def committed(self, token):
        return [Send(f"ack {token}")]

    def tick(self, at, passed):
        return ()


@attrs.define
class Broker:
    """Has events without end, and takes its time to accept each acknowledgement."""

    can_wait: bool = True
    brought: int = 0
    accepted: list = attrs.field(factory=list)
    activity: Activity = attrs.field(factory=lambda: Activity(lambda: AT))

    async def receive(self):
        await trio.lowlevel.checkpoint()
        self.brought += 700
        return [b"%d" % number for number in range(self.brought - 700, self.brought)]

    async def send(self, frame):
        await trio.sleep(0.1)
        self.accepted.append(frame)

    async def ping(self):
        await trio.lowlevel.checkpoint()


class Storing(Session):
    """Stores events at once."""

    def handle(self, effect, connection):
        if isinstance(effect, effects.EventsReceived):
            connection.committed([*effect.tokens.values()])


async def test_a_source_is_read_on_when_it_has_accepted_most_acknowledgements(nursery, autojump_clock):
    broker = Broker()
    driver = FeedDriver(Acknowledging(), Subscriptions(Plain()), 30.0)
    clock = Clock(lambda: AT)
    connection = FeedConnection(broker, driver, WantedTopics(), Storing(), Timing(), clock, echo)
    nursery.start_soon(connection.run)
    await trio.sleep(1000)
    assert 8000 < len(broker.accepted) <= 10_000
    assert broker.accepted[:3] == ["ack 0", "ack 1", "ack 2"]
    assert broker.brought - len(broker.accepted) <= OUTBOX + 2 * 700, "what waits is bounded"
    connection.stopping.set()
