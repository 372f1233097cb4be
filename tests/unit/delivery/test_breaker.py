"""`jackfield._delivery.breaker`: when a sink is left alone, and how it is tried again."""

import math
import random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jackfield._delivery.breaker import Breaker

THRESHOLD = 3


def tripped():
    breaker = Breaker(THRESHOLD, random.Random(1))
    for _ in range(THRESHOLD):
        assert breaker.ask(0.0) == 0.0
        breaker.failed(0.0)
    return breaker


def test_failures_that_a_success_interrupts_do_not_open_it():
    breaker = Breaker(THRESHOLD, random.Random(1))
    for _ in range(10):
        breaker.failed(0.0)
        breaker.failed(0.0)
        breaker.succeeded()
        assert breaker._open_until is None


def test_after_so_many_failures_in_a_row_only_a_single_probe_is_let_through():
    breaker = tripped()
    pause = breaker.ask(0.0)
    assert 0 < pause <= 1.0
    assert breaker.ask(pause) == 0.0
    assert [breaker.ask(pause + 1000), breaker.ask(pause + 1000)] == [math.inf, math.inf]


def test_a_probe_that_arrives_closes_it_and_one_that_fails_opens_it_for_longer_on_the_whole():
    breaker, now, pauses = tripped(), 0.0, []
    for _ in range(200):
        pause = breaker.ask(now)
        pauses.append(pause)
        now += pause
        assert breaker.ask(now) == 0.0
        breaker.failed(now)
    assert max(pauses[:2]) <= 2
    assert 20 < max(pauses) <= 30
    now += breaker.ask(now)
    assert breaker.ask(now) == 0.0
    breaker.succeeded()
    assert breaker.ask(now) == 0.0
    assert breaker._open_until is None


def test_a_probe_that_comes_to_no_end_makes_way_for_another():
    breaker = tripped()
    now = breaker.ask(0.0)
    assert breaker.ask(now) == 0.0
    breaker.unprobed()
    assert breaker.ask(now) == 0.0


def test_a_failure_of_something_sent_before_it_opened_does_not_make_the_pause_longer():
    breaker = tripped()
    pause = breaker.ask(0.0)
    breaker.failed(pause / 2)
    assert breaker.ask(0.0) == pause


class BreakerMachine(RuleBasedStateMachine):
    """Any number of senders, checked against a count of the answers they got."""

    def __init__(self):
        super().__init__()
        self.breaker = Breaker(THRESHOLD, random.Random(7))
        self.now = 0.0
        self.out = 0
        self.probes = 0
        self.row = 0

    @rule(seconds=st.floats(0, 100))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def somebody_asks(self):
        was_open = self.breaker._open_until is not None
        answer = self.breaker.ask(self.now)
        assert answer >= 0
        assert was_open or answer == 0.0
        if answer == 0.0:
            self.out += 1
            self.probes += was_open
        assert self.probes <= 1
        assert math.isinf(answer) == (self.probes == 1 and answer != 0.0)

    @precondition(lambda self: self.out)
    @rule()
    def it_arrives(self):
        self.out -= 1
        self.probes = 0
        self.row = 0
        self.breaker.succeeded()
        assert self.breaker._open_until is None

    @precondition(lambda self: self.out)
    @rule()
    def it_fails(self):
        self.out -= 1
        self.probes = 0
        self.row += 1
        self.breaker.failed(self.now)
        assert self.breaker._open_until is not None or self.row < THRESHOLD

    @rule(seconds=st.floats(0, 100))
    def the_receiver_asks_for_time(self, seconds):
        self.probes = 0
        self.breaker.hold(self.now, seconds)
        assert self.breaker.wait(self.now) >= seconds - 1e-6

    @invariant()
    def it_never_stays_open_without_an_end(self):
        assert self.breaker.wait(self.now) <= 200


TestBreaker = BreakerMachine.TestCase
