"""`jackfield_vinix.simulator` and what it is made of: the gateway as it is documented and as it is, as pure code."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import pytest

from jackfield.plugin.http import Request
from jackfield.plugin.protocol import Emit
from jackfield.plugin.simulator import CloseConnection
from jackfield_vinix.kinds import FAMILIES, TABLE
from jackfield_vinix.protocol import VinixProtocol
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
        (request("presence.*"), "no available subscriptions to requested binding"),
    ],
)
def test_what_is_wrong_is_answered_in_the_gateways_own_words(message, error):
    reply = say(SIMULATOR.client(), **message)
    assert (reply["status"], reply["data"]) == ("error", {"errors": [error]})


def test_the_token_is_checked_once():
    client = subscribed("qubicle.queue")
    assert say(client, **request("qubicle.session", auth_token="expired"))["status"] == "success"


def test_odd_frames_end_as_they_do_at_the_gateway():
    client = SIMULATOR.client()
    assert list(client.received(b"binary")) == []
    assert list(client.received('"text"')) == [CloseConnection(1011)]
    assert list(client.received("5")) == [CloseConnection(1011)]
    assert list(client.received("[]")) == list(client.received("[1,2]")) == [CloseConnection(1011)]


@pytest.mark.parametrize(("generation", "answers"), [(4, 1), (5, 0)])
def test_malformed_json_is_an_empty_request_unless_the_gateway_breaks_over_its_own_log(generation, answers):
    client = VinixSimulator("s3cret", generation=generation).client()
    nonsense = "{nonsense" + "x" * 40
    assert "token" in next(iter(client.received(nonsense)))
    assert say(client, **request("qubicle.queue"))["status"] == "success"
    assert len(list(client.received(nonsense))) == answers
    assert list(client.received("{nonsense")) == [CloseConnection(1011)]


@pytest.mark.parametrize("action", ["surprise", "noop", "", None])
def test_what_a_gateway_does_not_know_four_answers_with_the_last_data_and_five_with_silence(action):
    four, five = (VinixSimulator("s3cret", generation=each).client() for each in (4, 5))
    assert say(four, **request("qubicle.queue"))["data"] == {"subscribed": ["qubicle.queue"]}
    assert say(four, action=action, request_id=7) == {
        "action": "reply",
        "request_id": "7",
        "status": "success",
        "data": {"subscribed": ["qubicle.queue"]},
    }
    say(five, **request("qubicle.queue"))
    assert list(five.received(json.dumps({"action": action}))) == []


def test_a_ping_is_known_to_five_only():
    five = VinixSimulator("s3cret", generation=5).client()
    say(five, **request("qubicle.queue"))
    assert say(five, action="ping", request_id="p")["data"] == {"response": "pong"}
    assert say(subscribed("qubicle.queue"), action="ping", request_id="p")["data"] == {"subscribed": ["qubicle.queue"]}


def test_five_takes_lists_all_or_nothing_and_says_what_is_new():
    client = VinixSimulator("s3cret", generation=5).client()
    lists = request("ignored", data={"bindings": ["qubicle.queue", "qubicle.session"], "binding": "qubicle.nope"})
    assert say(client, **lists)["data"] == {
        "subscribed": ["qubicle.queue", "qubicle.session"],
        "subscriptions": ["qubicle.queue", "qubicle.session"],
    }
    again = request("ignored", data={"bindings": ["qubicle.queue", "qubicle.recipient"]})
    assert say(client, **again)["data"]["subscribed"] == ["qubicle.recipient"]
    bad = request("ignored", data={"bindings": ["qubicle.queue", "qubicle.nope"]})
    assert say(client, **bad)["status"] == "error"
    assert say(client, **request("", data={}))["data"] == {"errors": ["empty subscription"]}
    given_back = say(client, **request("qubicle.queue", "unsubscribe"))["data"]
    assert given_back == {
        "unsubscribed": ["qubicle.queue"],
        "subscriptions": ["qubicle.session", "qubicle.recipient"],
    }


@pytest.mark.parametrize(
    ("message", "four", "five"),
    [
        (request(["qubicle.queue"]), 1011, None),
        (request(5), 1011, "no available subscriptions to requested binding"),
        (request("", data="x"), "missing required keys in data object", 1011),
        (request("qubicle.queue", auth_token=12), "failed to authenticate token 12", "failed to authenticate token 12"),
        (request("qubicle.queue", auth_token=None), "authentication token required", "failed to authenticate token "),
    ],
)
def test_odd_requests_are_answered_as_each_generation_does(message, four, five):
    for generation, expected in ((4, four), (5, five)):
        (answer,) = VinixSimulator("s3cret", generation=generation).client().received(json.dumps(message))
        if isinstance(expected, int):
            assert answer == CloseConnection(expected)
        else:
            assert json.loads(answer)["data"].get("errors") == ([expected] if expected is not None else None)


def test_one_event_in_twelve_comes_after_the_one_that_followed_it():
    straight = [event.data["msg_id"] for event in published(10_000, inversions=0.0)]
    places = {message: place for place, message in enumerate(straight)}
    late = [places[event.data["msg_id"]] - place for place, event in enumerate(published(10_000))][:-1]
    assert set(late) == {-1, 0, 1}
    assert 0.06 < late.count(-1) / len(late) < 0.1


def test_a_wrong_token_in_the_handshake_is_forbidden_by_five_and_unseen_by_four():
    headers = {"authorization": "Bearer wrong"}
    assert SIMULATOR.admit("/", headers) is None
    five = VinixSimulator("s3cret", generation=5)
    assert five.admit("/", headers).status == 403
    assert five.admit("/", {"authorization": "Bearer s3cret"}) is None


def test_the_bucket_of_a_socket_holds_a_hundred_and_gets_ten_a_second(talk):
    conversation = talk()
    conversation.connect()
    replies = [say(conversation.socket, **request("qubicle.queue")) for _ in range(102)]
    assert [reply["status"] for reply in replies[99:]] == ["success", "error", "error"]
    assert replies[-1]["data"]["errors"] == ["rate limiting threshold hit for 198.51.100.7:50112!"]
    conversation.at += timedelta(seconds=1)
    assert [say(conversation.socket, **request("qubicle.queue"))["status"] for _ in range(11)] == ["success"] * 10 + [
        "error"
    ]


def test_each_generation_names_events_in_its_own_way():
    names = {}
    for generation in (4, 5):
        simulator = VinixSimulator("s3cret", generation=generation, naming="kazoo")
        client = simulator.client()
        say(client, **request("qubicle.queue"))
        (frame,) = client.frames_for(next(simulator.events(clock())))
        names[generation] = {key: value for key, value in json.loads(frame).items() if key != "data"}
    queue = names[4]["routing_key"].split(".")[3]
    common = {"action": "event", "subscribed_key": "qubicle.queue", "name": "create"}
    assert names[4] == common | {
        "subscription_key": f"qubicle.queue.{ACCOUNT}.*",
        "routing_key": f"qubicle.queue.{ACCOUNT}.{queue}",
    }
    assert names[5] == common | {
        "subscription_key": f"qubicle.queue.{ACCOUNT}.*.*",
        "routing_key": f"qubicle.queue.{ACCOUNT}.{queue}.create",
    }


def test_everything_is_synced_from_time_to_time():
    rare, often = (published(2000, sync_seconds=seconds) for seconds in (1e9, 30.0))
    syncs = [sum(event.data["event_name"] == "sync" for event in events) for events in (rare, often)]
    assert syncs[1] > syncs[0] + 2000 / 60


def test_a_restart_creates_everything_again():
    simulator = VinixSimulator("s3cret")
    events = simulator.events(clock())
    list(islice(events, 100))
    simulator.restarts = 1
    storm = [event.data for event in islice(events, 5)]
    assert [data["event_name"] for data in storm] == ["create"] * 5
    assert all(data["pid"] == "<0.3013.0>" for data in storm)
    assert storm[0]["stats"]["total_sessions"] == 0
    assert simulator.restarts == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("generation", 3),
        ("naming", "other"),
        ("accepts", "all"),
        ("barren", "any"),
        ("unsubscribed", "queues"),
        ("rate", 0),
    ],
)
def test_an_option_that_makes_no_sense_is_reported_at_once_and_while_it_runs(option, value):
    with pytest.raises(ValueError, match=str(value)):
        VinixSimulator("s3cret", **{option: value})
    simulator = VinixSimulator("s3cret")
    with pytest.raises(ValueError, match=str(value)):
        setattr(simulator, option, value)


# -- REST ------------------------------------------------------------------------------------------------


def ask(simulator, method, path, data=None, token=None):
    token = "s3cret" if token is None else token
    body = b"" if data is None else json.dumps({"data": data}).encode()
    response = simulator.answer(Request(method, f"/v2/{path}", (("X-Auth-Token", token),), body))
    return response.status, response.json()


@pytest.mark.parametrize("token", ["", "wrong"])
def test_rest_wants_a_valid_token(token):
    status, answer = ask(SIMULATOR, "GET", f"accounts/{ACCOUNT}/qubicle_queues", token=token)
    assert (status, answer["message"]) == (401, "invalid_credentials")


@pytest.mark.parametrize(
    ("path", "status"),
    [("accounts/other/qubicle_queues", 403), ("accounts", 404), ("accounts/{}/surprise", 404), ("", 404)],
)
def test_rest_knows_its_own_account_and_paths_only(path, status):
    assert ask(SIMULATOR, "GET", path.format(ACCOUNT))[0] == status
    assert SIMULATOR.answer(Request("GET", "/elsewhere", (("X-Auth-Token", "s3cret"),))).status == 404


def test_a_token_from_a_login_is_valid_for_its_time(talk):
    conversation = talk(token_seconds=100.0)
    status, answer = ask(conversation.simulator, "PUT", "api_auth", {"api_key": "simulated"}, "")
    assert (status, answer["data"]["account_id"]) == (201, ACCOUNT)
    path = f"accounts/{ACCOUNT}/websockets"
    assert ask(conversation.simulator, "GET", path, token=answer["auth_token"])[0] == 200
    conversation.at += timedelta(seconds=101)
    assert ask(conversation.simulator, "GET", path, token=answer["auth_token"])[0] == 401
    assert ask(conversation.simulator, "PUT", "api_auth", {"api_key": "wrong"}, "") == (
        404,
        {"data": "wrong", "error": "404", "message": "bad identifier", "status": "error"},
    )
    wrong = {"credentials": "wrong", "account_name": "simulated"}
    assert ask(conversation.simulator, "PUT", "user_auth", wrong, "")[0] == 401
    assert ask(conversation.simulator, "PUT", "user_auth", wrong | {"account_name": "x"}, "")[0] == 400


def test_the_list_of_connections_has_those_that_are_there(talk):
    conversation = talk(naming="kazoo").connect(*talk.families)
    path = f"accounts/{ACCOUNT}/websockets"
    (row,) = ask(conversation.simulator, "GET", path)[1]["data"]
    assert row["bindings"] == list(talk.families)
    assert row["name"].startswith("jackfield-support-")
    conversation.socket = None
    assert ask(conversation.simulator, "GET", path)[1]["data"] == []


def test_the_two_namings_tell_the_same_in_other_words(talk):
    seen = {}
    for naming in ("documented", "kazoo"):
        conversation = talk(naming=naming).connect()
        conversation.happen(120)
        (queue, *_) = conversation.simulator.state.queues
        seen[naming] = ask(conversation.simulator, "GET", f"accounts/{ACCOUNT}/qubicle_queues/{queue}/status")[1]
    assert "callers_waiting" in seen["documented"]
    assert seen["kazoo"]["data"]["stats"]["active_session_count"] == seen["documented"]["callers_waiting"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_brings_its_events_and_no_others(family):
    client = subscribed(f"qubicle.{family}.{ACCOUNT}.*")
    assert {frame["routing_key"].split(".")[1] for frame in frames(client, published())} == {family}


def test_the_day_holds_every_event_that_the_documentation_names():
    events = [event for event in published(30_000) if event.routing_key.startswith("qubicle.")]
    seen = {tuple(event.routing_key.split(".")[1::3]) for event in events}
    aliases = {("recipient", "login"), ("recipient", "logout"), ("recipient", "delete"), ("queue", "delete")}
    assert seen == {(family, word) for family in FAMILIES for word in TABLE[family]} - aliases


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


def test_overlapping_bindings_bring_a_copy_each_and_giving_back_ends_it():
    client = subscribed("qubicle.queue", f"qubicle.queue.{ACCOUNT}.*")
    events = published(500)
    queue_events = [event for event in events if ".queue." in event.routing_key]
    assert len(frames(client, events)) == 2 * len(queue_events)
    for binding in ("qubicle.queue", f"qubicle.queue.{ACCOUNT}.*"):
        say(client, **request(binding, "unsubscribe"))
    assert frames(client, events) == []


def test_every_frame_is_an_event_that_our_own_protocol_maps():
    client = subscribed("qubicle.queue", "qubicle.recipient", "qubicle.session", "call.*.*")
    protocol = VinixProtocol("support", ACCOUNT, "s3cret")
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
    assert feed == {
        "provider": "vinix",
        "url": "ws://x",
        "rest_url": "http://x/v2",
        "auth_token": "s3cret",
        "account_id": ACCOUNT,
        "families": ["call"],
    }
    assert "s3cret" not in repr(SIMULATOR)
