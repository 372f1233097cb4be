"""`jackfield_vinix.requests` and `pacing`: replies by their id, and no more than the server's bucket holds."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.plugin.protocol import Send
from jackfield_vinix.pacing import Pace
from jackfield_vinix.requests import ANSWER_TICKS, MOST_OPEN, PendingRequest, Requests


def make(name=""):
    return Requests("s3cret", "ACC", name)


def ask(requests, action="subscribe", binding="qubicle.queue"):
    return [json.loads(send.frame) for send in requests.ask(PendingRequest(action, binding))]


def test_a_request_says_what_the_documentation_wants():
    assert ask(make()) == [
        {
            "action": "subscribe",
            "auth_token": "s3cret",
            "request_id": "jackfield-1",
            "data": {"account_id": "ACC", "binding": "qubicle.queue"},
        }
    ]
    (ping,) = ask(make("ours"), "ping", "")
    assert ping == {"action": "ping", "auth_token": "s3cret", "request_id": "jackfield-1", "name": "ours"}


def test_ids_are_never_used_twice():
    requests = make()
    ids = [ask(requests)[0]["request_id"] for _ in range(MOST_OPEN)]
    assert len(set(ids)) == MOST_OPEN


@pytest.mark.parametrize("odd", [None, 7, "7", [], {}, "jackfield-2", True])
def test_a_reply_to_nobody_answers_nothing(odd):
    requests = make()
    ask(requests)
    assert requests.answered(odd) is None
    assert requests.answered("jackfield-1").binding == "qubicle.queue"
    assert requests.answered("jackfield-1") is None


def test_what_is_not_answered_is_given_up_after_its_time_and_still_understood_later():
    requests = make()
    ask(requests)
    for _ in range(ANSWER_TICKS - 1):
        assert list(requests.tick()) == []
    (late,) = requests.tick()
    assert (late.action, late.binding) == ("subscribe", "qubicle.queue")
    assert list(requests.tick()) == []
    assert requests.answered("jackfield-1") is late
    assert requests.answered("jackfield-1") is None


def test_of_very_many_unanswered_requests_the_oldest_are_forgotten():
    requests = make()
    for _ in range(1500):
        ask(requests)
    for _ in range(1500 // MOST_OPEN * (ANSWER_TICKS + 1) + 20):
        list(requests.tick())
    assert requests.answered("jackfield-1") is None
    assert requests.answered("jackfield-1500") is not None


def test_at_most_40_requests_are_unanswered_and_each_answer_makes_room_for_the_next():
    requests = make()
    sent = [each["request_id"] for _ in range(300) for each in ask(requests)]
    assert len(sent) == MOST_OPEN == 40
    for number in range(300):
        assert requests.answered(sent[number]) is not None
        sent += [json.loads(send.frame)["request_id"] for send in requests.flush()]
        if len(sent) == number + 1:
            sent += [json.loads(each.frame)["request_id"] for each in requests.tick()]
        assert len(sent) - number - 1 <= 40
    assert len(sent) == 300


def test_the_time_for_an_answer_begins_when_the_request_goes_out():
    requests = make()
    for _ in range(MOST_OPEN + 1):
        last = ask(requests)
    assert last == []
    for _ in range(ANSWER_TICKS):
        given_up = list(requests.tick())
    *given_up, after = given_up
    assert len(given_up) == MOST_OPEN
    assert isinstance(after, Send)
    for _ in range(ANSWER_TICKS - 1):
        assert list(requests.tick()) == []
    assert len(list(requests.tick())) == 1


def test_what_the_server_rate_limited_goes_out_again_a_little_later():
    requests = make()
    ask(requests)
    requests.again(requests.answered("jackfield-1"))
    ticks = [[json.loads(send.frame)["data"]["binding"] for send in requests.tick()] for _ in range(4)]
    assert ticks == [[], ["qubicle.queue"], [], []]


class Bucket:
    """The server's own, written otherwise: by moments instead of a running count."""

    def __init__(self):
        self.left, self.at = 100.0, 0.0

    def message(self, at):
        self.left, self.at = min(100.0, self.left + 10.0 * (at - self.at)), at
        self.left -= 1
        return self.left >= 0


@given(st.lists(st.integers(0, 60), max_size=60))
def test_however_requests_come_the_servers_bucket_is_never_empty(bursts):
    requests, bucket = make(), Bucket()
    for second, burst in enumerate(bursts):
        for _ in range(burst):
            for _ in ask(requests):
                assert bucket.message(float(second))
        for each in list(requests.tick()):
            if isinstance(each, Send):
                assert bucket.message(second + 1.0)


def test_a_pace_fills_up_to_its_capacity_and_no_further():
    pace = Pace()
    for _ in range(5):
        pace.tick()
    taken = [pace.take() for _ in range(101)]
    assert taken == [True] * 100 + [False]
    levels = []
    for _ in range(12):
        pace.tick()
        levels.append(pace.tokens)
    assert all(after - before in (0, 10) for before, after in pairwise(levels))
    assert levels[-1] == 100
