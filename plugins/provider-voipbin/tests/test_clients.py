"""`jackfield_voipbin.clients`, `deployed` and `tokens`: the platform as it is deployed, as pure code."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import pytest

from jackfield.plugin.protocol import Emit
from jackfield.plugin.simulator import CloseConnection
from jackfield_voipbin.bare import name_of
from jackfield_voipbin.kinds import NIL_UUID
from jackfield_voipbin.protocol import VoipbinProtocol
from jackfield_voipbin.shapes import resource_of
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator
from jackfield_voipbin.tokens import make_token

AGENT = "cdb5213a-8003-11ec-84ca-9fa226fcda9f"
SCOPE = f"customer_id:{CUSTOMER}"


def clock():
    moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second) for second in count())
    return lambda: next(moments)


def published(profile="head", length=1000):
    return list(islice(VoipbinSimulator("s3cret", profile=profile).events(clock()), length))


def connect(simulator, *topics, token=None):
    assert simulator.admit(f"/v1.0/ws?token={token or simulator.token}", {}) is None
    client = simulator.client()
    for topic in topics:
        assert say(client, topic) == []
    return client


def say(client, *topics, action="subscribe"):
    return list(client.received(json.dumps({"type": action, "topics": topics})))


def owned(events, have):
    return next(event for event in events if have == (event.data.get("owner_id", NIL_UUID) != NIL_UUID))


@pytest.mark.parametrize(
    ("pattern", "ownerless", "owned_alone", "owned_both"),
    [
        (SCOPE, 2, 2, 4),
        (f"{SCOPE}:call", 2, 2, 4),
        (f"{SCOPE}:call:", 2, 2, 4),
        (f"{SCOPE}:call:call_", 1, 1, 2),
        (f"{SCOPE}:call:call_updated", 0, 1, 2),
        (f"{SCOPE}:call:*", 0, 0, 0),
        (f"{SCOPE}:*:*", 0, 0, 0),
    ],
)
def test_since_july_an_event_comes_for_each_topic_that_matches_and_each_scope_that_anybody_is_bound_to(
    pattern, ownerless, owned_alone, owned_both
):
    calls = [event for event in published() if event.event_type in ("call_progressing", "call_updated")]
    plain, mine = owned(calls, have=False), owned(calls, have=True)
    simulator = VoipbinSimulator("s3cret", profile="head")
    client = connect(simulator, pattern)
    assert len(list(client.frames_for(plain))) == ownerless
    assert len(list(client.frames_for(mine))) == owned_alone
    other = connect(simulator, f"agent_id:{mine.data['owner_id']}")
    assert len(list(client.frames_for(mine))) == owned_both
    del other


def test_since_july_both_scopes_on_one_line_bring_eight_copies():
    mine = owned([event for event in published() if event.event_type == "call_updated"], have=True)
    client = connect(VoipbinSimulator("s3cret", profile="head"), SCOPE, f"agent_id:{mine.data['owner_id']}")
    frames = list(client.frames_for(mine))
    assert len(frames) == 8
    assert {json.dumps(json.loads(frame)) for frame in frames} == {json.dumps(mine.data)}


@pytest.mark.parametrize(("pattern", "copies"), [(SCOPE, 2), (f"{SCOPE}:call:", 1), (f"{SCOPE}:call:*", 0)])
def test_before_july_an_event_comes_wrapped_and_less_often(pattern, copies):
    event = next(event for event in published("wrapped") if event.event_type == "call_hangup")
    frames = list(connect(VoipbinSimulator("s3cret", profile="wrapped"), pattern).frames_for(event))
    assert [list(json.loads(frame)) for frame in frames] == [["data", "type"]] * copies


@pytest.mark.parametrize("profile", ["wrapped", "head"])
@pytest.mark.parametrize("topic", ["call", "x_id:a:b", "customer_id:abc:call:", f"customer_id:{AGENT}:call:", ":", ""])
def test_what_is_not_granted_cuts_the_line_and_nothing_of_the_message_counts(profile, topic):
    client = connect(VoipbinSimulator("s3cret", profile=profile))
    assert say(client, f"{SCOPE}:call:", topic) == [CloseConnection()]
    assert client.patterns == {}
    assert say(client, topic, action="unsubscribe") == [CloseConnection()]


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"type":"subscribe"}', '{"type":"subscribe","topics":"x"}', '{"topics":[5]}']
)
def test_what_makes_no_sense_is_not_answered(text):
    assert list(connect(VoipbinSimulator("s3cret", profile="head")).received(text)) == []


@pytest.mark.parametrize(
    ("token", "topic", "granted"),
    [
        (make_token(CUSTOMER, permission=0x20, agent_id=AGENT), f"{SCOPE}:call:", True),
        (make_token(CUSTOMER, permission=0x10, agent_id=AGENT), f"{SCOPE}:call:", False),
        (make_token(CUSTOMER, permission=0x10, agent_id=AGENT), f"agent_id:{AGENT}:call:", True),
        (make_token(CUSTOMER, permission=0x20, agent_id=AGENT), f"agent_id:{CUSTOMER}:call:", False),
    ],
)
def test_a_token_opens_what_its_roles_open(token, topic, granted):
    simulator = VoipbinSimulator(token, profile="head")
    assert bool(say(connect(simulator), topic)) != granted


def test_an_access_key_opens_the_customers_topics_and_no_agents():
    simulator = VoipbinSimulator("vb_key", profile="head")
    assert simulator.admit("/v1.0/ws?token=vb_key", {}).status == 401
    assert simulator.admit("/v1.0/ws?accesskey=vb_key", {}) is None
    assert say(simulator.client(), f"agent_id:{AGENT}:call:") == [CloseConnection()]
    assert say(simulator.client(), f"{SCOPE}:call:") == []


@pytest.mark.parametrize("profile", ["documented", "wrapped", "head"])
def test_a_topic_can_be_ignored_or_refused_while_it_runs(profile):
    simulator = VoipbinSimulator("s3cret", profile=profile)
    event = next(event for event in simulator.events(clock()) if event.resource == "call")
    simulator.admit("/v1.0/ws?token=s3cret", {})
    client = simulator.client()
    say(client, f"{SCOPE}:call:")
    assert list(client.frames_for(event))
    simulator.ignore_topics = f"x, {SCOPE}:call"
    assert list(client.frames_for(event)) == []
    simulator.refuse_topics = SCOPE
    (answer,) = say(client, f"{SCOPE}:queue:")
    assert answer == CloseConnection() if profile != "documented" else json.loads(answer)["code"] == "PERMISSION_DENIED"


def test_a_handshake_can_fail_as_with_an_expired_or_a_delegates_token():
    simulator = VoipbinSimulator("s3cret", admission="expired")
    assert simulator.admit("/v1.0/ws?token=s3cret", {}).status == 401
    simulator.admission = "delegate"
    refusal = simulator.admit("/v1.0/ws?token=s3cret", {})
    assert (refusal.status, refusal.body) == (200, b"")
    with pytest.raises(ValueError, match="'maybe' is none of valid, expired, delegate"):
        simulator.admission = "maybe"


def test_every_deployed_event_is_one_that_we_know_and_whose_resource_tells_itself():
    protocol = VoipbinProtocol("office", CUSTOMER)
    events = published(length=4000)
    for event in events:
        resource = event.event_type.partition("_")[0]
        assert (event.resource, resource_of(event.data)) == (resource, resource)
        frames = [event.data, {"type": event.event_type, "data": event.data}]
        kinds = []
        for frame in frames:
            emit, *_ = protocol.received(json.dumps(frame).encode(), datetime.now(UTC))
            assert isinstance(emit, Emit)
            kinds.append(emit.event.kind)
        assert not kinds[1].startswith("unmapped")
        if name_of(event.data) == event.event_type:
            assert kinds[0] == kinds[1]
    named = {event.event_type for event in events}
    assert named >= {"call_created", "call_updated", "call_hangup", "queuecall_waiting", "queuecall_abandoned"}
    assert named >= {"agent_status_updated", "message_updated", "transcript_created", "conference_deleted"}


def test_every_state_of_a_deployed_resource_has_a_moment_of_its_own():
    seen = set()
    for event in published(length=3000):
        key = (event.data["id"], event.data.get("tm_update") or event.data["tm_create"])
        assert key not in seen
        seen.add(key)
