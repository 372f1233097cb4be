"""`jackfield_voipbin.subscribing`: spellings, and who is to blame where the line is cut.

The platform's side is a model: it cuts the line at once for certain texts and says nothing to the others.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jackfield.plugin.protocol import Send, Subscribed, SubscriptionRefused
from jackfield_voipbin.subscribing import LEFT_OUT, PROBATION, Subscribing, Suspicion

AT = datetime(2026, 1, 1, tzinfo=UTC)


def spellings(topic):
    """Two, which is what these cases are about; `jackfield_voipbin.spellings` has three."""
    return (topic, topic[: topic.index("*")]) if "*" in topic else (topic,)


CALLS, QUEUES, AGENTS = (f"customer_id:C:{each}:*" for each in ("call", "queue", "agent"))


def texts(actions, verb="subscribe"):
    said = [json.loads(action.frame) for action in actions if isinstance(action, Send)]
    assert all(len(each["topics"]) == 1 for each in said)
    return [each["topics"][0] for each in said if each["type"] == verb]


def subscribing(suspicion=None, spell=spellings, refusal=lambda text: "", **more):
    return Subscribing(spell, refusal, suspicion or Suspicion(), **more)


def test_a_topic_is_sent_in_both_spellings_the_wildcard_first_each_in_a_message_of_its_own():
    actions = list(subscribing().subscribe(CALLS))
    assert texts(actions) == [CALLS, "customer_id:C:call:"]
    assert actions[2:] == [Subscribed(CALLS)]


def test_a_text_that_two_topics_need_is_sent_once_and_given_back_with_the_last():
    machine = subscribing()
    first, second = "customer_id:C:*:1", "customer_id:C:*:2"
    assert texts(machine.subscribe(first)) == [first, "customer_id:C:"]
    assert texts(machine.subscribe(second)) == [second]
    assert texts(machine.unsubscribe(first), "unsubscribe") == [first]
    assert set(texts(machine.unsubscribe(second), "unsubscribe")) == {second, "customer_id:C:"}


def test_a_topic_is_refused_only_when_all_its_spellings_are():
    machine = subscribing()
    list(machine.subscribe(CALLS))
    assert list(machine.refused("customer_id:C:call:", "INVALID_TOPIC")) == []
    assert list(machine.refused(CALLS, "PERMISSION_DENIED")) == [SubscriptionRefused(CALLS, "PERMISSION_DENIED")]
    assert list(machine.unsubscribe(CALLS)) == []


def test_what_a_server_turned_down_is_never_given_back():
    machine = subscribing()
    list(machine.subscribe(CALLS))
    list(machine.refused(CALLS, "INVALID_TOPIC"))
    assert texts(machine.unsubscribe(CALLS), "unsubscribe") == ["customer_id:C:call:"]


def test_what_our_credential_may_not_is_not_sent():
    machine = subscribing(refusal=lambda text: "it needs a role" if "call" in text else "")
    assert list(machine.subscribe(CALLS)) == [SubscriptionRefused(CALLS, "it needs a role")]
    assert texts(machine.subscribe(QUEUES)) == [QUEUES, "customer_id:C:queue:"]


class Platform:
    """Connection after connection, to a platform that cuts the line at once at certain texts."""

    def __init__(self, bad, topics, spell=spellings):
        self.bad, self.topics, self.spell = set(bad), topics, spell
        self.suspicion = Suspicion()
        self.at = AT
        self.connections = 0

    def connect(self, ticks=200):
        """One connection: the actions of its life, and whether it still lives."""
        self.connections += 1
        machine = subscribing(self.suspicion, self.spell)
        actions = []
        for step in [*self.topics, *[None] * ticks]:
            if step is None:
                self.at += timedelta(seconds=1)
            new = list(machine.subscribe(step) if step else machine.tick(self.at, 1.0))
            actions += new
            if self.bad & set(texts(new)) or (step == self.topics[-1] and self.bad & set(texts(actions))):
                machine.closed(None, self.at)
                return actions, False
        machine.closed(1000, self.at)
        return actions, True

    def settle(self):
        while not (last := self.connect())[1]:
            # Each costs at most one cut among others, and two alone.
            assert self.connections <= 1 + 3 * len(self.bad), "it is tried more often than needed"
        return last[0]


@given(st.data())
def test_the_guilty_are_found_and_the_others_live_on(data):
    topics = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True))
    bad = data.draw(st.sets(st.sampled_from(topics)))
    platform = Platform(bad, topics, lambda topic: (topic,))
    actions = platform.settle()
    assert {action.topic for action in actions if isinstance(action, SubscriptionRefused)} == bad
    assert set(texts(actions)) == set(topics) - bad
    assert {action.topic for action in actions if isinstance(action, Subscribed)} == set(topics) - bad
    assert all("cut the connection" in action.reason for action in actions if isinstance(action, SubscriptionRefused))


def test_one_bad_spelling_costs_its_topic_nothing():
    platform = Platform(["customer_id:C:call:"], [CALLS, QUEUES])
    actions = platform.settle()
    assert [action for action in actions if isinstance(action, SubscriptionRefused)] == []
    assert set(texts(actions)) == {CALLS, QUEUES, "customer_id:C:queue:"}


@pytest.mark.parametrize("spell", [spellings, lambda topic: (topic,)])
@pytest.mark.parametrize("count", [9, 10, 12, 100, 400])
def test_after_a_cut_by_the_network_every_topic_is_asked_for_before_its_answer_is_overdue(count, spell):
    topics = [f"customer_id:C:r{number}:*" for number in range(count)]
    machine = subscribing(spell=spell)
    for topic in topics:
        list(machine.subscribe(topic))
    machine.closed(None, AT)
    again = subscribing(machine.suspicion, spell)
    confirmed = [action.topic for topic in topics for action in again.subscribe(topic)]
    for _ in range(28):
        confirmed += [action.topic for action in again.tick(AT, 1.0) if isinstance(action, Subscribed)]
    assert sorted(confirmed) == sorted(topics)


def test_one_bad_topic_among_many_is_found_and_the_others_live_on():
    topics = [f"customer_id:C:r{number}:*" for number in range(40)]
    platform = Platform(["customer_id:C:r20:*", "customer_id:C:r20:"], topics)
    connections = 0
    while connections < 12:
        connections += 1
        actions, alive = platform.connect(ticks=200)
        if alive:
            break
    assert alive
    assert {action.topic for action in actions if isinstance(action, Subscribed)} == {*topics} - {"customer_id:C:r20:*"}


def test_the_network_is_to_blame_once():
    machine = subscribing(spell=lambda topic: (topic,))
    list(machine.subscribe("a"))
    machine.closed(None, AT)
    again = subscribing(machine.suspicion, lambda topic: (topic,))
    assert list(again.subscribe("a")) == []
    assert texts(again.tick(AT, 1.0)) == ["a"]
    for _ in range(PROBATION):
        assert list(again.tick(AT, 1.0)) == []
    again.closed(None, AT)
    assert (again.suspicion.suspects, again.suspicion.guilty) == ({}, {})


@pytest.mark.parametrize(
    ("code", "suspected"), [(None, True), (1006, True), (1008, True), (1000, False), (1001, False)]
)
def test_only_a_cut_line_makes_suspects(code, suspected):
    machine = subscribing()
    list(machine.subscribe(CALLS))
    machine.closed(code, AT)
    assert bool(machine.suspicion.suspects) == suspected


def test_what_is_left_out_gets_another_chance_after_an_hour_on_the_next_connection():
    platform = Platform(["a"], ["a", "b"], lambda topic: (topic,))
    platform.settle()
    platform.at += LEFT_OUT
    platform.connect()
    actions, lives = platform.connect()
    assert not lives
    assert texts(actions) == ["b", "a"]
    assert "a" in platform.suspicion.guilty


class Bisection(RuleBasedStateMachine):
    """Topics come and go, lines are cut for a reason or for none; whoever is innocent is never left out for long."""

    @initialize(bad=st.sets(st.sampled_from("abcdef"), max_size=2))
    def start(self, bad):
        self.bad, self.at, self.suspicion = bad, AT, Suspicion()
        self.wanted = set()
        self.reconnect(None)

    def act(self, actions):
        new = list(actions)
        sent, back = set(texts(new)), set(texts(new, "unsubscribe"))
        assert not sent & self.held, "it is asked for twice"
        assert back <= self.held, "something is given back that is not held"
        self.held = (self.held | sent) - back
        self.rejected |= {action.topic for action in new if isinstance(action, SubscriptionRefused)}
        if self.held & self.bad:
            self.reconnect(None)

    @rule(code=st.sampled_from([None, 1000]))
    def reconnect(self, code):
        if hasattr(self, "machine"):
            self.machine.closed(code, self.at)
        self.machine = subscribing(self.suspicion, lambda topic: (topic,))
        self.held, self.rejected = set(), set()
        for topic in sorted(self.wanted):
            machine = self.machine
            self.act(machine.subscribe(topic))
            if machine is not self.machine:
                return

    @rule(topic=st.sampled_from("abcdef"))
    def want(self, topic):
        if topic not in self.wanted:
            self.wanted.add(topic)
            self.act(self.machine.subscribe(topic))

    @rule(topic=st.sampled_from("abcdef"))
    def give_back(self, topic):
        if topic in self.wanted:
            self.wanted.discard(topic)
            if topic not in self.rejected:
                self.act(self.machine.unsubscribe(topic))

    @rule(ticks=st.integers(1, 30))
    def wait(self, ticks):
        for _ in range(ticks):
            self.at += timedelta(seconds=1)
            self.act(self.machine.tick(self.at, 1.0))

    @invariant()
    def whatever_is_not_bad_is_held_soon(self):
        for _ in range(100):
            self.act(self.machine.tick(self.at, 1.0))
        assert self.held == self.wanted - self.rejected - self.bad

    @invariant()
    def what_is_held_is_not_bad(self):
        assert not self.held & self.bad


Bisection.TestCase.settings = settings(stateful_step_count=15, deadline=None)
TestBisection = Bisection.TestCase
