"""`jackfield_vinix.protocol`: requests, replies by their id, and a token that never shows."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import FrameError
from jackfield.plugin.protocol import Disconnect, Emit, Ignore, Send, Subscribed, SubscriptionRefused
from jackfield.plugin.secrets import Secret
from jackfield.testing import strategies
from jackfield_vinix import Vinix
from jackfield_vinix.protocol import VinixProtocol

AT = datetime(2026, 1, 1, tzinfo=UTC)
FRAMES = [json.loads(line) for line in Path(__file__).with_name("frames.jsonl").read_text().splitlines()]
BINDING = "qubicle.queue.ACC.*"


def connected(*, token=None, **options):
    """A protocol that knows its server's spelling, so that it asks for one."""
    protocol = VinixProtocol("support", "ACC", token or "s3cret", **options)
    for style in ("documented", "short"):
        protocol.learned.brought(style)
    return protocol


@pytest.fixture
def protocol():
    return connected(unsubscribes=True)


def reply(protocol, **fields):
    return list(protocol.received(json.dumps({"action": "reply", **fields}).encode(), AT))


def asked(protocol, binding=BINDING):
    (send,) = protocol.subscribe(binding)
    return json.loads(send.frame)


def test_a_request_is_the_documented_one_with_an_id_of_its_own(protocol):
    assert list(protocol.opened()) == []
    assert asked(protocol) == {
        "action": "subscribe",
        "auth_token": "s3cret",
        "request_id": "jackfield-1",
        "data": {"account_id": "ACC", "binding": BINDING},
    }
    reply(protocol, request_id="jackfield-1", status="success")
    (send,) = protocol.unsubscribe(BINDING)
    assert json.loads(send.frame)["action"] == "unsubscribe"
    assert json.loads(send.frame)["request_id"] == "jackfield-2"
    assert list(protocol.tick(AT, 1.0)) == []


def test_a_reply_settles_the_request_with_its_id_whatever_it_says_of_bindings(protocol):
    first, second = asked(protocol, "qubicle.queue.ACC.*"), asked(protocol, "qubicle.session.ACC.*")
    success = {"status": "success", "data": {"subscribed": ["qubicle.queue"]}}
    assert reply(protocol, request_id=second["request_id"], **success) == [
        Ignore("reply to subscribe"),
        Subscribed("qubicle.session.ACC.*"),
    ]
    assert reply(protocol, request_id=first["request_id"], **success)[1] == Subscribed("qubicle.queue.ACC.*")


def test_a_reply_that_comes_twice_or_to_nobody_settles_nothing(protocol):
    request = asked(protocol)
    reply(protocol, request_id=request["request_id"], status="success")
    for request_id in (request["request_id"], "somebody's", None, 7):
        assert reply(protocol, request_id=request_id, status="success") == [Ignore("reply to nothing that we asked")]


def test_a_refusal_carries_the_servers_words(protocol):
    request = asked(protocol, "qubicle.nope")
    data = {"errors": ["no available subscriptions to requested binding", "another"]}
    assert reply(protocol, request_id=request["request_id"], status="error", data=data) == [
        Ignore("reply to subscribe"),
        SubscriptionRefused(
            "qubicle.nope",
            "no available subscriptions to requested binding "
            "(no such family, or bh_qubicle is not loaded at this node: ask Vinix); another",
        ),
    ]


@pytest.mark.parametrize("data", [None, [], {}, {"errors": "x"}, {"errors": [1, {}]}, "text"])
def test_a_refusal_of_any_shape_is_a_refusal(protocol, data):
    request = asked(protocol)
    assert SubscriptionRefused(BINDING, "refused without a reason") in reply(
        protocol, request_id=request["request_id"], status="error", data=data
    )


@pytest.mark.parametrize(
    "text",
    ["failed to authenticate token s3cret", "authentication token required", "invalid authentication token format"],
)
def test_a_refused_token_ends_the_connection_and_is_not_shown(protocol, text):
    request = asked(protocol)
    actions = reply(protocol, request_id=request["request_id"], status="error", data={"errors": [text]})
    assert isinstance(actions[-1], Disconnect)
    assert actions[-1].auth_failed
    assert "s3cret" not in repr(actions)


