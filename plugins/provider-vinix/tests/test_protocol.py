"""`jackfield_vinix.protocol`: requests, replies by their id, and a token that never shows."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jackfield.credentials import Secret
from jackfield.errors import FrameError
from jackfield.protocol import Confirm, Emit, Hangup, Ignore, Reject, Send
from jackfield_vinix import Vinix
from jackfield_vinix.protocol import DocumentedProtocol

AT = datetime(2026, 1, 1, tzinfo=UTC)
FRAMES = [json.loads(line) for line in Path(__file__).with_name("frames.jsonl").read_text().splitlines()]
BINDING = "qubicle.queue.ACC.*"


@pytest.fixture
def protocol():
    return DocumentedProtocol("support", "ACC", "s3cret")


def reply(protocol, **fields):
    return list(protocol.received(json.dumps({"action": "reply", **fields}).encode(), AT))


def asked(protocol, binding=BINDING):
    (send,) = protocol.subscribe(binding)
    return json.loads(send.text)


def test_a_request_is_the_documented_one_with_an_id_of_its_own(protocol):
    assert list(protocol.opened()) == []
    assert asked(protocol) == {
        "action": "subscribe",
        "auth_token": "s3cret",
        "request_id": "jackfield-1",
        "data": {"account_id": "ACC", "binding": BINDING},
    }
    (send,) = protocol.unsubscribe(BINDING)
    assert json.loads(send.text)["action"] == "unsubscribe"
    assert json.loads(send.text)["request_id"] == "jackfield-2"
    assert list(protocol.idle()) == []


def test_a_reply_settles_the_request_with_its_id_whatever_it_says_of_bindings(protocol):
    first, second = asked(protocol, "qubicle.queue.ACC.*"), asked(protocol, "qubicle.session.ACC.*")
    success = {"status": "success", "data": {"subscribed": ["qubicle.queue"]}}
    assert reply(protocol, request_id=second["request_id"], **success) == [
        Ignore("reply to subscribe"),
        Confirm("qubicle.session.ACC.*"),
    ]
    assert reply(protocol, request_id=first["request_id"], **success)[1] == Confirm("qubicle.queue.ACC.*")


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
        Reject("qubicle.nope", "no available subscriptions to requested binding; another"),
    ]


@pytest.mark.parametrize("data", [None, [], {}, {"errors": "x"}, {"errors": [1, {}]}, "text"])
def test_a_refusal_of_any_shape_is_a_refusal(protocol, data):
    request = asked(protocol)
    assert Reject(BINDING, "refused without a reason") in reply(
        protocol, request_id=request["request_id"], status="error", data=data
    )


@pytest.mark.parametrize(
    "text",
    ["failed to authenticate token s3cret", "authentication token required", "invalid authentication token format"],
)
def test_a_refused_token_ends_the_connection_and_is_not_shown(protocol, text):
    request = asked(protocol)
    actions = reply(protocol, request_id=request["request_id"], status="error", data={"errors": [text]})
    assert isinstance(actions[-1], Hangup)
    assert actions[-1].refused
    assert "s3cret" not in repr(actions)


def test_any_other_text_with_the_token_in_it_is_cleaned_too(protocol):
    request = asked(protocol)
    data = {"errors": ["rate limiting threshold hit for s3cret!"]}
    actions = reply(protocol, request_id=request["request_id"], status="error", data=data)
    assert Reject(BINDING, "rate limiting threshold hit for ***!") in actions


def test_the_answer_to_giving_back_is_no_news(protocol):
    (send,) = protocol.unsubscribe(BINDING)
    request_id = json.loads(send.text)["request_id"]
    assert reply(protocol, request_id=request_id, status="success") == [Ignore("reply to unsubscribe")]


def test_every_reply_of_the_collection_is_no_event(protocol):
    for frame in FRAMES[38:]:
        actions = list(protocol.received(json.dumps(frame["wire"]).encode(), AT))
        assert not [action for action in actions if isinstance(action, Emit)]
        assert isinstance(actions[0], Ignore)


def test_events_are_emitted_and_unknown_actions_are_told(protocol):
    (emit,) = protocol.received(json.dumps(FRAMES[3]["wire"]).encode(), AT)
    assert (emit.event.feed, emit.event.kind) == ("support", "contact.queued")
    (ignored,) = protocol.received(b'{"action":"notice","data":{}}', AT)
    assert ignored == Ignore("action 'notice', which is neither a reply nor an event")
    with pytest.raises(FrameError):
        protocol.received(b"[]", AT)


def test_the_token_is_read_for_each_connection_and_never_shown(monkeypatch):
    monkeypatch.setenv("VINIX_TOKEN_FOR_TESTS", "first")
    feed = Vinix("wss://events.example:5555", Secret("env", "VINIX_TOKEN_FOR_TESTS"), "ACC")
    (send,) = feed.protocol("support").subscribe(BINDING)
    assert json.loads(send.text)["auth_token"] == "first"
    monkeypatch.setenv("VINIX_TOKEN_FOR_TESTS", "second")
    (send,) = feed.protocol("support").subscribe(BINDING)
    assert json.loads(send.text)["auth_token"] == "second"
    assert "second" not in repr(feed) + repr(send) + repr(feed.protocol("support")) + repr(feed.endpoint())
    assert isinstance(send, Send)


@pytest.mark.parametrize("account", ["", "a.b", "*", "#", "a b", " a"])
def test_an_account_id_that_no_binding_can_hold_is_refused(account):
    with pytest.raises(ValueError, match="no account id"):
        Vinix("ws://x", Secret("text", "t"), account)
