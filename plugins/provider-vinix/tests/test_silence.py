"""`jackfield_vinix.silence`: a deaf connection is renewed, a quiet one left alone, and neither in a hurry."""

from datetime import timedelta
from itertools import pairwise

import pytest

from jackfield.plugin.http import Response
from jackfield.plugin.protocol import Backfill, Emit, GapSuspected, Subscribed
from jackfield_vinix.silence import Silence

NO_REST = {"rest_url": None}


@pytest.fixture
def subscribed(talk):
    def make(*, feed=None, topics=talk.families, events=60, **options):
        line = talk(feed=feed, **options)
        line.connect(*topics)
        line.happen(events)
        line.did.clear()
        line.sent.clear()
        return line

    return make


def test_as_long_as_events_come_nobody_is_asked_anything(subscribed, server):
    line = subscribed(**server)
    for _ in range(100):
        line.happen(1)
        line.tick(5)
    assert {type(action) for action in line.did} == {Emit}
    assert line.sent == []


def test_a_deaf_connection_is_asked_and_then_renewed_and_the_gap_is_reported(subscribed, server):
    line = subscribed(feed=NO_REST, deaf_after=1, **server)
    last = max(event.received for event in line.events) if line.events else None
    silent_since = line.protocol.silence.since
    assert last is None or last <= silent_since
    line.tick(59 - int(line.protocol.silence.quiet))
    assert line.did == []
    line.tick(12)
    (hangup,) = line.hangups
    assert hangup.missed_since == silent_since
    assert "no event for" in hangup.reason
    assert not hangup.auth_failed
    assert [each["action"] for each in line.sent] == ["ping"]
    line.simulator.deaf_after = 0
    line.connect(*("qubicle.queue." + line.simulator.account_id + ".*",)).happen(40)
    assert line.events


@pytest.mark.parametrize("lost", [0, 1])
def test_an_answer_to_the_ping_is_reported_whichever_it_is_and_so_is_none(subscribed, server, lost):
    line = subscribed(feed=NO_REST, **server)
    line.simulator.unanswered = lost
    line.tick(90)
    answered = not lost
    assert ("a ping was answered" if answered else "a ping was not answered") in line.gaps[0].reason


def test_a_quiet_connection_that_rest_vouches_for_is_left_alone(subscribed, server):
    line = subscribed(**server)
    line.connect(*line.protocol._subscribing._tried)
    line.tick(3600)
    assert line.hangups == line.gaps == line.of(Subscribed)[3:] == []
    looks = line.of(Backfill)
    assert 30 <= len(looks) <= 3600 / 60 + 1
    assert "no event for 60 s" in looks[0].reason


def test_a_connection_that_the_server_no_longer_lists_is_renewed_whatever_the_ping_says(subscribed, server):
    line = subscribed(**server)
    line.socket.bindings.clear()
    line.tick(70)
    assert len(line.hangups) == 1
    assert line.gaps[0].missed_since <= line.at


def test_a_connection_that_missed_a_change_is_renewed_and_the_change_is_reported(subscribed, server):
    line = subscribed(events=300, **server)
    line.simulator.deaf_after = 1
    mangle, line.mangle = line.mangle, lambda frames: []
    line.happen(200)
    line.mangle = mangle
    line.did.clear()
    line.tick(80)
    missed = [event for event in line.events if event.inferred]
    assert missed
    assert line.hangups


def test_rest_that_does_not_answer_vouches_for_nothing(subscribed):
    line = subscribed()
    line.rest_status = 500
    line.tick(60 + 61)
    assert len(line.hangups) == 1


def test_what_a_look_has_found_is_reported_even_if_the_list_of_connections_is_not(talk):
    line = talk(naming="kazoo").connect(*talk.families)
    line.happen(100)
    line.mangle = lambda frames: []
    line.happen(60)
    line.at += timedelta(seconds=5)
    line.did.clear()
    line.protocol.silence._asked = line.protocol.silence.quiet

    def answer(request):
        return Response(503) if request.url.endswith("/websockets") else line.answer(request)

    line.perform(talk.drive(line.protocol.backfill(None, line.at), answer))
    assert [event for event in line.events if event.inferred]
    line.tick(11)
    line.protocol.silence.answered(ponged=True)
    line.tick(1)
    assert len(line.hangups) == 1


def test_a_server_that_tells_no_names_of_connections_is_not_held_against_them(talk):
    line = talk(generation=5, naming="kazoo").connect(*talk.families)
    line.happen(60)
    exchange = line.protocol._subscribing.listed(line.protocol._rest, line.protocol._name)
    assert talk.drive(exchange, lambda _: Response(200, {}, b'{"data":[{"bindings":["qubicle.queue"]}]}')) is None
    exchange = line.protocol._subscribing.listed(line.protocol._rest, line.protocol._name)
    assert talk.drive(exchange, lambda _: Response(200, {}, b'{"data":[]}')) is False


def test_in_a_whole_night_without_a_voucher_a_connection_is_renewed_less_and_less_often(talk):
    line = talk(feed=NO_REST | {"idle_check_seconds": 300.0})
    line.connect(*talk.families)
    renewed = []
    for second in range(8 * 3600):
        line.tick()
        if line.socket is None:
            renewed.append(second)
            line.connect(*talk.families)
    spans = [after - before for before, after in pairwise(renewed)]
    assert spans == sorted(spans)
    assert spans[0] >= 600 and spans[-1] >= 1200
    assert len(line.gaps) == len(renewed) <= 8 * 3600 / 1200 + 2


def test_the_watch_can_be_switched_off(talk):
    line = talk(feed=NO_REST | {"idle_check_seconds": 0.0}).connect(*talk.families)
    line.tick(10_000)
    assert line.hangups == []


def test_a_connection_without_subscriptions_is_not_expected_to_bring_anything(talk):
    line = talk(feed=NO_REST).connect()
    line.tick(10_000)
    assert line.did == []


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
    line = subscribed(feed=NO_REST)
    line.tick(100)
    assert line.gaps == line.hangups != []
    assert line.of(GapSuspected) == []