def test_any_other_text_with_the_token_in_it_is_cleaned_too(protocol):
    request = asked(protocol)
    data = {"errors": ["surprised by s3cret!"]}
    actions = reply(protocol, request_id=request["request_id"], status="error", data=data)
    assert SubscriptionRefused(BINDING, "surprised by ***!") in actions


@pytest.mark.parametrize(
    "frame", [frame for frame in FRAMES if frame["expect"].get("refusals")], ids=lambda f: f["note"]
)
def test_each_refusal_of_the_collection_is_answered_by_what_may_help(protocol, frame):
    request = asked(protocol)
    actions = reply(protocol, **(frame["wire"] | {"request_id": request["request_id"]}))
    subjects = set(frame["expect"]["refusals"])
    assert "not-a-token" not in repr(actions)
    disconnects = [action.auth_failed for action in actions if isinstance(action, Disconnect)]
    assert disconnects == ([True] if "token" in subjects else [])
    rejected = [action.topic for action in actions if isinstance(action, SubscriptionRefused)]
    sent = [json.loads(action.frame)["data"]["binding"] for action in actions if isinstance(action, Send)]
    if subjects == {"binding"}:  # in other words
        assert (rejected, sent) == ([], ["qubicle.queue"])
    elif subjects == {"rate"}:  # later
        assert (rejected, sent) == ([], [])
        later = [json.loads(each.frame) for _ in range(3) for each in protocol.tick(AT, 1.0)]
        assert [each["data"] for each in later] == [request["data"]]
    else:
        assert (rejected, sent) == ([BINDING], [])


def test_a_refused_token_ends_the_connection_wherever_among_the_errors_it_stands(protocol):
    request = asked(protocol)
    data = {"errors": ["unauthorized account id", "failed to authenticate token s3cret"]}
    actions = reply(protocol, request_id=request["request_id"], status="error", data=data)
    assert isinstance(actions[-1], Disconnect)
    assert "s3cret" not in repr(actions)


@pytest.mark.parametrize(
    ("status", "errors", "confirms"),
    [
        ("success", ["stale"], True),
        (None, [], True),
        (None, ["unauthorized account id"], False),
        ("error", ["x"], False),
        ("failed", [], False),
    ],
)
def test_only_success_confirms(protocol, status, errors, confirms):
    request = asked(protocol)
    actions = reply(protocol, request_id=request["request_id"], status=status, data={"errors": errors})
    assert (Subscribed(BINDING) in actions) is confirms
    assert any(isinstance(action, SubscriptionRefused) for action in actions) is not confirms


def test_a_reply_that_cannot_be_read_leaves_its_request_open(protocol):
    request = asked(protocol)
    head = f'{{"action":"reply","request_id":"{request["request_id"]}","status":"error","data":'.encode()
    with pytest.raises(FrameError, match="data is not valid JSON"):
        list(protocol.received(head + b'"\xff"}', AT))
    assert Subscribed(BINDING) in reply(protocol, request_id=request["request_id"], status="success")


EVENTS = [frame["wire"] for frame in FRAMES if frame["wire"].get("action") != "reply"]
REPLIES = [frame["wire"] for frame in FRAMES if frame["wire"].get("action") == "reply"]


@given(st.lists(st.sampled_from(EVENTS + REPLIES), max_size=12))
def test_replies_between_events_disturb_neither(frames):
    protocol = connected()
    alone = connected()
    request = asked(protocol)
    emitted = [
        action
        for frame in frames
        for action in protocol.received(json.dumps(frame).encode(), AT)
        if isinstance(action, Emit)
    ]
    assert emitted == [
        action for frame in frames if frame in EVENTS for action in alone.received(json.dumps(frame).encode(), AT)
    ]
    assert Subscribed(BINDING) in reply(protocol, request_id=request["request_id"], status="success")


shapes = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["reply", "event", "notice", None]) | strategies.json_values(),
        "request_id": st.sampled_from(["jackfield-1", "other"]) | strategies.json_values(),
        "status": st.sampled_from(["error", "success"]) | strategies.json_values(),
        "name": st.sampled_from(["join", "qubicle.queue.A.Q.join"]) | strategies.json_values(),
        "routing_key": st.sampled_from(["qubicle.queue.A.Q", "qubicle..A"]) | strategies.json_values(),
        "data": st.fixed_dictionaries({"errors": st.lists(st.text() | st.just("failed to authenticate token s3cret"))})
        | strategies.json_values(),
    },
)


