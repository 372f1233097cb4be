"""`jackfield_vinix.subscribing` and `bindings`: every spelling that a server may accept, and each event once."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.plugin.protocol import Renew, Send, Subscribed, SubscriptionRefused
from jackfield_vinix.bindings import Learned, binding_spellings
from jackfield_vinix.protocol import VinixProtocol
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
QUEUES, RECIPIENTS, SESSIONS = (f"qubicle.{family}.{ACCOUNT}.*" for family in ("queue", "recipient", "session"))
SPELLINGS = {"documented": QUEUES, "short": "qubicle.queue", "worded": f"{QUEUES}.*"}


def test_a_family_has_three_spellings_and_one_thing_of_it_two_more():
    assert [spelling.binding for spelling in binding_spellings("qubicle.queue.A.*", "A")] == [
        "qubicle.queue.A.*",
        "qubicle.queue",
        "qubicle.queue.A.*.*",
    ]
    assert [spelling.binding for spelling in binding_spellings("qubicle.queue.A.Q", "A")] == [
        "qubicle.queue.A.Q",
        "qubicle.queue.A.Q.*",
        "qubicle.queue.A.*",
        "qubicle.queue",
        "qubicle.queue.A.*.*",
    ]
    assert binding_spellings("qubicle.queue", "A")[0].binding == "qubicle.queue"
    assert [spelling.wide for spelling in binding_spellings("qubicle.queue.A.Q", "A")] == [
        False,
        False,
        True,
        True,
        True,
    ]


@given(st.lists(st.sampled_from(["documented", "short", "worded", "one", "one, worded"])))
def test_whatever_was_learned_every_spelling_is_still_tried_and_what_failed_last_comes_last(failures):
    learned = Learned()
    for style in failures:
        learned.failed(style)
    candidates = binding_spellings("qubicle.queue.A.Q", "A")
    ordered = learned.ordered(candidates)
    assert Counter(ordered) == Counter(candidates)
    fresh = [spelling for spelling in candidates if spelling.style not in failures]
    assert ordered[: len(fresh)] == fresh
    if len(set(failures)) == 5:
        assert ordered[-1].style == failures[-1]


@pytest.mark.parametrize("accepted", SPELLINGS)
def test_each_spelling_that_a_server_takes_is_found_under_the_topics_own_name(talk, server, accepted):
    conversation = talk(accepts=accepted, **server).connect(*talk.families)
    assert sorted(conversation.confirmed) == sorted(talk.families)
    assert conversation.rejected == []
    assert len(conversation.socket.bindings) == 3
    conversation.happen(50)
    assert len(conversation.events) == len({event.id for event in conversation.events}) == 50


@pytest.mark.parametrize("accepted", SPELLINGS)
def test_what_worked_is_asked_for_first_on_the_next_connection(talk, accepted):
    conversation = talk(accepts=accepted).connect(QUEUES)
    conversation.sent.clear()
    conversation.connect(QUEUES, RECIPIENTS)
    assert conversation.asked_for[0] == SPELLINGS[accepted]
    assert len(conversation.asked_for) == 2


@pytest.mark.parametrize("crashing", ["documented", "documented,short"])
def test_a_spelling_over_which_the_connection_breaks_is_not_the_first_again(talk, crashing):
    conversation = talk(crashes_on=crashing)
    for _ in range(3 * len(crashing.split(",")) + 1):
        conversation.connect(QUEUES, SESSIONS)
        if conversation.confirmed:
            break
        assert conversation.code == 1011
    assert sorted(conversation.confirmed) == [QUEUES, SESSIONS]


def test_a_connection_that_ends_otherwise_blames_no_spelling(talk):
    conversation = talk()
    conversation.simulator.unanswered = 1
    conversation.connect(QUEUES)
    conversation.code = 1000
    conversation.connect(QUEUES)
    conversation.code = 1011  # nothing was under way
    conversation.connect(QUEUES)
    assert conversation.asked_for == [QUEUES] * 3


def test_narrowed_bindings_that_fail_become_one_wide_binding_for_all_of_them(talk):
    narrow = [f"qubicle.queue.{ACCOUNT}.Q{number}" for number in range(5)]
    conversation = talk(accepts="short", feed={"unsubscribe": "send"}).connect(*narrow)
    assert len(conversation.confirmed) == 5
    assert list(conversation.socket.bindings) == ["qubicle.queue"]
    assert conversation.asked_for.count("qubicle.queue") == 1
    for topic in conversation.confirmed[:4]:
        conversation.perform(conversation.protocol.unsubscribe(topic))
    assert list(conversation.socket.bindings) == ["qubicle.queue"]
    conversation.perform(conversation.protocol.unsubscribe(conversation.confirmed[4]))
    assert list(conversation.socket.bindings) == []


def test_narrowed_bindings_that_work_stay_narrow_until_the_whole_family_is_wanted(talk):
    narrow = [f"qubicle.queue.{ACCOUNT}.Q{number}" for number in range(3)]
    conversation = talk(feed={"unsubscribe": "send"}).connect(*narrow)
    assert list(conversation.socket.bindings) == narrow
    conversation.perform(conversation.protocol.subscribe(QUEUES))
    assert list(conversation.socket.bindings) == [QUEUES]
    conversation.did.clear()
    conversation.perform(conversation.protocol.subscribe(f"qubicle.queue.{ACCOUNT}.Q9"))
    assert conversation.confirmed == [f"qubicle.queue.{ACCOUNT}.Q9"]
    assert list(conversation.socket.bindings) == [QUEUES]


def _overlapping(bindings):
    families = Counter(each.split(".")[1] for each in bindings)
    wide = [each for each in bindings if each.count(".") == 1 or each.split(".")[3] == "*"]
    return [each for each in wide if families[each.split(".")[1]] > 1]


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([QUEUES, *(f"qubicle.queue.{ACCOUNT}.Q{n}" for n in range(4))]))),
    st.sampled_from(["any", "short", "documented", "worded", "short,narrow"]),
    st.integers(0, 2),
)
@pytest.mark.parametrize("unsubscribes", [True, False])
def test_whatever_is_subscribed_and_unsubscribed_what_is_confirmed_is_served(unsubscribes, steps, accepts, unanswered):
    """By one binding, where the server is asked to end what is not wanted; it never is but for what it has granted."""
    socket = VinixSimulator("s3cret", accepts=accepts, unanswered=unanswered).client()
    protocol = VinixProtocol("support", ACCOUNT, "s3cret", unsubscribes=unsubscribes)
    wanted, confirmed, granted, ended = set(), set(), set(), []

    def perform(actions):
        for action in list(actions):
            if isinstance(action, Subscribed):
                confirmed.add(action.topic)
            elif isinstance(action, Send):
                request = json.loads(action.frame)
                binding = request["data"]["binding"]
                if request["action"] == "unsubscribe":
                    ended.append(binding)
                    assert binding in granted
                    granted.discard(binding)
                for frame in list(socket.received(action.frame)):
                    if request["action"] == "subscribe" and json.loads(frame)["status"] == "success":
                        granted.add(binding)
                    perform(protocol.received(frame.encode(), START))

    for subscribe, topic in steps:
        if subscribe and topic not in wanted:
            wanted.add(topic)
            perform(protocol.subscribe(topic))
        elif not subscribe and topic in confirmed:
            wanted.discard(topic)
            confirmed.discard(topic)
            perform(protocol.unsubscribe(topic))
    for _ in range(100):
        perform(protocol.tick(START, 1.0))
    assert confirmed == wanted
    held = list(socket.bindings)
    if unsubscribes and not unanswered:
        assert set(_overlapping(held)) <= {QUEUES, "qubicle.queue"}  # one is to show that it brings events
        assert bool(held) is bool(wanted)
    if not unsubscribes:
        assert ended == []
    for topic in wanted:
        assert any(binding in {spelling.binding for spelling in binding_spellings(topic, ACCOUNT)} for binding in held)


def test_a_node_without_qubicle_is_left_for_another_a_few_times(talk):
    conversation = talk(unavailable=2)
    for _ in range(3):
        conversation.connect(*talk.families)
    assert [disconnect.auth_failed for disconnect in conversation.disconnects] == [False] * len(
        conversation.disconnects
    )
    assert "may lead to another node" in conversation.disconnects[0].reason
    assert sorted(conversation.confirmed) == sorted(talk.families)
    conversation.connect(*talk.families)
    assert conversation.rejected == []


def test_a_server_that_never_has_qubicle_is_believed_in_the_end(talk):
    conversation = talk(unavailable=100)
    for _ in range(4):
        assert conversation.rejected == []
        conversation.connect(*talk.families)
    assert sorted(conversation.rejected) == sorted(talk.families)
    reason = conversation.of(SubscriptionRefused)[0].reason
    assert "bh_qubicle is not loaded" in reason
    assert "tried" in reason


@pytest.mark.parametrize(
    ("options", "mended"),
    [({"unavailable": 4}, {"unavailable": 0}), ({"accepts": "narrow"}, {"accepts": "any"}), ({"unanswered": 3}, {})],
)
def test_where_nothing_is_granted_it_is_tried_again_every_few_minutes_on_another_connection(talk, options, mended):
    conversation = talk(**options).connect(QUEUES)
    while not conversation.rejected:
        conversation.tick(31) if conversation.socket is not None else conversation.connect(QUEUES)
    conversation.simulator.unanswered = 1000 if "unanswered" in options else 0
    if conversation.socket is not None:
        conversation.socket.bindings.clear()
    refused_at, disconnects = conversation.at, len(conversation.disconnects)
    conversation.tick(400)
    (disconnect,) = conversation.disconnects[disconnects:]
    assert disconnect.reason == "no subscription was granted in 300 s: trying another connection"
    assert timedelta(0) <= conversation.at - disconnect.missed_since <= timedelta(seconds=440)
    assert abs(disconnect.missed_since - refused_at) <= timedelta(seconds=31)
    conversation.simulator.unanswered = 0
    for option, value in mended.items():
        setattr(conversation.simulator, option, value)
    conversation.connect(QUEUES)
    conversation.tick(400)
    assert conversation.confirmed == [QUEUES]


def test_an_account_that_is_refused_is_not_asked_for_in_other_words(talk):
    conversation = talk(feed={"account_id": "other"}).connect("qubicle.queue.other.*")
    assert conversation.rejected == ["qubicle.queue.other.*"]
    assert "unauthorized account id" in conversation.of(SubscriptionRefused)[0].reason
    assert len(conversation.asked_for) == 1


def test_an_unanswered_request_is_asked_again_and_then_refused_and_a_late_answer_counts(talk):
    conversation = talk(unanswered=3).connect(QUEUES)
    conversation.socket.bindings.clear()
    conversation.tick(29)
    assert (conversation.confirmed, conversation.rejected) == ([], [])
    conversation.tick(1)
    assert conversation.rejected == [QUEUES]
    assert conversation.of(SubscriptionRefused)[0].reason == "no answer within 10 s, 3 times"
    assert conversation.asked_for == [QUEUES] * 3
    for number in (3, 1, 2):
        reply = {"action": "reply", "request_id": f"jackfield-{number}", "status": "success", "data": {}}
        conversation.hear([json.dumps(reply)])
    assert conversation.confirmed == [QUEUES]


def test_events_that_come_before_any_answer_show_that_a_binding_is_in_force(talk, server):
    conversation = talk(unanswered=1, **server).connect(RECIPIENTS)
    conversation.happen(30)
    assert conversation.events
    assert conversation.confirmed == []
    conversation.tick(10)
    assert conversation.confirmed == [RECIPIENTS]
    assert conversation.asked_for == [RECIPIENTS]


def test_an_answer_that_comes_after_another_event_still_confirms(talk, server):
    conversation = talk(answered_late=3, **server).connect(*talk.families)
    conversation.happen(5)
    assert sorted(conversation.confirmed) == sorted(talk.families)
    assert len({event.id for event in conversation.events}) == 5


@pytest.mark.parametrize(("unsubscribe", "held"), [("send", []), ("renew", [QUEUES])])
def test_a_granted_binding_that_nobody_waits_for_any_more_is_ended_once_it_is_granted(talk, unsubscribe, held):
    conversation = talk(answered_late=1, feed={"unsubscribe": unsubscribe}).connect(QUEUES)
    conversation.perform(conversation.protocol.unsubscribe(QUEUES))
    assert [each["action"] for each in conversation.sent] == ["subscribe"]
    conversation.happen(1)
    assert conversation.confirmed == []
    assert list(conversation.socket.bindings) == held
    conversation.connect(SESSIONS)
    assert list(conversation.socket.bindings) == [SESSIONS]


def test_a_binding_that_is_wanted_again_is_confirmed_at_once_and_not_requested_twice(talk):
    conversation = talk().connect(QUEUES)
    conversation.perform(conversation.protocol.unsubscribe(QUEUES))
    conversation.perform(conversation.protocol.subscribe(QUEUES))
    assert conversation.confirmed == [QUEUES, QUEUES]
    assert conversation.asked_for == [QUEUES]


def test_too_many_requests_are_sent_again_later_and_all_confirmed(talk):
    conversation = talk().connect()
    conversation.socket._bucket.tokens = conversation.socket._bucket.most = 20.0
    topics = [f"qubicle.queue.{ACCOUNT}.Q{number}" for number in range(90)]
    for topic in topics:
        conversation.perform(conversation.protocol.subscribe(topic))
    assert len(conversation.confirmed) == 20
    conversation.tick(30)
    assert sorted(conversation.confirmed) == sorted(topics)
    assert conversation.rejected == []
    errors = [reply for reply in conversation.replies if reply["status"] == "error"]
    assert 1 <= len(errors) <= 5


def test_the_servers_bucket_is_not_emptied_by_a_thousand_topics(talk):
    conversation = talk().connect(*(f"qubicle.queue.{ACCOUNT}.Q{number}" for number in range(300)))
    assert len(conversation.confirmed) == 100
    conversation.tick(20)
    assert len(conversation.confirmed) == 300
    assert not [reply for reply in conversation.replies if reply["status"] == "error"]


@pytest.mark.parametrize(
    ("barren", "winner"), [("documented", "qubicle.queue"), ("short", QUEUES), ("", QUEUES), ("worded", QUEUES)]
)
def test_two_spellings_are_asked_for_until_one_has_brought_an_event_and_then_the_connection_is_renewed(
    talk, server, barren, winner
):
    conversation = talk(proven=False, barren=barren, feed={"renew_seconds": 900.0}, **server).connect(QUEUES)
    assert conversation.asked_for == [QUEUES, "qubicle.queue"]
    while not conversation.events:
        conversation.happen()
    conversation.tick(5)
    assert [action.reason for action in conversation.of(Renew)] == ["it has shown by which binding events come"]
    assert not [each for each in conversation.sent if each["action"] == "unsubscribe"]
    conversation.tick(60)
    assert len(conversation.of(Renew)) == 1
    conversation.sent.clear()
    conversation.connect(QUEUES)
    assert conversation.asked_for[0] == winner
    assert list(conversation.socket.bindings) == [winner]
    conversation.happen(100)
    conversation.tick(20)
    assert len(conversation.of(Renew)) == 1


def test_where_the_short_spelling_is_refused_the_documented_one_serves(talk, server):
    conversation = talk(proven=False, accepts="documented", **server).connect(*talk.families)
    assert sorted(conversation.confirmed) == sorted(talk.families)
    assert len(conversation.socket.bindings) == 3
    conversation.happen(50)
    assert len(conversation.events) == 50


@pytest.mark.parametrize("unanswered", [1, 4])
def test_where_only_the_other_spelling_is_answered_that_one_serves(talk, unanswered):
    conversation = talk(proven=False).connect()
    conversation.simulator.unanswered = 1
    conversation.perform(conversation.protocol.subscribe(QUEUES))
    conversation.simulator.unanswered = unanswered
    conversation.tick(31)
    assert conversation.confirmed == [QUEUES]
    assert conversation.rejected == []


def test_one_queue_is_asked_for_by_itself_and_beside_it_all_of_them(talk, server):
    topic = f"qubicle.queue.{ACCOUNT}.Q1"
    conversation = talk(proven=False, **server).connect(topic)
    assert conversation.asked_for == [topic, "qubicle.queue"]
    conversation.happen(100)
    conversation.tick(10)
    assert conversation.of(Renew) == []  # whether the narrow one brings events is not known yet


def test_a_connection_that_breaks_over_a_spelling_once_is_no_verdict(talk):
    conversation = talk(proven=False, crashes_on="documented").connect(QUEUES)
    assert conversation.code == 1011
    conversation.simulator.crashes_on = ""
    conversation.sent.clear()
    conversation.connect(QUEUES)
    assert conversation.asked_for == [QUEUES, "qubicle.queue"]
