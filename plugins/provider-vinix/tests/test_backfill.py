"""`jackfield_vinix.backfill` and `snapshot`: one look learns what the server knows, and says what was missed."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jackfield.errors import RestError
from jackfield.events import Event
from jackfield.plugin.http import Response
from jackfield_vinix.presence import STATES
from jackfield_vinix.wire import plain_id

from jackfield_vinix.simulator import VinixSimulator  # isort: skip

FAMILIES = ("queue", "recipient", "session")


def known(line):
    """How things stand, as far as the feed knows."""
    centre = line.protocol.centre
    return {
        "recipients": {
            key: (each.status.presence, plain_id(each.status.session), each.status.paused, each.status.external)
            for key, each in centre.recipients.items()
        },
        "waiting": {
            key: plain_id(session.queue_id) for key, session in centre.sessions.items() if session.stage == "waiting"
        },
    }


def truth(line):
    """How they really stand."""
    floor = line.simulator.floor
    return {
        "recipients": {
            key: (
                STATES[each.state],
                (each.handling or each.offered).get("session_id", ""),
                frozenset(each.paused),
                each.external,
            )
            for key, each in floor.recipients.items()
        },
        "waiting": {session: key for key, queue in floor.queues.items() for session in queue.waiting},
    }


class Interleaving(RuleBasedStateMachine):
    """Events are lost, repeated and shuffled at will; one look by REST puts everything right."""

    @initialize(
        seed=st.integers(0, 50), generation=st.sampled_from([4, 5]), naming=st.sampled_from(["documented", "kazoo"])
    )
    def start(self, seed, generation, naming):
        from importlib import import_module

        talk = import_module(type(self).talk_module).Talk
        self.line = talk(VinixSimulator("s3cret", seed=seed, generation=generation, naming=naming, sync_seconds=1e9))
        account = self.line.simulator.account_id
        self.line.connect(*(f"qubicle.{family}.{account}.*" for family in FAMILIES))
        self.kept = []
        self.looked = False

    def arrive(self, frames):
        self.line.hear(frames)
        self.looked = False

    @rule(count=st.integers(1, 40))
    def events_come(self, count):
        self.line.mangle = None
        self.line.happen(count)
        self.looked = False

    @rule(count=st.integers(1, 40))
    def events_are_lost(self, count):
        self.line.mangle = lambda frames: []
        self.line.happen(count)
        self.looked = False

    @rule(count=st.integers(1, 40))
    def events_are_held_up(self, count):
        self.line.mangle = lambda frames: self.kept.extend(frames) or []
        self.line.happen(count)
        self.looked = False

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def what_was_held_up_comes_in_any_order_and_some_of_it_again(self, data):
        order = data.draw(st.lists(st.sampled_from(range(len(self.kept))), max_size=30))
        self.arrive([self.kept[number] for number in order])

    @rule()
    def we_look(self):
        self.line.at += timedelta(seconds=5)
        self.line.backfill(self.line.at)
        self.looked = True

    @precondition(lambda self: self.looked)
    @rule()
    def a_second_look_finds_nothing(self):
        self.line.did.clear()
        self.line.backfill(None)
        assert self.line.events == []

    @precondition(lambda self: self.looked and self.kept)
    @rule(data=st.data())
    def what_comes_after_the_look_from_before_it_changes_nothing(self, data):
        order = data.draw(st.lists(st.sampled_from(range(len(self.kept))), max_size=30))
        self.line.hear([self.kept[number] for number in order])

    @invariant()
    def we_know_what_the_server_knows(self):
        if getattr(self, "looked", False):
            assert known(self.line) == truth(self.line)


TestInterleaving = Interleaving.TestCase
TestInterleaving.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


@pytest.fixture(autouse=True, scope="module")
def _talk_module(request):
    conftest = next(
        plugin for plugin in request.config.pluginmanager.get_plugins() if getattr(plugin, "Talk", None) is not None
    )
    Interleaving.talk_module = conftest.__name__


@pytest.fixture
def line(talk, server):
    line = talk(**server).connect(*talk.families)
    line.happen(200)
    return line


def lose(line, events):
    """Let things happen that nobody hears of, and forget what was heard before."""
    line.mangle = lambda frames: []
    line.happen(events)
    line.mangle = None
    line.at += timedelta(seconds=5)
    line.did.clear()


def test_after_a_gap_the_state_of_everything_is_reported_as_events(line):
    lose(line, 100)
    line.backfill(line.at)
    snapshots = [event for event in line.events if not event.inferred]
    assert Counter(event.kind for event in snapshots) == {"queue.snapshot": 2, "agent.snapshot": 3}
    assert {event.origin for event in line.events} == {"backfill"}
    for event in snapshots:
        assert event.time is not None
        assert event.data
        assert Event.from_cloudevent(event.to_json()).address == event.address
    assert known(line) == truth(line)


def test_a_change_that_was_missed_is_reported_by_the_event_that_would_have_told_it(line):
    before = {key: each.status.presence for key, each in line.protocol.centre.recipients.items()}
    lose(line, 100)
    after = {key: STATES[each.state] for key, each in line.simulator.floor.recipients.items()}
    line.backfill(line.at)
    inferred = [event for event in line.events if event.inferred]
    words = {"ready": "ready", "away": "away", "offered": "offer", "handling": "delivered", "wrapup": "wrapup_start"}
    for key, presence in before.items():
        seen = [event.address.event for event in inferred if plain_id(event.address.resource_id) == key]
        if presence != after[key]:
            assert words[after[key]] in seen
    assert all(event.time is None for event in inferred)
    assert len({event.id for event in line.events}) == len(line.events)


def test_what_is_reported_of_a_missed_contact_belongs_to_its_story(line):
    for _ in range(20):
        lose(line, 37)
        sessions = {key: each.id for key, each in line.protocol.centre.sessions.items()}
        line.backfill(line.at)
        for event in line.events:
            if event.kind in ("offer.created", "contact.connected", "contact.queued", "contact.dequeued"):
                assert event.correlation
                assert event.correlation == sessions.get(plain_id(event.correlation), event.correlation)


def test_resynced_events_bear_the_ids_that_live_events_gave(line):
    spelled = {event.address.resource_id for event in line.events}
    lose(line, 50)
    line.backfill(line.at)
    assert {event.address.resource_id for event in line.events} <= spelled


def test_a_look_in_which_nothing_was_missed_tells_the_states_only_where_there_was_a_gap(line):
    line.at += timedelta(seconds=5)
    line.did.clear()
    line.backfill(None)
    assert line.events == []
    line.backfill(line.at)
    assert len(line.events) == 5
    assert not any(event.inferred for event in line.events)


def test_what_a_live_event_has_told_meanwhile_is_not_overruled_by_the_look(talk):
    line = talk(naming="kazoo").connect(*talk.families)
    line.happen(300)
    exchange = line.protocol.backfill(line.at, line.at)
    request = next(exchange)
    seen = {}
    try:
        while True:
            response = line.answer(request)
            if "recipients" in request.url:  # just as the answer is on its way, somebody goes away
                for key in line.simulator.floor.recipients:
                    data = {"event_unix_timestamp": line.at.timestamp(), "account_id": "A", "recipient_id": key}
                    routing_key = f"qubicle.recipient.A.{key}"
                    line.hear([json.dumps({"name": "away", "routing_key": routing_key, "data": data})])
                    seen[key] = "away"
            request = exchange.send(response)
    except StopIteration as done:
        line.did.clear()
        line.perform(done.value)
    assert {key: each.status.presence for key, each in line.protocol.centre.recipients.items()} == seen
    assert not any(event.inferred for event in line.events)


def test_who_joined_and_left_unseen_does_not_wait_for_ever_where_the_join_comes_after_the_look(talk):
    line = talk(naming="kazoo", seed=5).connect(*talk.families)
    held_up = []
    line.mangle = lambda frames: held_up.extend(frames) or []
    line.happen(60)
    line.at += timedelta(seconds=5)
    line.backfill(line.at)
    joins = [frame for frame in held_up if '"name":"join"' in frame]
    gone = [frame for frame in joins if json.loads(frame)["data"]["session_id"] not in truth(line)["waiting"]]
    assert gone
    late = line.protocol.centre.late
    line.hear(gone)
    assert known(line) == truth(line)
    assert line.protocol.centre.late == late + len(gone)


def test_without_rest_the_gap_stays_and_the_reason_is_reported(talk):
    line = talk(feed={"rest_url": None}).connect(*talk.families)
    with pytest.raises(RestError, match="there is no rest_url to look for what was missed") as caught:
        line.backfill(line.at)
    assert caught.value.auth_failed  # so that nobody tries again and again


def test_a_server_that_forbids_the_look_says_so(talk):
    line = talk().connect(*talk.families)
    with pytest.raises(RestError, match=r"GET /v2/accounts/.*/qubicle_queues: HTTP 403: forbidden") as caught:
        talk.drive(line.protocol.backfill(None, line.at), lambda request: Response(403, {}, b'{"message":"forbidden"}'))
    assert caught.value.auth_failed


def reply(status=200, body=None):
    return Response(status, {}, json.dumps(body if body is not None else {"data": []}).encode())


@pytest.mark.parametrize(
    ("lists", "statuses"),
    [
        ({"data": [{"id": "R1", "name": "x"}]}, {"data": {"R1": {"availability_state": "Away"}}}),
        ({"data": [{"recipient_id": "R-1", "user_id": "R-1"}]}, {"data": [{"id": "r1", "state": "away"}]}),
        ([{"user_id": "R1"}], [{"recipient_id": "R1", "availability_state": "away"}]),
        (["R1"], {"R1": {"available": False, "availability_state": "Away", "surprise": [1]}}),
        ({"data": [{"ID": "R1"}, {"odd": 1}, None, 5]}, None),
        ({"data": [{"id": "R1"}]}, {"data": {"R1": "odd", "": {}}}),
    ],
)
def test_both_spellings_of_lists_and_statuses_are_read(talk, lists, statuses):
    line = talk().connect(*talk.families)

    def answer(request):
        if request.method == "POST":
            return reply(404) if statuses is None else reply(200, statuses)
        if request.url.endswith("qubicle_recipients"):
            return reply(200, lists)
        if "qubicle_recipients" in request.url:
            return reply(200, {"availability_state": "Away", "node": "x"})
        return reply()

    line.perform(talk.drive(line.protocol.backfill(line.at, line.at), answer))
    (recipient,) = line.protocol.centre.recipients.values()
    assert recipient.status.presence == "away"
    assert [event.kind for event in line.events] == ["agent.snapshot"]


@pytest.mark.parametrize("sessions", [404, 405, 501])
def test_a_server_that_does_not_tell_who_waits_is_not_taken_to_say_nobody(talk, sessions):
    line = talk(naming="kazoo").connect(*talk.families)
    while not known(line)["waiting"]:
        line.happen(1)
    waiting = known(line)["waiting"]
    line.at += timedelta(seconds=10)
    line.did.clear()

    def answer(request):
        return reply(sessions) if request.url.endswith("/sessions") else line.answer(request)

    line.perform(talk.drive(line.protocol.backfill(None, line.at), answer))
    assert known(line)["waiting"] == waiting
    assert "contact.dequeued" not in {event.kind for event in line.events}


def test_who_is_gone_between_the_list_and_the_status_is_left_out(talk):
    line = talk(naming="kazoo").connect(*talk.families)
    line.happen(60)
    line.at += timedelta(seconds=10)
    line.did.clear()

    def answer(request):
        return reply(404) if "/status" in request.url else line.answer(request)

    line.perform(talk.drive(line.protocol.backfill(line.at, line.at), answer))
    assert {event.address.resource for event in line.events} <= {"queue"}


def test_the_servers_clock_decides_what_is_newer(talk):
    """Ours is an hour fast; still what came last by the server's own clock stays."""
    line = talk().connect(*talk.families)
    line.happen(100)
    ahead = line.at + timedelta(hours=1)
    live = {key: each.at for key, each in line.protocol.centre.recipients.items()}
    talk.drive(line.protocol.backfill(line.at, ahead), line.answer)
    for key, each in line.protocol.centre.recipients.items():
        assert each.at <= max(live[key], line.at)