@given(shapes.map(json.dumps).map(str.encode) | st.binary())
def test_any_bytes_are_an_event_or_ignored_with_a_reason_or_one_error(raw):
    protocol = connected()
    asked(protocol)
    try:
        actions = list(protocol.received(raw, AT))
    except FrameError as error:
        assert error.raw == raw
        return
    emits = [action for action in actions if isinstance(action, Emit)]
    ignored = [action for action in actions if isinstance(action, Ignore)]
    assert len(emits) + len(ignored) == 1
    assert all(action.reason for action in ignored)
    assert emits or "s3cret" not in repr(actions)


def test_a_token_is_cut_out_before_a_text_is_cut_short():
    protocol = connected(token="s3cret" * 10)
    (ignored,) = protocol.received(json.dumps({"action": "x" * 10 + "s3cret" * 10}).encode(), AT)
    assert "s3cret" not in ignored.reason


def test_the_answer_to_an_unsubscribe_is_no_news(protocol):
    reply(protocol, request_id=asked(protocol)["request_id"], status="success")
    (send,) = protocol.unsubscribe(BINDING)
    request_id = json.loads(send.frame)["request_id"]
    assert reply(protocol, request_id=request_id, status="success") == [Ignore("reply to unsubscribe")]


def test_every_reply_of_the_collection_is_no_event(protocol):
    replies = [frame for frame in FRAMES if frame["wire"].get("action") == "reply"]
    assert len(replies) > 20
    for frame in replies:
        actions = list(protocol.received(json.dumps(frame["wire"]).encode(), AT))
        assert not [action for action in actions if isinstance(action, Emit)]
        assert isinstance(actions[0], Ignore)


def test_events_are_emitted_and_unknown_actions_are_reported(protocol):
    (emit,) = protocol.received(json.dumps(FRAMES[3]["wire"]).encode(), AT)
    assert (emit.event.feed, emit.event.kind) == ("support", "contact.queued")
    (ignored,) = protocol.received(b'{"action":"notice","data":{}}', AT)
    assert ignored == Ignore("action 'notice', which is neither a reply nor an event")
    with pytest.raises(FrameError):
        protocol.received(b"[]", AT)


def test_the_token_is_read_for_each_connection_and_never_shown(monkeypatch):
    monkeypatch.setenv("VINIX_TOKEN_FOR_TESTS", "first")
    feed = Vinix("wss://events.example:5555", Secret("env", "VINIX_TOKEN_FOR_TESTS"), "ACC")
    (send, *_) = feed.protocol("support").subscribe(BINDING)
    assert json.loads(send.frame)["auth_token"] == "first"
    monkeypatch.setenv("VINIX_TOKEN_FOR_TESTS", "an0ther")
    (send, *_) = feed.protocol("support").subscribe(BINDING)
    assert json.loads(send.frame)["auth_token"] == "an0ther"
    assert "an0ther" not in repr(feed) + repr(send) + repr(feed.protocol("support")) + repr(feed.endpoint())
    assert isinstance(send, Send)


@pytest.mark.parametrize("account", ["", "a.b", "*", "#", "a b", " a"])
def test_an_account_id_that_no_binding_can_hold_is_refused(account):
    with pytest.raises(ValueError, match="not an account id"):
        Vinix("ws://x", Secret("text", "t"), account)


@pytest.mark.parametrize("request_id", [1, "1", 1.0, True, None, [], {}])
def test_a_reply_with_any_id_at_all_is_read(protocol, request_id):
    asked(protocol)
    assert reply(protocol, request_id=request_id, status="success") == [Ignore("reply to nothing that we asked")]


def test_what_was_learned_of_the_server_and_of_the_centre_is_handed_on(protocol):
    (emit,) = protocol.received(json.dumps(FRAMES[3]["wire"]).encode(), AT)
    after = connected(before=protocol)
    assert emit.event.correlation
    assert after.state is protocol.state
    assert after.learned is protocol.learned
    assert after._before is None


def test_a_decoder_without_an_account_reads_and_needs_no_rest():
    decoder = VinixProtocol("stdin")
    assert [isinstance(action, Emit) for action in decoder.received(json.dumps(FRAMES[3]["wire"]).encode(), AT)] == [
        True
    ]
    assert list(decoder.tick(AT, 1.0)) == []
