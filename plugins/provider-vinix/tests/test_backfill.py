"""`jackfield_vinix.backfill` and `snapshot`: one query learns what the server knows, and says what was missed."""

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


def known(conversation):
    """How things stand, as far as the feed knows."""
    state = conversation.protocol.state
    return {
        "recipients": {
            key: (each.status.presence, plain_id(each.status.session), each.status.paused, each.status.external)
            for key, each in state.recipients.items()
        },
        "waiting": {
            key: plain_id(session.queue_id) for key, session in state.sessions.items() if session.stage == "waiting"
        },
    }


def truth(conversation):
    """How they really stand."""
    state = conversation.simulator.state
    return {
        "recipients": {
            key: (
                STATES[each.state],
                (each.handling or each.offered).get("session_id", ""),
                frozenset(each.paused),
                each.external,
            )
            for key, each in state.recipients.items()
        },
        "waiting": {session: key for key, queue in state.queues.items() for session in queue.waiting},
    }


class Interleaving(RuleBasedStateMachine):
    """Events are lost, repeated and shuffled at will; one query by REST puts everything right."""

    @initialize(
        seed=st.integers(0, 50), generation=st.sampled_from([4, 5]), naming=st.sampled_from(["documented", "kazoo"])
    )
    def start(self, seed, generation, naming):
        from importlib import import_module

        talk = import_module(type(self).talk_module).Talk
        self.conversation = talk(
            VinixSimulator("s3cret", seed=seed, generation=generation, naming=naming, sync_seconds=1e9)
        )
        account = self.conversation.simulator.account_id
        self.conversation.connect(*(f"qubicle.{family}.{account}.*" for family in FAMILIES))
        self.kept = []
        self.queried = False

    def arrive(self, frames):
        self.conversation.hear(frames)
        self.queried = False

    @rule(count=st.integers(1, 40))
    def events_come(self, count):
        self.conversation.mangle = None
        self.conversation.happen(count)
        self.queried = False

    @rule(count=st.integers(1, 40))
    def events_are_lost(self, count):
        self.conversation.mangle = lambda frames: []
        self.conversation.happen(count)
        self.queried = False

    @rule(count=st.integers(1, 40))
    def events_are_held_up(self, count):
        self.conversation.mangle = lambda frames: self.kept.extend(frames) or []
        self.conversation.happen(count)
        self.queried = False

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def what_was_held_up_comes_in_any_order_and_some_of_it_again(self, data):
        order = data.draw(st.lists(st.sampled_from(range(len(self.kept))), max_size=30))
        self.arrive([self.kept[number] for number in order])

    @rule()
    def we_look(self):
        self.conversation.at += timedelta(seconds=5)
        self.conversation.backfill(self.conversation.at)
        self.queried = True

    @precondition(lambda self: self.queried)
    @rule()
    def a_second_look_finds_nothing(self):
        self.conversation.did.clear()
        self.conversation.backfill(None)
        assert self.conversation.events == []

    @precondition(lambda self: self.queried and self.kept)
    @rule(data=st.data())
    def what_comes_after_the_look_from_before_it_changes_nothing(self, data):
        order = data.draw(st.lists(st.sampled_from(range(len(self.kept))), max_size=30))
        self.conversation.hear([self.kept[number] for number in order])

    @invariant()
    def we_know_what_the_server_knows(self):
        if getattr(self, "queried", False):
            assert known(self.conversation) == truth(self.conversation)


TestInterleaving = Interleaving.TestCase
TestInterleaving.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


@pytest.fixture(autouse=True, scope="module")
def _talk_module(request):
    conftest = next(
        plugin for plugin in request.config.pluginmanager.get_plugins() if getattr(plugin, "Talk", None) is not None
    )
    Interleaving.talk_module = conftest.__name__


@pytest.fixture
def conversation(talk, server):
    conversation = talk(**server).connect(*talk.families)
    conversation.happen(200)
    return conversation


