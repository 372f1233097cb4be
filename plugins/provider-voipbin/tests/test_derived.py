"""`jackfield_voipbin.derived`: who joins a conference, and the queue of a contact, from frames that say neither."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from jackfield.plugin.http import Response
from jackfield.plugin.protocol import Emit, Request
from jackfield.plugin.secrets import Secret
from jackfield_voipbin import Voipbin
from jackfield_voipbin.protocol import VoipbinProtocol
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator

AT = datetime(2026, 10, 1, tzinfo=UTC)
CONFERENCE = {"id": "f1", "customer_id": "C", "pre_flow_id": "p", "post_flow_id": "q", "status": "progressing"}
CALL = {"id": "c1", "customer_id": "C", "source": {}, "destination": {}, "status": "progressing"}
QUEUECALL = {"id": "q1", "customer_id": "C", "service_agent_id": "", "reference_type": "call", "reference_id": "c1"}


def conference(second, *members, **fields):
    data = CONFERENCE | {"conferencecall_ids": list(members), "tm_create": "2026-10-01T00:00:00Z"} | fields
    return data | ({"tm_update": f"2026-10-01T00:00:{second:02d}Z"} if second else {"tm_update": None})


def events(protocol, frame):
    return [action.event for action in protocol.received(json.dumps(frame).encode(), AT)]


def derived(protocol, frame):
    found = [event for event in events(protocol, frame) if event.kind.startswith("conference.participant_")]
    return [(event.address.event, event.data["conferencecall_id"]) for event in found]


@pytest.mark.parametrize("wrapped", [False, True])
def test_joins_and_leaves_follow_from_changed_ids(wrapped):
    protocol = VoipbinProtocol("office", "C")

    def came(frame, word="updated"):
        return derived(protocol, {"type": f"conference_{word}", "data": frame} if wrapped else frame)

    assert came(conference(0), "created") == []
    assert came(conference(1, "a")) == [("joined", "a")]
    assert came(conference(1, "a")) == []  # a copy
    assert came(conference(3, "b", "c")) == [("joined", "b"), ("joined", "c"), ("left", "a")]
    assert came(conference(2, "a", "b")) == []  # overtaken
    ended = conference(4, status="terminated", tm_end="2026-10-01T00:00:04Z")
    assert came(ended, "deleted") == [("left", "b"), ("left", "c")]


def test_nothing_is_derived_from_the_first_sight():
    protocol = VoipbinProtocol("office", "C")
    assert derived(protocol, conference(5, "a")) == []
    assert derived(protocol, conference(6, "a", "b")) == [("joined", "b")]


def test_a_derived_event_says_so_and_has_the_same_id_at_every_gateway():
    first, second = VoipbinProtocol("office", "C"), VoipbinProtocol("branch", "C")
    for protocol in (first, second):
        events(protocol, conference(0))
    (_, joined), (_, other) = events(first, conference(1, "a")), events(second, conference(2, "a"))
    assert joined.id == other.id
    assert (joined.inferred, joined.native_type, joined.data["derived_from"]) == (True, "", "conferencecall_ids")
    assert str(joined.address) == "voipbin/customer/C/conference/f1/joined"
    assert joined.time == AT + timedelta(seconds=1)


def test_a_contact_has_the_queue_that_its_call_joined():
    protocol = VoipbinProtocol("office", "C")
    waiting = QUEUECALL | {"status": "waiting", "tm_update": "2026-10-01T00:00:02Z"}
    (event,) = events(protocol, waiting)
    assert (event.kind, event.parties.queue_id) == ("contact.queued", "")
    events(protocol, CALL | {"action": {"type": "queue_join", "option": {"queue_id": "support"}}})
    events(protocol, CALL | {"action": {"type": "talk", "option": None}})
    (event,) = events(protocol, waiting | {"tm_update": "2026-10-01T00:00:03Z"})
    assert (event.kind, event.parties.queue_id) == ("contact.queued", "support")


def asked(protocol, *queues, status=200, seconds=1):
    """What comes of the requests for queues within some seconds: how many there were, and the events."""
    count, found = 0, []
    for _ in range(seconds):
        for action in protocol.tick(AT, 1.0):
            if isinstance(action, Request):
                count += 1
                flow = action.flow()
                assert "/v1.0/queues" in next(flow).url
                try:
                    flow.send(Response(status, {}, json.dumps({"result": queues}).encode()))
                except StopIteration as done:
                    found += [each.event for each in done.value]
    return count, found


def test_a_contacts_queue_is_looked_up_in_the_background():
    protocol = Voipbin(Secret("text", "vb_key"), "C", reconcile_seconds=0).protocol("office")
    waiting = QUEUECALL | {"status": "waiting", "tm_update": "2026-10-01T00:00:02Z"}
    (queued,) = events(protocol, waiting)
    assert queued.kind == "contact.queued"
    count, (event,) = asked(protocol, {"id": "support", "wait_queuecall_ids": ["q1"]}, {"id": "other"})
    assert (count, event.kind, event.parties.queue_id) == (1, "contact.updated", "support")
    assert (event.inferred, event.correlation, event.address.event) == (True, queued.correlation, "updated")
    assert asked(protocol, seconds=20) == (0, [])


def test_a_queue_that_is_not_found_is_asked_for_three_times_and_five_seconds_apart():
    protocol = Voipbin(Secret("text", "vb_key"), "C", reconcile_seconds=0).protocol("office")
    events(protocol, QUEUECALL | {"status": "waiting", "tm_update": "2026-10-01T00:00:02Z"})
    assert asked(protocol, {"id": "support", "wait_queuecall_ids": None}, seconds=60) == (3, [])


def test_where_queues_may_not_be_read_they_are_asked_for_once():
    protocol = Voipbin(Secret("text", "vb_key"), "C", reconcile_seconds=0).protocol("office")
    for number in range(3):
        events(protocol, QUEUECALL | {"id": f"q{number}", "status": "waiting", "tm_update": "2026-10-01T00:00:02Z"})
    assert asked(protocol, status=403, seconds=20) == (1, [])


def test_a_server_that_fails_is_asked_three_times():
    protocol = Voipbin(Secret("text", "vb_key"), "C", reconcile_seconds=0).protocol("office")
    events(protocol, QUEUECALL | {"status": "waiting", "tm_update": "2026-10-01T00:00:02Z"})
    assert asked(protocol, status=500, seconds=60) == (3, [])


def test_the_simulated_platforms_participants_come_and_go():
    moments = iter(AT + timedelta(seconds=second) for second in range(1, 10_000))
    simulator = VoipbinSimulator("vb_key", profile="2026-10")
    simulator.admit("/v1.0/ws?accesskey=vb_key", {})
    client, day = simulator.client(), simulator.events(lambda: next(moments))
    protocol = VoipbinProtocol("office", CUSTOMER)
    for action in protocol.subscribe(f"customer_id:{CUSTOMER}:conference:*"):
        list(client.received(getattr(action, "frame", "")))
    kinds = [
        emit.event.kind
        for _ in range(2000)
        for frame in client.frames_for(next(day))
        for emit in protocol.received(frame.encode(), AT)
    ]
    assert kinds.count("conference.participant_joined") >= kinds.count("conference.participant_left") > 0


@pytest.mark.parametrize(("profile", "kind"), [("head", "contact.updated"), ("2026-10", "contact.queued")])
def test_the_simulated_platforms_contacts_have_their_queues_from_a_list_or_from_their_calls(profile, kind):
    moments = iter(AT + timedelta(seconds=second) for second in range(1, 10_000))
    simulator = VoipbinSimulator("vb_key", profile=profile)
    simulator.admit("/v1.0/ws?accesskey=vb_key", {})
    client, day = simulator.client(), simulator.events(lambda: next(moments))
    protocol = Voipbin(Secret("text", "vb_key"), CUSTOMER, reconcile_seconds=0).protocol("office")
    for resource in ("call", "queuecall"):
        for action in protocol.subscribe(f"customer_id:{CUSTOMER}:{resource}:*"):
            list(client.received(getattr(action, "frame", "")))
    queues = set()
    for _ in range(300):
        event = next(day)
        for frame in client.frames_for(event):
            queues |= queues_of(protocol.received(frame.encode(), AT), kind)
        for action in protocol.tick(AT, 5.0):
            if isinstance(action, Request):
                flow = action.flow()
                request = next(flow)
                try:
                    while True:
                        request = flow.send(simulator.answer(request))
                except StopIteration as done:
                    queues |= queues_of(done.value, kind)
    assert "" not in queues and len(queues) == 2


def queues_of(actions, kind):
    return {each.event.parties.queue_id for each in actions if isinstance(each, Emit) and each.event.kind == kind}
