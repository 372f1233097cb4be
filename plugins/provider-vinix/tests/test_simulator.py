"""`jackfield_vinix.simulator` and `story`: the gateway that the documentation describes, as pure code."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import pytest

from jackfield.protocol import Emit
from jackfield.simulators import HangUp
from jackfield_vinix.kinds import TABLE
from jackfield_vinix.protocol import DocumentedProtocol
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator

SIMULATOR = VinixSimulator("s3cret")


def clock():
    moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second) for second in count())
    return lambda: next(moments)


def published(length=3000, **options):
    return list(islice(VinixSimulator("s3cret", **options).events(clock()), length))


def say(client, **message):
    (reply,) = client.received(json.dumps(message))
    return json.loads(reply)


def request(binding, action="subscribe", **fields):
    data = {"account_id": ACCOUNT, "binding": binding}
    return {"action": action, "auth_token": "s3cret", "request_id": "r1", "data": data} | fields


def subscribed(*bindings):
    client = SIMULATOR.client()
    for binding in bindings:
        assert say(client, **request(binding))["status"] == "success"
    return client


def frames(client, events):
    return [json.loads(frame) for event in events for frame in client.frames_for(event)]


def test_anybody_may_connect_on_any_path_who_offers_no_subprotocol():
    assert SIMULATOR.admit("/", {}) is None
    assert SIMULATOR.admit("/websocket?x", {"sec-websocket-extensions": "permessage-deflate"}) is None
    assert SIMULATOR.admit("/", {"sec-websocket-protocol": "mqtt"}).status == 400


def test_a_subscription_is_answered_with_all_bindings_of_the_socket():
    client = SIMULATOR.client()
    assert say(client, **request(f"qubicle.queue.{ACCOUNT}.*")) == {
        "action": "reply",
        "request_id": "r1",
        "status": "success",
        "data": {"subscribed": [f"qubicle.queue.{ACCOUNT}.*"]},
    }
    both = [f"qubicle.queue.{ACCOUNT}.*", "qubicle.session"]
    assert say(client, **request("qubicle.session"))["data"]["subscribed"] == both
    assert say(client, **request("qubicle.session", "unsubscribe"))["data"] == {
        "unsubscribed": ["qubicle.session"],
        "subscribed": both[:1],
    }


def test_the_documentations_own_request_has_no_id_and_gets_one():
    message = request(f"qubicle.queue.{ACCOUNT}.*")
    del message["request_id"]
    assert len(say(SIMULATOR.client(), **message)["request_id"]) == 32


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (request("qubicle.queue", auth_token=None), "authentication token required"),
        (request("qubicle.queue", auth_token="wrong"), "failed to authenticate token wrong"),
        (request("qubicle.queue", data={"binding": "qubicle.queue"}), "missing required keys : account_id"),
        (request("qubicle.queue", data={"x": 1}), "missing required keys : account_id, binding"),
        (request("qubicle.queue", data=None), "missing required keys in data object"),
        (request("qubicle.queue", data={"account_id": "other", "binding": "qubicle.queue"}), "unauthorized account id"),
        (request("qubicle.*"), "no available subscriptions to requested binding"),
        (request("qubicle.calls"), "no available subscriptions to requested binding"),
        (request("call.ACC.*"), "no available subscriptions to requested binding"),
    ],
)
def test_what_is_wrong_is_answered_in_the_gateways_own_words(message, error):
    reply = say(SIMULATOR.client(), **message)
    assert (reply["status"], reply["data"]) == ("error", {"errors": [error]})


def test_the_token_is_looked_at_once():
    client = subscribed("qubicle.queue")
    assert say(client, **request("qubicle.session", auth_token="expired"))["status"] == "success"


def test_odd_frames_end_as_they_do_at_the_gateway():
    client = SIMULATOR.client()
    assert list(client.received(b"binary")) == []
    assert list(client.received('"text"')) == [HangUp(1011)]
    assert "token required" in client.received("{nonsense")[0]
    assert say(subscribed("qubicle.queue"), action="ping", request_id="p")["data"] == {"response": "pong"}


@pytest.mark.parametrize("family", TABLE)
def test_a_family_brings_its_events_and_no_others(family):
    client = subscribed(f"qubicle.{family}.{ACCOUNT}.*")
    assert {frame["routing_key"].split(".")[1] for frame in frames(client, published())} == {family}


def test_the_day_holds_every_event_that_the_documentation_names():
    told = {tuple(event.routing_key.split(".")[1::3]) for event in published(20_000)}
    aliases = {("recipient", "login"), ("recipient", "logout"), ("recipient", "delete"), ("queue", "delete")}
    assert told == {(family, word) for family in TABLE for word in TABLE[family]} - aliases


def test_an_event_is_named_by_its_whole_binding_and_carries_both_clocks():
    (frame, *_) = frames(subscribed(f"qubicle.queue.{ACCOUNT}.*"), published(10))
    assert frame["action"] == "event"
    assert frame["name"] == frame["routing_key"] == f"qubicle.queue.{ACCOUNT}.{frame['data']['queue_id']}.create"
    data = frame["data"]
    assert data["event_timestamp"] - 62_167_219_200 == data["event_unix_timestamp"] == 1767225600


def test_one_queue_can_be_followed_alone():
    queue = next(event for event in published() if ".queue." in event.routing_key).data["queue_id"]
    client = subscribed(f"qubicle.queue.{ACCOUNT}.{queue}")
    assert {frame["data"]["queue_id"] for frame in frames(client, published())} == {queue}


def test_overlapping_bindings_bring_one_copy_and_giving_back_ends_it():
    client = subscribed("qubicle.queue", f"qubicle.queue.{ACCOUNT}.*")
    events = published(500)
    queue_events = [event for event in events if ".queue." in event.routing_key]
    assert len(frames(client, events)) == len(queue_events)
    for binding in ("qubicle.queue", f"qubicle.queue.{ACCOUNT}.*"):
        say(client, **request(binding, "unsubscribe"))
    assert frames(client, events) == []


def test_every_frame_is_an_event_that_our_own_protocol_maps():
    client = subscribed("qubicle.queue", "qubicle.recipient", "qubicle.session")
    protocol = DocumentedProtocol("support", ACCOUNT, "s3cret")
    ids = set()
    for event in published():
        (frame,) = client.frames_for(event)
        (emit,) = protocol.received(frame.encode(), datetime.now(UTC))
        assert isinstance(emit, Emit)
        assert not emit.event.kind.startswith("unmapped")
        ids.add(emit.event.id)
    assert len(ids) == 3000


def test_the_waiting_contacts_of_the_statistics_are_never_negative():
    for event in published():
        assert event.data.get("stats", {}).get("active_session_count", 0) >= 0


def test_the_feed_that_it_describes_connects_to_it():
    assert SIMULATOR.url("127.0.0.1:5555") == "ws://127.0.0.1:5555"
    feed = SIMULATOR.feed("ws://x")
    assert feed == {"provider": "vinix", "url": "ws://x", "auth_token": "s3cret", "account_id": ACCOUNT}
    assert "s3cret" not in repr(SIMULATOR)