def lose(conversation, events):
    """Let things happen that nobody hears of, and forget what was heard before."""
    conversation.mangle = lambda frames: []
    conversation.happen(events)
    conversation.mangle = None
    conversation.at += timedelta(seconds=5)
    conversation.did.clear()


def test_after_a_gap_the_state_of_everything_is_reported_as_events(conversation):
    lose(conversation, 100)
    conversation.backfill(conversation.at)
    snapshots = [event for event in conversation.events if not event.inferred]
    assert Counter(event.kind for event in snapshots) == {"queue.snapshot": 2, "agent.snapshot": 3}
    assert {event.origin for event in conversation.events} == {"backfill"}
    for event in snapshots:
        assert event.time is not None
        assert event.data
        assert Event.from_cloudevent(event.to_json()).address == event.address
    assert known(conversation) == truth(conversation)


def test_a_change_that_was_missed_is_reported_by_the_event_that_would_have_announced_it(conversation):
    before = {key: each.status.presence for key, each in conversation.protocol.state.recipients.items()}
    lose(conversation, 100)
    after = {key: STATES[each.state] for key, each in conversation.simulator.state.recipients.items()}
    conversation.backfill(conversation.at)
    inferred = [event for event in conversation.events if event.inferred]
    words = {"ready": "ready", "away": "away", "offered": "offer", "handling": "delivered", "wrapup": "wrapup_start"}
    for key, presence in before.items():
        seen = [event.address.event for event in inferred if plain_id(event.address.resource_id) == key]
        if presence != after[key]:
            assert words[after[key]] in seen
    assert all(event.time is None for event in inferred)
    assert len({event.id for event in conversation.events}) == len(conversation.events)


def test_what_is_reported_of_a_missed_contact_belongs_to_its_timeline(conversation):
    for _ in range(20):
        lose(conversation, 37)
        sessions = {key: each.id for key, each in conversation.protocol.state.sessions.items()}
        conversation.backfill(conversation.at)
        for event in conversation.events:
            if event.kind in ("offer.created", "contact.connected", "contact.queued", "contact.dequeued"):
                assert event.correlation
                assert event.correlation == sessions.get(plain_id(event.correlation), event.correlation)


def test_backfilled_events_bear_the_ids_that_live_events_gave(conversation):
    spelled = {event.address.resource_id for event in conversation.events}
    lose(conversation, 50)
    conversation.backfill(conversation.at)
    assert {event.address.resource_id for event in conversation.events} <= spelled


def test_a_backfill_in_which_nothing_was_missed_reports_the_states_only_where_there_was_a_gap(conversation):
    conversation.at += timedelta(seconds=5)
    conversation.did.clear()
    conversation.backfill(None)
    assert conversation.events == []
    conversation.backfill(conversation.at)
    assert len(conversation.events) == 5
    assert not any(event.inferred for event in conversation.events)


def test_what_a_live_event_has_said_meanwhile_is_not_overruled_by_the_backfill(talk):
    conversation = talk(naming="kazoo").connect(*talk.families)
    conversation.happen(300)
    exchange = conversation.protocol.backfill(conversation.at, conversation.at)
    request = next(exchange)
    seen = {}
    try:
        while True:
            response = conversation.answer(request)
            if "recipients" in request.url:  # just as the answer is on its way, somebody goes away
                for key in conversation.simulator.state.recipients:
                    data = {"event_unix_timestamp": conversation.at.timestamp(), "account_id": "A", "recipient_id": key}
                    routing_key = f"qubicle.recipient.A.{key}"
                    conversation.hear([json.dumps({"name": "away", "routing_key": routing_key, "data": data})])
                    seen[key] = "away"
            request = exchange.send(response)
    except StopIteration as done:
        conversation.did.clear()
        conversation.perform(done.value)
    assert {key: each.status.presence for key, each in conversation.protocol.state.recipients.items()} == seen
    assert not any(event.inferred for event in conversation.events)


