"""`jackfield_voipbin.simulator` and `documented`: the server that the documentation describes, as pure code."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import pytest

from jackfield.plugin.protocol import Emit
from jackfield.plugin.simulator import CloseConnection
from jackfield_voipbin.protocol import VoipbinProtocol
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator

SIMULATOR = VoipbinSimulator("s3cret")


def clock():
    moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second) for second in count())
    return lambda: next(moments)


def published(length=3000, **options):
    return list(islice(VoipbinSimulator("s3cret", **options).events(clock()), length))


def say(client, message):
    return [
        each if isinstance(each, CloseConnection) else json.loads(each) for each in client.received(json.dumps(message))
    ]


def subscribed(*topics):
    client = SIMULATOR.client()
    assert say(client, {"type": "subscribe", "topics": list(topics)})[0]["type"] == "ack"
    return client


def frames(client, events):
    return [json.loads(frame) for event in events for frame in client.frames_for(event)]


@pytest.mark.parametrize(
    ("target", "headers", "status", "reason"),
    [
        ("/v1.0/ws", {}, 401, "AUTHENTICATION_REQUIRED"),
        ("/v1.0/ws?token=", {}, 401, "AUTHENTICATION_REQUIRED"),
        ("/v1.0/ws?token=wrong", {}, 401, "INVALID_CREDENTIALS"),
        ("/v1.0/ws", {"authorization": "Bearer wrong"}, 401, "INVALID_CREDENTIALS"),
        ("/ws?token=s3cret", {}, 404, "ROUTE_NOT_FOUND"),
    ],
)
def test_who_may_not_come_in_is_reported_as_the_platform_tells_it(target, headers, status, reason):
    refusal = SIMULATOR.admit(target, headers)
    assert refusal.status == status
    assert json.loads(refusal.body)["error"]["reason"] == reason


def test_the_token_opens_the_door_in_the_url_or_in_a_header():
    assert SIMULATOR.admit("/v1.0/ws?token=s3cret", {}) is None
    assert SIMULATOR.admit("/v1.0/ws?x=1&token=s3cret", {}) is None
    assert SIMULATOR.admit("/v1.0/ws", {"authorization": "Bearer s3cret"}) is None


def test_a_server_that_an_empty_token_would_open_is_not_started():
    with pytest.raises(ValueError, match="must not be empty"):
        VoipbinSimulator("")


def test_a_subscription_is_acknowledged():
    topics = [f"customer_id:{CUSTOMER}:call:*", f"customer_id:{CUSTOMER}:transcribe:*"]
    assert say(SIMULATOR.client(), {"type": "subscribe", "topics": topics}) == [
        {"type": "ack", "action": "subscribe", "topics": topics, "status": "success"}
    ]


@pytest.mark.parametrize(
    ("message", "code", "topics"),
    [
        ({"type": "subscribe", "topics": ["customer_id::call:*"]}, "INVALID_TOPIC", ["customer_id::call:*"]),
        ({"type": "subscribe", "topics": ["call"]}, "INVALID_TOPIC", ["call"]),
        ({"type": "subscribe", "topics": ["customer_id:"]}, "INVALID_TOPIC", ["customer_id:"]),
        ({"type": "unsubscribe", "topics": ["x_id:a:b:c"]}, "INVALID_TOPIC", ["x_id:a:b:c"]),
        (
            {"type": "subscribe", "topics": ["customer_id:other:call:*"]},
            "PERMISSION_DENIED",
            ["customer_id:other:call:*"],
        ),
        ({"type": "subscribe", "topics": "x"}, "INVALID_MESSAGE", []),
        ({"type": "subscribe"}, "INVALID_MESSAGE", []),
        ({"type": "dance"}, "INVALID_MESSAGE", []),
        ([1], "INVALID_MESSAGE", []),
    ],
)
def test_what_is_wrong_is_answered_with_its_code(message, code, topics):
    (answer,) = say(SIMULATOR.client(), message)
    assert (answer["type"], answer["code"], answer["topics"]) == ("error", code, topics)


def test_one_bad_topic_of_a_message_keeps_all_of_them_out():
    client = SIMULATOR.client()
    say(client, {"type": "subscribe", "topics": [f"customer_id:{CUSTOMER}:call:*", "bad"]})
    assert frames(client, published(200)) == []


def test_text_that_is_no_json_is_answered_and_a_binary_frame_ends_the_line():
    assert json.loads(*SIMULATOR.client().received("{"))["code"] == "INVALID_MESSAGE"
    assert list(SIMULATOR.client().received(b"{}")) == [CloseConnection()]


@pytest.mark.parametrize(
    ("topic", "resources"),
    [
        ("call:*", {"call"}),
        (
            "*:*",
            {
                "call",
                "message",
                "activeflow",
                "conference",
                "queue",
                "agent",
                "recording",
                "transcribe",
                "campaign",
                "number",
            },
        ),
        ("transcribe:*", {"transcribe"}),
        ("transcription:*", {"transcription"}),
        ("queue", {"queue"}),
        ("queue:", {"queue"}),
        ("conference", {"conference"}),
    ],
)
def test_wildcards_bring_what_they_promise(topic, resources):
    client = subscribed(f"customer_id:{CUSTOMER}:{topic}")
    assert {frame["topic"].split(":")[2] for frame in frames(client, published())} == resources


def test_one_call_can_be_followed_alone():
    call = next(event for event in published() if event.event_type == "call.created")
    client = subscribed(call.topics[0])
    followed = frames(client, published())
    assert [frame["event_type"] for frame in followed][:3] == ["call.created", "call.status", "call.status"]
    assert {frame["topic"] for frame in followed} == {call.topics[0]}


def test_an_agents_own_topics_bring_what_concerns_the_agent():
    agent = next(event for event in published() if event.event_type == "agent.status").data["agent_id"]
    client = subscribed(f"agent_id:{agent}:queue:*", f"agent_id:{agent}:call:*")
    followed = frames(client, published())
    assert {frame["event_type"] for frame in followed} >= {"queue.connected", "call.assigned", "call.ended"}


def test_unsubscribing_ends_it_and_overlapping_topics_bring_one_copy():
    client = subscribed(f"customer_id:{CUSTOMER}:call:*", f"customer_id:{CUSTOMER}:*:*")
    events = published(300)
    assert len(frames(client, events)) == 300
    say(client, {"type": "unsubscribe", "topics": [f"customer_id:{CUSTOMER}:*:*", f"customer_id:{CUSTOMER}:call:*"]})
    assert frames(client, events) == []


def test_the_day_holds_every_event_that_the_documentation_names():
    named = {"call.status", "call.created", "call.ended", "call.assigned", "queue.joined", "queue.connected"}
    named |= {"message.received", "message.sent", "message.delivery", "agent.status", "recording.completed"}
    named |= {
        "activeflow.updated",
        "activeflow.completed",
        "conference.joined",
        "conference.left",
        "transcript_created",
    }
    assert named <= {event.event_type for event in published()}


def test_every_frame_is_an_event_that_our_own_protocol_maps():
    client = subscribed(f"customer_id:{CUSTOMER}:*:*")
    protocol = VoipbinProtocol("office", CUSTOMER)
    for event in published():
        (frame,) = client.frames_for(event)
        (emit,) = protocol.received(frame.encode(), datetime.now(UTC))
        assert isinstance(emit, Emit)
        assert not emit.event.kind.startswith("unmapped")
        assert emit.event.address.scope_id == CUSTOMER


STATUS = {
    "": {"dialing"},
    "dialing": {"ringing"},
    "ringing": {"answered"},
    "answered": {"answered", "hangup"},
    "hangup": {"hangup"},
}


def test_the_states_of_each_call_follow_one_another():
    last = {}
    for event in published():
        if event.event_type.startswith("call."):
            assert event.data["status"] in STATUS[last.get(event.data["id"], "")]
            last[event.data["id"]] = event.data["status"]


def test_an_agents_previous_status_is_the_one_before():
    last = {}
    for event in published():
        if event.event_type == "agent.status":
            agent = event.data["agent_id"]
            assert event.data["previous_status"] == last.get(agent, "offline")
            last[agent] = event.data["status"]


def test_the_same_seed_gives_the_same_events_and_another_others():
    assert published(300, seed=7) == published(300, seed=7)
    assert published(300, seed=7) != published(300, seed=8)


def test_the_feed_that_it_describes_connects_to_it():
    assert SIMULATOR.url("127.0.0.1:8001") == "ws://127.0.0.1:8001/v1.0/ws"
    feed = SIMULATOR.feed("ws://x")
    assert feed == {"provider": "voipbin", "url": "ws://x", "token": "s3cret", "customer_id": CUSTOMER}
    assert "s3cret" not in repr(SIMULATOR)
