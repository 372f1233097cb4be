"""`jackfield._feed.driver` and `flows`: in whatever order things happen, nothing asked for is forgotten."""

from datetime import UTC, datetime, timedelta
from functools import partial

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jackfield._feed import effects
from jackfield._feed.driver import FeedDriver
from jackfield._feed.flows import MOST_RUNNING, MOST_WAITING
from jackfield._feed.stream_events import stream_event
from jackfield._feed.subscriptions import Subscriptions
from jackfield.addresses import Source
from jackfield.errors import FrameError, RestError
from jackfield.plugin.http import Request as HTTPRequest
from jackfield.plugin.protocol import (
    Backfill,
    Emit,
    GapSuspected,
    Ignore,
    NotVerified,
    Renew,
    Replan,
    Request,
    Send,
    Subscribed,
    SubscriptionRefused,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANSWER_SECONDS = 30.0


class Prefixes:
    covers_by_prefix = True


def event(name):
    return stream_event(Source("v", "s", "i"), name, "connected", AT)


@attrs.define
class Scripted:
    """A protocol that answers each frame with what the test has put behind it."""

    said: list = attrs.field(factory=list)
    committed_tokens: list = attrs.field(factory=list)
    script: dict = attrs.field(factory=dict)

    def opened(self):
        return ()

    def subscribe(self, topic):
        return [Send(f"+{topic}")]

    def unsubscribe(self, topic):
        return [Send(f"-{topic}")]

    def received(self, frame, at):
        found = self.script[frame]
        if isinstance(found, Exception):
            raise found
        return found

    def tick(self, at, passed):
        return ()

    def closed(self, code, at):
        return None

    def backfill(self, since, at):
        yield HTTPRequest("GET", "http://x/")
        return ()

    def committed(self, token):
        self.committed_tokens.append(token)
        return [Send(f"ack {token}")]


@pytest.fixture
def scripted():
    return Scripted()


@pytest.fixture
def driver(scripted):
    return FeedDriver(scripted, Subscriptions(Prefixes()), ANSWER_SECONDS)


def hear(driver, scripted, *answers):
    """One read of as many frames, each answered by the protocol with one of these."""
    frames = [b"%d" % number for number in range(len(answers))]
    scripted.script = dict(zip(frames, answers, strict=True))
    return driver.received(frames, AT)


def test_a_read_is_one_effect_that_counts_its_frames(driver, scripted):
    first, second = event("1"), event("2")
    assert hear(driver, scripted, [Emit(first)], [Emit(second)]) == [effects.EventsReceived([first, second], 2)]


def test_payload_objects_that_nobody_reads_are_let_go_and_made_again_of_the_text(scripted):
    read = iter([False, True])
    driver = FeedDriver(scripted, Subscriptions(Prefixes()), ANSWER_SECONDS, lambda: next(read))
    for kept in (False, True):
        objects, only = {"a": [1, "ö"]}, {"b": 1}
        text = attrs.evolve(event("1"), data=objects, data_json='{"a": [1, "ö"]}'.encode())
        own = attrs.evolve(event("2"), data=only, data_json=None)  # a provider's, which no text says
        hear(driver, scripted, [Emit(text)], [Emit(own)])
        assert text.data == objects
        assert (text.data is objects, own.data is only) == (kept, True)


def test_facts_stand_behind_the_events_that_came_before_them(driver, scripted):
    driver.want(["t"])
    happened = hear(driver, scripted, [Emit(event("1"))], [Subscribed("t")], FrameError("bad", b""), [Emit(event("2"))])
    assert [type(each).__name__ for each in happened] == [
        "EventsReceived",
        "TopicServed",
        "Settled",
        "FrameUnreadable",
        "EventsReceived",
    ]


def test_tokens_come_out_with_their_read_and_go_back_once_committed(driver, scripted):
    first, second = event("1"), event("2")
    (read,) = hear(driver, scripted, [Emit(first, "7"), Emit(second)])
    assert read.tokens == {first.id: "7"}
    assert driver.committed(["7"]) == [Send("ack 7")]
    assert scripted.committed_tokens == ["7"]


def test_a_copy_in_one_read_has_its_own_token_and_facts_between_events_lose_none(driver, scripted):
    same = event("1")
    driver.want(["t"])
    happened = hear(driver, scripted, [Emit(same, "7"), Emit(same, "8"), Subscribed("t"), Emit(event("2"), "9")])
    reads = [each for each in happened if isinstance(each, effects.EventsReceived)]
    assert [token for read in reads for token in read.tokens.values()] == ["7", "8", "9"]
    assert all(len(read.tokens) == len(read.events) for read in reads)


@pytest.mark.parametrize("method", ["tick", "performed"])
def test_an_event_of_a_tick_or_of_a_request_keeps_its_token(driver, scripted, method, monkeypatch):
    actions = [Emit(event("1"), "7")]
    if method == "tick":
        monkeypatch.setattr(Scripted, "tick", lambda self, at, passed: actions)
        found = driver.tick(AT, 1.0)
    else:
        (number,) = ask(driver, scripted, "flow")
        found = driver.performed(number, actions)
    assert [each.tokens for each in found if isinstance(each, effects.EventsReceived)] == [{event("1").id: "7"}]


def test_requests_fail_with_their_connection_whether_they_run_or_wait(driver, scripted):
    first, *_ = ask(driver, scripted, "one") + ask(driver, scripted, "two")
    driver.failed(first, RestError("down"))  # it would be made again in a second
    assert driver.closed(None, AT) == [effects.RequestFailed("roster: the connection ended first", AT)] * 2
    assert driver.tick(AT, 60.0) == []


def test_a_flood_of_requests_runs_a_few_at_a_time_in_order_and_none_beyond_a_bound_is_lost_silently(driver, scripted):
    flood = [Request(partial(str, number), "fetch") for number in range(MOST_RUNNING + MOST_WAITING + 5)]
    found = hear(driver, scripted, flood)
    running = [each for each in found if isinstance(each, effects.Perform)]
    assert len(running) == MOST_RUNNING
    assert sum(isinstance(each, effects.RequestFailed) for each in found) == 5
    for turn in range(MOST_WAITING):
        running += driver.performed(running[turn].number, [])
    assert [each.flow for each in running] == [str(number) for number in range(len(running))]


PASSED_ON = [GapSuspected(AT, "quiet"), NotVerified(AT, None, "quiet"), Replan("roster"), Renew("old"), Send("x")]


@pytest.mark.parametrize("action", PASSED_ON)
def test_what_the_session_decides_about_is_passed_on(driver, scripted, action):
    assert action in hear(driver, scripted, [action])


def ask(driver, scripted, flow):
    """The numbers of the flows that a request of the protocol's begins."""
    found = hear(driver, scripted, [Request(lambda: flow, "roster")])
    return [each.number for each in found if isinstance(each, effects.Perform)]


def test_a_request_is_performed_at_once_and_its_actions_are_performed_like_any(driver, scripted):
    driver.want(["t"])
    (number,) = ask(driver, scripted, "flow")
    found = driver.performed(number, [Subscribed("t"), Emit(event("1"))])
    assert [type(each).__name__ for each in found] == ["TopicServed", "Settled", "EventsReceived"]


def test_a_request_without_an_answer_is_repeated_at_growing_distances_and_then_reported(driver, scripted):
    (number,) = ask(driver, scripted, "flow")
    attempts, seconds, failures = 1, 0, []
    while not failures:
        assert driver.failed(number, RestError("down")) == [] or attempts == 6
        for _ in range(100):
            found = driver.tick(AT, 1.0)
            seconds += 1
            if performed := [each for each in found if isinstance(each, effects.Perform)]:
                attempts += 1
                number = performed[0].number
                break
        if attempts == 6:
            failures = [
                each for each in driver.failed(number, RestError("down")) if isinstance(each, effects.RequestFailed)
            ]
    assert failures == [effects.RequestFailed("roster: down", AT)]
    assert 100 <= seconds <= 110


def test_a_request_that_is_not_allowed_is_reported_and_not_repeated(driver, scripted):
    (number,) = ask(driver, scripted, "flow")
    assert driver.failed(number, RestError("no", auth_failed=True)) == [effects.RequestFailed("roster: no", AT)]
    assert all(driver.tick(AT, 1.0) == [] for _ in range(100))


def test_a_provider_whose_request_fails_to_begin_costs_that_request_only(driver, scripted):
    def broken():
        raise KeyError("roster")

    found = hear(driver, scripted, [Request(broken, "roster"), Ignore("roster")])
    assert effects.RequestFailed("roster: the provider failed: KeyError: 'roster'", AT) in found
    assert not [each for each in found if isinstance(each, effects.Lost)]


TOPICS = st.sampled_from(["a", "aa", "ab", "b", "ba"])


class AnyOrder(RuleBasedStateMachine):
    """Topics come and go; the vendor answers late, never, twice or differently; REST answers or does not."""

    @initialize()
    def begin(self):
        self.scripted = Scripted()
        self.driver = FeedDriver(self.scripted, Subscriptions(Prefixes()), ANSWER_SECONDS)
        self.wanted, self.asked_at, self.elapsed = frozenset(), {}, 0.0
        self.held, self.refused, self.settled = set(), set(), None
        self.gaps, self.running, self.ended = [], {}, []
        self.happened(self.driver.opened())

    def happened(self, found):
        for effect in found:
            match effect:
                case Send(text) if text.startswith("+"):
                    assert text[1:] not in self.asked_at, "asked twice without an answer between"
                    assert text[1:] not in self.held, "asked for what is held"
                    self.asked_at[text[1:]] = self.elapsed
                case Send(text):
                    assert text[1:] in self.held, "gave up what was never confirmed"
                    self.held.discard(text[1:])
                case effects.TopicServed(topic):
                    self.asked_at.pop(topic, None)
                    self.held.add(topic)
                    self.refused.discard(topic)
                case effects.TopicRefused(topic):
                    self.asked_at.pop(topic, None)
                    self.held.discard(topic)
                    self.refused.add(topic)
                case effects.Settled(topics):
                    self.settled = topics
                case effects.Perform(number):
                    assert not self.running, "two backfills at once"
                    self.running[number] = min(self.gaps, default=None)
                case effects.BackfillEnded(since, _, _, failure):
                    self.ended.append((since, failure))

    @rule(topics=st.frozensets(TOPICS))
    def want(self, topics):
        self.wanted = topics
        self.happened(self.driver.want(topics))

    @rule(topic=TOPICS, served=st.booleans())
    def answer(self, topic, served):
        action = Subscribed(topic) if served else SubscriptionRefused(topic, "no")
        self.happened(hear(self.driver, self.scripted, [action]))

    @rule(seconds=st.sampled_from([1.0, 5.0, 40.0]))
    def wait(self, seconds):
        self.elapsed += seconds
        self.happened(self.driver.tick(AT + timedelta(seconds=self.elapsed), seconds))

    @rule(ago=st.integers(0, 100))
    def open_gap(self, ago):
        since = AT - timedelta(seconds=ago)
        self.gaps.append(since)
        self.driver.backfill(since)

    @rule()
    def look_without_a_gap(self):
        self.happened(hear(self.driver, self.scripted, [Backfill("regular")]))

    @precondition(lambda self: self.running)
    @rule(outcome=st.sampled_from(["done", "down", "no"]))
    def end_backfill(self, outcome):
        number, _ = self.running.popitem()
        before = len(self.ended)
        if outcome == "done":
            self.happened(self.driver.performed(number, [Emit(event("missed"))]))
        else:
            self.happened(self.driver.failed(number, RestError("x", auth_failed=outcome == "no")))
        ((since, failure),) = self.ended[before:]
        assert bool(failure) is (outcome != "done")
        if outcome != "down" and since is not None:
            self.gaps = [each for each in self.gaps if each < since]

    @invariant()
    def each_subscription_ends_within_the_time_for_an_answer(self):
        assert all(self.elapsed - at < ANSWER_SECONDS for at in self.asked_at.values())

    @invariant()
    def the_driver_is_settled_when_every_topic_is_answered_and_never_before(self):
        if not self.asked_at and self.settled is not None:
            assert self.settled == self.held

    @invariant()
    def whatever_is_wanted_is_served_or_asked_for_or_refused(self):
        for topic in self.wanted:
            known = self.held | self.refused | self.asked_at.keys()
            assert any(topic.startswith(other) for other in known), topic

    def teardown(self):
        """In the end every gap that was not refused has been looked up."""
        if not hasattr(self, "driver"):
            return
        for _ in range(2000):
            if not self.gaps:
                break
            self.wait(1.0)
            while self.running:
                self.end_backfill("done")
        assert not self.gaps


TestAnyOrder = AnyOrder.TestCase