def test_who_joined_and_left_unseen_does_not_wait_for_ever_where_the_join_comes_after_the_backfill(talk):
    conversation = talk(naming="kazoo", seed=5).connect(*talk.families)
    held_up = []
    conversation.mangle = lambda frames: held_up.extend(frames) or []
    conversation.happen(60)
    conversation.at += timedelta(seconds=5)
    conversation.backfill(conversation.at)
    joins = [frame for frame in held_up if '"name":"join"' in frame]
    gone = [frame for frame in joins if json.loads(frame)["data"]["session_id"] not in truth(conversation)["waiting"]]
    assert gone
    late = conversation.protocol.state.late
    conversation.hear(gone)
    assert known(conversation) == truth(conversation)
    assert conversation.protocol.state.late == late + len(gone)


def test_without_rest_the_gap_stays_and_the_reason_is_reported(talk):
    conversation = talk(feed={"rest_url": None}).connect(*talk.families)
    with pytest.raises(RestError, match="no rest_url is configured, so a gap cannot be backfilled") as caught:
        conversation.backfill(conversation.at)
    assert caught.value.auth_failed  # so that nobody tries again and again


def test_a_server_that_forbids_the_query_says_so(talk):
    conversation = talk().connect(*talk.families)
    with pytest.raises(RestError, match=r"GET /v2/accounts/.*/qubicle_queues: HTTP 403: forbidden") as caught:
        talk.drive(
            conversation.protocol.backfill(None, conversation.at),
            lambda request: Response(403, {}, b'{"message":"forbidden"}'),
        )
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
    conversation = talk().connect(*talk.families)

    def answer(request):
        if request.method == "POST":
            return reply(404) if statuses is None else reply(200, statuses)
        if request.url.endswith("qubicle_recipients"):
            return reply(200, lists)
        if "qubicle_recipients" in request.url:
            return reply(200, {"availability_state": "Away", "node": "x"})
        return reply()

    conversation.perform(talk.drive(conversation.protocol.backfill(conversation.at, conversation.at), answer))
    (recipient,) = conversation.protocol.state.recipients.values()
    assert recipient.status.presence == "away"
    assert [event.kind for event in conversation.events] == ["agent.snapshot"]


@pytest.mark.parametrize("sessions", [404, 405, 501])
def test_a_server_that_does_not_tell_who_waits_is_not_taken_to_say_nobody(talk, sessions):
    conversation = talk(naming="kazoo").connect(*talk.families)
    while not known(conversation)["waiting"]:
        conversation.happen(1)
    waiting = known(conversation)["waiting"]
    conversation.at += timedelta(seconds=10)
    conversation.did.clear()

    def answer(request):
        return reply(sessions) if request.url.endswith("/sessions") else conversation.answer(request)

    conversation.perform(talk.drive(conversation.protocol.backfill(None, conversation.at), answer))
    assert known(conversation)["waiting"] == waiting
    assert "contact.dequeued" not in {event.kind for event in conversation.events}


def test_who_is_gone_between_the_list_and_the_status_is_left_out(talk):
    conversation = talk(naming="kazoo").connect(*talk.families)
    conversation.happen(60)
    conversation.at += timedelta(seconds=10)
    conversation.did.clear()

    def answer(request):
        return reply(404) if "/status" in request.url else conversation.answer(request)

    conversation.perform(talk.drive(conversation.protocol.backfill(conversation.at, conversation.at), answer))
    assert {event.address.resource for event in conversation.events} <= {"queue"}


def test_the_servers_clock_decides_what_is_newer(talk):
    """Ours is an hour fast; still what came last by the server's own clock stays."""
    conversation = talk().connect(*talk.families)
    conversation.happen(100)
    ahead = conversation.at + timedelta(hours=1)
    live = {key: each.at for key, each in conversation.protocol.state.recipients.items()}
    talk.drive(conversation.protocol.backfill(conversation.at, ahead), conversation.answer)
    for key, each in conversation.protocol.state.recipients.items():
        assert each.at <= max(live[key], conversation.at)
