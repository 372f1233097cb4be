"""`jackfield_vinix.verification` and `reconcile`: what is not known is stated, and what was lost is a gap."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from jackfield.plugin.protocol import Backfill, Disconnect, Emit, GapSuspected, NotVerified, Renew
from jackfield_vinix.protocol import VinixProtocol
from jackfield_vinix.verification import Verification

NO_REST = {"rest_url": None}


@pytest.fixture
def subscribed(talk):
    def make(*, feed=None, topics=talk.families, events=60, **options):
        conversation = talk(feed=feed, **options)
        conversation.connect(*topics)
        live(conversation, events)
        conversation.did.clear()
        conversation.sent.clear()
        return conversation

    return make


def live(conversation, events):
    """Let things happen, one in each second, by the clock of both."""
    for _ in range(events):
        conversation.happen(1)
        if conversation.socket is not None:
            conversation.perform(conversation.protocol.tick(conversation.at, 1.0))


def test_while_events_come_nothing_is_asked_again_and_nothing_doubted(subscribed, server):
    conversation = subscribed(topics=[f"qubicle.recipient.{'4b31dd1d32ce6d249897c06332375d65'}.*"], **server)
    live(conversation, 20)
    assert {type(action) for action in conversation.did} <= {Emit}


def test_another_clients_unsubscribe_takes_a_subscription_away_and_the_list_goes_on_naming_it(subscribed, server):
    conversation = subscribed(events=5, **server)
    conversation.simulator.unsubscribe_elsewhere()
    live(conversation, 4)
    assert conversation.events == []
    assert len(conversation.socket.bindings) == 3


def test_what_rest_shows_to_have_moved_without_an_event_is_a_gap_since_the_last_event(subscribed, server):
    conversation = subscribed(events=300, **server)
    last = conversation.at
    conversation.simulator.bus.forget()
    live(conversation, 130)
    (disconnect, *_) = conversation.disconnects
    assert disconnect.missed_since <= last
    assert "for 60 s, and yet" in disconnect.reason
    assert last - disconnect.missed_since < timedelta(seconds=60)
    conversation.did.clear()
    conversation.connect(*conversation.protocol._subscribing._tried)
    live(conversation, 20)
    assert conversation.events


def test_a_silence_in_which_nothing_moved_is_not_verified_and_no_gap(subscribed, server):
    conversation = subscribed(**server)
    last = conversation.at
    conversation.tick(3600)
    assert conversation.disconnects == conversation.of(GapSuspected) == []
    stated = conversation.of(NotVerified)
    assert {each.reason.split()[0] for each in stated} == {"queue", "recipient", "session"}
    assert min(each.since for each in stated) <= last
    assert conversation.at - max(each.until for each in stated) <= timedelta(seconds=61)
    assert 30 <= len(conversation.of(Backfill)) <= 3600 / 60 + 1


def test_without_rest_a_silence_is_not_verified_and_no_gap(subscribed, server):
    conversation = subscribed(feed=NO_REST, **server)
    conversation.tick(3600)
    assert conversation.disconnects == conversation.of(GapSuspected) == conversation.of(Backfill) == []
    assert conversation.at - max(each.until for each in conversation.of(NotVerified)) <= timedelta(seconds=61)


def test_rest_that_does_not_answer_verifies_nothing_and_claims_nothing(subscribed):
    conversation = subscribed()
    conversation.rest_status = 500
    conversation.tick(300)
    assert conversation.disconnects == []
    conversation.connect(*conversation.protocol._subscribing._tried)
    conversation.tick(2)
    assert {each.reason.split()[0] for each in conversation.of(NotVerified)} == {"queue", "recipient", "session"}


def test_generation_four_is_asked_again_and_heals_on_the_same_connection(subscribed):
    conversation = subscribed(events=300, generation=4, feed=NO_REST)
    for _ in range(3):
        conversation.simulator.unsubscribe_elsewhere("session")
    live(conversation, 200)
    assert "qubicle.session" in " ".join(each["data"]["binding"] for each in conversation.sent)
    conversation.did.clear()
    live(conversation, 100)
    assert [event for event in conversation.events if event.address.resource == "session"]


def test_generation_five_heals_when_the_old_connection_is_closed_before_the_new_one_is_opened(talk):
    feed = NO_REST | {"renew_seconds": 200.0, "idle_check_seconds": 60.0}
    conversation = talk(generation=5, feed=feed).connect(*talk.families)
    live(conversation, 100)
    conversation.simulator.unsubscribe_elsewhere("session")
    for _ in range(2000):
        live(conversation, 1)
        if conversation.of(Renew):
            conversation.did.clear()
            conversation.renew(*talk.families)
        if conversation.disconnects:
            break
    (disconnect,) = conversation.disconnects
    assert "closing it before another one is opened" in disconnect.reason
    conversation.did.clear()
    conversation.connect(*talk.families)
    live(conversation, 100)
    assert [event for event in conversation.events if event.address.resource == "session"]


@pytest.mark.parametrize("generation", [4, 5])  # Vinix's own REST has no counters of queues
def test_a_loss_among_other_events_shows_in_the_counters_and_is_a_gap_since_they_were_compared(
    talk, subscribed, generation
):
    conversation = subscribed(generation=generation, naming="kazoo")
    for _ in range(3):
        live(conversation, 100)
        conversation.connect(*talk.families)
    live(conversation, 60)
    at = conversation.at
    conversation.mangle = lambda frames: []
    live(conversation, 45)
    conversation.mangle = None
    conversation.did.clear()
    conversation.connect(*conversation.protocol._subscribing._tried)
    live(conversation, 60)
    gaps = conversation.of(GapSuspected)
    assert gaps
    assert gaps[0].since <= at
    assert "moved without an event" in gaps[0].reason


def test_without_a_loss_the_counters_show_none_however_late_events_come(talk, server):
    conversation = talk(**server).connect(*talk.families)
    waiting = []

    def late(frames):
        waiting.extend(frames)
        return [waiting.pop(0) for _ in range(max(0, len(waiting) - 2))]

    conversation.mangle = late
    for _ in range(20):
        live(conversation, 100)
        conversation.connect(*talk.families)
    assert conversation.of(GapSuspected) == []
    assert not [each for each in conversation.of(Disconnect) if each.missed_since is not None]


def test_a_connection_is_renewed_at_a_regular_pace_even_where_all_looks_well(talk, server):
    conversation = talk(feed={"renew_seconds": 900.0, "idle_check_seconds": 0.0}, **server).connect(*talk.families)
    conversation.tick(809)
    assert conversation.of(Renew) == []
    conversation.tick(182)
    assert len(conversation.of(Renew)) == 1
    conversation.tick(5000)  # the session tries until it has another connection
    assert len(conversation.of(Renew)) == 1
    assert conversation.gaps == conversation.disconnects == []


def test_planned_renewals_can_be_switched_off(talk):
    conversation = talk(feed={"renew_seconds": 0.0, "idle_check_seconds": 0.0}).connect(*talk.families)
    conversation.tick(20_000)
    assert conversation.of(Renew) == []


def test_the_watch_can_be_switched_off(talk):
    conversation = talk(feed=NO_REST | {"idle_check_seconds": 0.0}).connect(*talk.families)
    conversation.tick(10_000)
    assert conversation.disconnects == []


def test_a_connection_without_subscriptions_is_not_expected_to_bring_anything(talk):
    conversation = talk(feed=NO_REST).connect()
    conversation.tick(10_000)
    assert conversation.did == []


def test_the_time_before_a_new_subscription_is_stated_up_to_the_first_event_after_it(talk):
    at, watch = talk.start, Verification(60.0)
    watch.opened()
    watch.served("queue", at)
    watch.heard("queue", at + timedelta(seconds=5))
    watch.served("queue", at + timedelta(seconds=9))
    watch.heard("queue", at + timedelta(seconds=9.5))
    (stated,) = watch.statements()
    assert (stated.since, stated.until) == (at + timedelta(seconds=5), at + timedelta(seconds=9.5))
    watch.heard("queue", at + timedelta(seconds=10))
    assert list(watch.statements()) == []


def test_an_event_behind_a_reply_in_one_read_shows_that_what_the_reply_granted_is_alive():
    at = datetime(2026, 8, 20, 9, 15, tzinfo=UTC)
    protocol = VinixProtocol("office", "A")
    key = {"name": "join", "routing_key": "qubicle.queue.A.Q.join", "data": {"account_id": "A", "queue_id": "Q"}}
    event = json.dumps({"action": "event"} | key).encode()
    requests = [json.loads(send.frame) for send in protocol.subscribe("qubicle.queue.A.*")]
    protocol.received(event, at)
    for asked in requests:
        reply = {"action": "reply", "request_id": asked["request_id"], "status": "success", "data": {}}
        assert list(protocol.received(json.dumps(reply).encode(), at))
    protocol.received(event, at)
    assert not [each for each in protocol.tick(at + timedelta(seconds=1), 1.0) if isinstance(each, NotVerified)]
