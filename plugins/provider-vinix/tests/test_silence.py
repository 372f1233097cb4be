"""`jackfield_vinix.silence`: a deaf connection is renewed, a quiet one left alone, and neither in a hurry."""

from datetime import timedelta
from itertools import pairwise

import pytest

from jackfield.plugin.http import Response
from jackfield.plugin.protocol import Backfill, Emit, GapSuspected, Renew, Subscribed
from jackfield_vinix.silence import Silence

NO_REST = {"rest_url": None}


@pytest.fixture
def subscribed(talk):
    def make(*, feed=None, topics=talk.families, events=60, **options):
        conversation = talk(feed=feed, **options)
        conversation.connect(*topics)
        conversation.happen(events)
        conversation.did.clear()
        conversation.sent.clear()
        return conversation

    return make


def test_as_long_as_events_come_nobody_is_asked_anything(subscribed, server):
    conversation = subscribed(**server)
    for _ in range(100):
        conversation.happen(1)
        conversation.tick(5)
    assert {type(action) for action in conversation.did} == {Emit}
    assert conversation.sent == []


def test_a_stalled_subscription_is_queried_and_then_renewed_and_the_gap_is_reported(subscribed, server):
    conversation = subscribed(feed=NO_REST, stalls_after=1, **server)
    last = max(event.received for event in conversation.events) if conversation.events else None
    silent_since = conversation.protocol.silence.since
    assert last is None or last <= silent_since
    conversation.tick(59 - int(conversation.protocol.silence.quiet))
    assert conversation.did == []
    conversation.tick(12)
    (disconnect,) = conversation.disconnects
    assert disconnect.missed_since == silent_since
    assert "no event for" in disconnect.reason
    assert not disconnect.auth_failed
    assert [each["action"] for each in conversation.sent] == ["ping"]
    conversation.simulator.stalls_after = 0
    conversation.connect(*("qubicle.queue." + conversation.simulator.account_id + ".*",)).happen(40)
    assert conversation.events


@pytest.mark.parametrize("lost", [0, 1])
def test_an_answer_to_the_ping_is_reported_whichever_it_is_and_so_is_none(subscribed, server, lost):
    conversation = subscribed(feed=NO_REST, **server)
    conversation.simulator.unanswered = lost
    conversation.tick(90)
    answered = not lost
    assert ("a ping was answered" if answered else "a ping was not answered") in conversation.gaps[0].reason


def test_a_quiet_connection_that_rest_vouches_for_is_left_alone(subscribed, server):
    conversation = subscribed(**server)
    conversation.connect(*conversation.protocol._subscribing._tried)
    conversation.tick(3600)
    assert conversation.disconnects == conversation.gaps == conversation.of(Subscribed)[3:] == []
    looks = conversation.of(Backfill)
    assert 30 <= len(looks) <= 3600 / 60 + 1
    assert "no event for 60 s" in looks[0].reason


def test_a_connection_that_the_server_no_longer_lists_is_renewed_whatever_the_ping_says(subscribed, server):
    conversation = subscribed(**server)
    conversation.socket.bindings.clear()
    conversation.tick(70)
    assert len(conversation.disconnects) == 1
    assert conversation.gaps[0].missed_since <= conversation.at


def test_a_connection_that_missed_a_change_is_renewed_and_the_change_is_reported(subscribed, server):
    conversation = subscribed(events=300, **server)
    conversation.simulator.stalls_after = 1
    mangle, conversation.mangle = conversation.mangle, lambda frames: []
    conversation.happen(200)
    conversation.mangle = mangle
    conversation.did.clear()
    conversation.tick(80)
    missed = [event for event in conversation.events if event.inferred]
    assert missed
    assert conversation.disconnects


def test_rest_that_does_not_answer_vouches_for_nothing(subscribed):
    conversation = subscribed()
    conversation.rest_status = 500
    conversation.tick(60 + 61)
    assert len(conversation.disconnects) == 1


def test_what_a_backfill_has_found_is_reported_even_if_the_list_of_connections_is_not(talk):
    conversation = talk(naming="kazoo").connect(*talk.families)
    conversation.happen(100)
    conversation.mangle = lambda frames: []
    conversation.happen(60)
    conversation.at += timedelta(seconds=5)
    conversation.did.clear()
    conversation.protocol.silence._asked = conversation.protocol.silence.quiet

    def answer(request):
        return Response(503) if request.url.endswith("/websockets") else conversation.answer(request)

    conversation.perform(talk.drive(conversation.protocol.backfill(None, conversation.at), answer))
    assert [event for event in conversation.events if event.inferred]
    conversation.tick(11)
    conversation.protocol.silence.answered(ponged=True)
    conversation.tick(1)
    assert len(conversation.disconnects) == 1


def test_a_server_that_says_no_names_of_connections_is_not_held_against_them(talk):
    conversation = talk(generation=5, naming="kazoo").connect(*talk.families)
    conversation.happen(60)
    exchange = conversation.protocol._subscribing.listed(conversation.protocol._rest, conversation.protocol._name)
    assert talk.drive(exchange, lambda _: Response(200, {}, b'{"data":[{"bindings":["qubicle.queue"]}]}')) is None
    exchange = conversation.protocol._subscribing.listed(conversation.protocol._rest, conversation.protocol._name)
    assert talk.drive(exchange, lambda _: Response(200, {}, b'{"data":[]}')) is False


def test_in_a_whole_night_without_a_voucher_a_connection_is_renewed_less_and_less_often(talk):
    conversation = talk(feed=NO_REST | {"idle_check_seconds": 300.0})
    conversation.connect(*talk.families)
    renewed = []
    for second in range(8 * 3600):
        conversation.tick()
        if conversation.socket is None:
            renewed.append(second)
            conversation.connect(*talk.families)
    spans = [after - before for before, after in pairwise(renewed)]
    assert spans == sorted(spans)
    assert spans[0] >= 600 and spans[-1] >= 1200
    assert len(conversation.gaps) == len(renewed) <= 8 * 3600 / 1200 + 2


def test_the_watch_can_be_switched_off(talk):
    conversation = talk(feed=NO_REST | {"idle_check_seconds": 0.0}).connect(*talk.families)
    conversation.tick(10_000)
    assert conversation.disconnects == []


def test_a_connection_without_subscriptions_is_not_expected_to_bring_anything(talk):
    conversation = talk(feed=NO_REST).connect()
    conversation.tick(10_000)
    assert conversation.did == []


def test_an_event_that_comes_while_the_server_is_asked_ends_the_question(talk):
    at = talk.start
    silence = Silence(60.0)
    assert silence.tick(at, 1.0, by_rest=False) == ""
    assert silence.tick(at + timedelta(seconds=60), 60.0, by_rest=False) == "ask"
    silence.broken(at + timedelta(seconds=61))
    silence.answered(ponged=False)
    assert silence.tick(at + timedelta(seconds=62), 2.0, by_rest=False) == ""
    assert silence.factor == 1
    assert not silence.asking


def test_every_renewal_says_since_when_events_may_be_missing_so_that_there_is_one_gap_for_it(subscribed):
    conversation = subscribed(feed=NO_REST)
    conversation.tick(100)
    assert conversation.gaps == conversation.disconnects != []
    assert conversation.of(GapSuspected) == []


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
