"""`jackfield_vinix.subscribing` and `bindings`: every spelling that a server may take, and each event once."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.plugin.protocol import Disconnect, Subscribed, SubscriptionRefused
from jackfield_vinix.bindings import Learned, forms
from jackfield_vinix.protocol import VinixProtocol
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator

QUEUES, RECIPIENTS, SESSIONS = (f"qubicle.{family}.{ACCOUNT}.*" for family in ("queue", "recipient", "session"))
SPELLINGS = {"documented": QUEUES, "short": "qubicle.queue", "worded": f"{QUEUES}.*"}


def test_a_family_has_three_spellings_and_one_thing_of_it_two_more():
    assert [form.binding for form in forms("qubicle.queue.A.*", "A")] == [
        "qubicle.queue.A.*",
        "qubicle.queue",
        "qubicle.queue.A.*.*",
    ]
    assert [form.binding for form in forms("qubicle.queue.A.Q", "A")] == [
        "qubicle.queue.A.Q",
        "qubicle.queue.A.Q.*",
        "qubicle.queue.A.*",
        "qubicle.queue",
        "qubicle.queue.A.*.*",
    ]
    assert forms("qubicle.queue", "A")[0].binding == "qubicle.queue"
    assert [form.wide for form in forms("qubicle.queue.A.Q", "A")] == [False, False, True, True, True]


@given(st.lists(st.sampled_from(["documented", "short", "worded", "one", "one, worded"])))
def test_whatever_was_learned_every_spelling_is_still_tried_and_what_failed_last_comes_last(failures):
    learned = Learned()
    for style in failures:
        learned.failed(style)
    candidates = forms("qubicle.queue.A.Q", "A")
    ordered = learned.ordered(candidates)
    assert Counter(ordered) == Counter(candidates)
    fresh = [form for form in candidates if form.style not in failures]
    assert ordered[: len(fresh)] == fresh
    if len(set(failures)) == 5:
        assert ordered[-1].style == failures[-1]


@pytest.mark.parametrize("accepted", SPELLINGS)
def test_each_spelling_that_a_server_takes_is_found_under_the_topics_own_name(talk, server, accepted):
    line = talk(accepts=accepted, **server).connect(*talk.families)
    assert sorted(line.confirmed) == sorted(talk.families)
    assert line.rejected == []
    assert len(line.socket.bindings) == 3
    line.happen(50)
    assert len(line.events) == len({event.id for event in line.events}) == 50


@pytest.mark.parametrize("accepted", SPELLINGS)
def test_what_worked_is_asked_for_first_on_the_next_connection(talk, accepted):
    line = talk(accepts=accepted).connect(QUEUES)
    line.sent.clear()
    line.connect(QUEUES, RECIPIENTS)
    assert line.asked_for[0] == SPELLINGS[accepted]
    assert len(line.asked_for) == 2


@pytest.mark.parametrize("crashing", ["documented", "documented,short"])
def test_a_spelling_over_which_the_connection_breaks_is_not_the_first_again(talk, crashing):
    line = talk(crashes_on=crashing)
    for _ in range(3):
        line.connect(QUEUES, SESSIONS)
        if line.confirmed:
            break
        assert line.code == 1011
    assert sorted(line.confirmed) == [QUEUES, SESSIONS]


def test_a_connection_that_ends_otherwise_blames_no_spelling(talk):
    line = talk()
    line.simulator.unanswered = 1
    line.connect(QUEUES)
    line.code = 1000
    line.connect(QUEUES)
    line.code = 1011  # nothing was under way
    line.connect(QUEUES)
    assert line.asked_for == [QUEUES] * 3


def test_narrowed_bindings_that_fail_become_one_wide_binding_for_all_of_them(talk):
    line = talk(accepts="short").connect(*(f"qubicle.queue.{ACCOUNT}.Q{number}" for number in range(5)))
    assert len(line.confirmed) == 5
    assert list(line.socket.bindings) == ["qubicle.queue"]
    assert line.asked_for.count("qubicle.queue") == 1
    for topic in line.confirmed[:4]:
        line.perform(line.protocol.unsubscribe(topic))
    assert list(line.socket.bindings) == ["qubicle.queue"]
    line.perform(line.protocol.unsubscribe(line.confirmed[4]))
    assert list(line.socket.bindings) == []


def test_narrowed_bindings_that_work_stay_narrow_until_the_whole_family_is_wanted(talk):
    narrow = [f"qubicle.queue.{ACCOUNT}.Q{number}" for number in range(3)]
    line = talk().connect(*narrow)
    assert list(line.socket.bindings) == narrow
    line.perform(line.protocol.subscribe(QUEUES))
    assert list(line.socket.bindings) == [QUEUES]
    line.did.clear()
    line.perform(line.protocol.subscribe(f"qubicle.queue.{ACCOUNT}.Q9"))
    assert line.confirmed == [f"qubicle.queue.{ACCOUNT}.Q9"]
    assert list(line.socket.bindings) == [QUEUES]


def _overlapping(bindings):
    families = Counter(each.split(".")[1] for each in bindings)
    wide = [each for each in bindings if each.count(".") == 1 or each.split(".")[3] == "*"]
    return [each for each in wide if families[each.split(".")[1]] > 1]


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([QUEUES, *(f"qubicle.queue.{ACCOUNT}.Q{n}" for n in range(4))]))),
    st.sampled_from(["any", "short", "documented", "worded", "short,narrow"]),
    st.integers(0, 2),
)
def test_whatever_is_asked_for_and_given_back_what_is_confirmed_is_served_by_one_binding(steps, accepts, unanswered):
    socket = VinixSimulator("s3cret", accepts=accepts, unanswered=unanswered).client()
    protocol = VinixProtocol("support", ACCOUNT, "s3cret")
    wanted, confirmed = set(), set()

    def perform(actions):
        for action in list(actions):
            if isinstance(action, Subscribed):
                confirmed.add(action.topic)
            elif hasattr(action, "text"):
                for frame in list(socket.received(action.text)):
                    perform(protocol.received(frame.encode(), None))

    for subscribe, topic in steps:
        if subscribe and topic not in wanted:
            wanted.add(topic)
            perform(protocol.subscribe(topic))
        elif not subscribe and topic in confirmed:
            wanted.discard(topic)
            confirmed.discard(topic)
            perform(protocol.unsubscribe(topic))
    for _ in range(100):
        perform(protocol.tick(None, 1.0))
    assert confirmed == wanted
    held = list(socket.bindings)
    assert _overlapping(held) == []
    for topic in wanted:
        assert any(binding in {form.binding for form in forms(topic, ACCOUNT)} for binding in held)
    assert bool(held) is bool(wanted)


def test_a_node_without_qubicle_is_left_for_another_a_few_times(talk):
    line = talk(unavailable=2)
    for _ in range(3):
        line.connect(*talk.families)
    assert [hangup.auth_failed for hangup in line.hangups] == [False] * len(line.hangups)
    assert "may lead to another node" in line.hangups[0].reason
    assert sorted(line.confirmed) == sorted(talk.families)
    line.connect(*talk.families)
    assert line.rejected == []


def test_a_server_that_never_has_qubicle_is_believed_in_the_end(talk):
    line = talk(unavailable=100)
    for _ in range(4):
        assert line.rejected == []
        line.connect(*talk.families)
    assert sorted(line.rejected) == sorted(talk.families)
    reason = line.of(SubscriptionRefused)[0].reason
    assert "bh_qubicle is not loaded" in reason
    assert "tried" in reason


@pytest.mark.parametrize(
    ("options", "mended"),
    [({"unavailable": 4}, {"unavailable": 0}), ({"accepts": "narrow"}, {"accepts": "any"}), ({"unanswered": 3}, {})],
)
def test_where_nothing_is_granted_it_is_tried_again_every_few_minutes_on_another_connection(talk, options, mended):
    line = talk(**options).connect(QUEUES)
    while not line.rejected:
        line.tick(31) if line.socket is not None else line.connect(QUEUES)
    line.simulator.unanswered = 1000 if "unanswered" in options else 0
    if line.socket is not None:
        line.socket.bindings.clear()
    refused_at, hangups = line.at, len(line.hangups)
    line.tick(400)
    (hangup,) = line.hangups[hangups:]
    assert hangup.reason == "no subscription was granted in 300 s: trying another connection"
    assert timedelta(0) <= line.at - hangup.missed_since <= timedelta(seconds=440)
    assert abs(hangup.missed_since - refused_at) <= timedelta(seconds=31)
    line.simulator.unanswered = 0
    for option, value in mended.items():
        setattr(line.simulator, option, value)
    line.connect(QUEUES)
    line.tick(400)
    assert line.confirmed == [QUEUES]


def test_an_account_that_is_refused_is_not_asked_for_in_other_words(talk):
    line = talk(feed={"account_id": "other"}).connect("qubicle.queue.other.*")
    assert line.rejected == ["qubicle.queue.other.*"]
    assert "unauthorized account id" in line.of(SubscriptionRefused)[0].reason
    assert len(line.asked_for) == 1


def test_an_unanswered_request_is_asked_again_and_then_refused_and_a_late_answer_counts(talk):
    line = talk(unanswered=3).connect(QUEUES)
    line.socket.bindings.clear()
    line.tick(29)
    assert (line.confirmed, line.rejected) == ([], [])
    line.tick(1)
    assert line.rejected == [QUEUES]
    assert line.of(SubscriptionRefused)[0].reason == "no answer within 10 s, 3 times"
    assert line.asked_for == [QUEUES] * 3
    for number in (3, 1, 2):
        reply = {"action": "reply", "request_id": f"jackfield-{number}", "status": "success", "data": {}}
        line.hear([json.dumps(reply)])
    assert line.confirmed == [QUEUES]


def test_events_that_come_before_any_answer_show_that_a_binding_is_in_force(talk, server):
    line = talk(unanswered=1, **server).connect(RECIPIENTS)
    line.happen(30)
    assert line.events
    assert line.confirmed == []
    line.tick(10)
    assert line.confirmed == [RECIPIENTS]
    assert line.asked_for == [RECIPIENTS]


def test_an_answer_that_comes_after_another_event_still_confirms(talk, server):
    line = talk(answered_late=3, **server).connect(*talk.families)
    line.happen(5)
    assert sorted(line.confirmed) == sorted(talk.families)
    assert len({event.id for event in line.events}) == 5


def test_a_granted_binding_that_nobody_waits_for_any_more_is_given_back(talk):
    line = talk(answered_late=1).connect(QUEUES)
    line.perform(line.protocol.unsubscribe(QUEUES))
    line.happen(1)
    assert line.confirmed == []
    assert list(line.socket.bindings) == []


def test_too_many_requests_are_sent_again_later_and_all_confirmed(talk):
    line = talk().connect()
    line.socket._bucket.tokens = line.socket._bucket.most = 20.0
    topics = [f"qubicle.queue.{ACCOUNT}.Q{number}" for number in range(90)]
    for topic in topics:
        line.perform(line.protocol.subscribe(topic))
    assert len(line.confirmed) == 20
    line.tick(30)
    assert sorted(line.confirmed) == sorted(topics)
    assert line.rejected == []
    errors = [reply for reply in line.replies if reply["status"] == "error"]
    assert 1 <= len(errors) <= 5


def test_the_servers_bucket_is_not_emptied_by_a_thousand_topics(talk):
    line = talk().connect(*(f"qubicle.queue.{ACCOUNT}.Q{number}" for number in range(300)))
    assert len(line.confirmed) == 100
    line.tick(20)
    assert len(line.confirmed) == 300
    assert not [reply for reply in line.replies if reply["status"] == "error"]


def test_a_spelling_that_is_granted_and_brings_nothing_gives_way_to_another(talk):
    line = talk(barren="documented", feed={"rest_url": None}).connect(QUEUES)
    line.happen(40)
    line.tick(200)
    assert [type(action) for action in line.did[-2:]][1] is Disconnect
    line.connect(QUEUES)
    assert line.asked_for[-1] == "qubicle.queue"
    line.happen(40)
    assert line.events
