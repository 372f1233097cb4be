"""`jackfield_voipbin.protocol`: the documented conversation, and the options that lead to it."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.credentials import Secret
from jackfield.errors import FrameError
from jackfield.protocol import Confirm, Emit, Ignore, Reject, Send
from jackfield.testing import strategies
from jackfield_voipbin import Voipbin
from jackfield_voipbin.protocol import DocumentedProtocol

AT = datetime(2026, 1, 1, tzinfo=UTC)
FEED = Voipbin(Secret("text", "s3cret&more"), "abc123")


def said(actions):
    return [json.loads(action.text) for action in actions if isinstance(action, Send)]


def received(frame):
    return list(DocumentedProtocol("office").received(json.dumps(frame).encode(), AT))


def test_each_topic_is_asked_for_in_a_message_of_its_own_and_counts_as_granted():
    protocol = DocumentedProtocol("office")
    assert list(protocol.opened()) == []
    actions = list(protocol.subscribe("customer_id:abc123:call:*"))
    assert said(actions) == [{"type": "subscribe", "topics": ["customer_id:abc123:call:*"]}]
    assert actions[1:] == [Confirm("customer_id:abc123:call:*")]
    assert said(protocol.unsubscribe("customer_id:abc123:call:*")) == [
        {"type": "unsubscribe", "topics": ["customer_id:abc123:call:*"]}
    ]
    assert list(protocol.tick(AT)) == []


def test_an_acknowledgement_is_no_event():
    ack = {"type": "ack", "action": "subscribe", "topics": ["t"], "status": "success"}
    assert received(ack) == [Ignore("acknowledgement of subscribe")]


def test_an_error_takes_back_what_was_granted_with_its_reason():
    error = {
        "type": "error",
        "action": "subscribe",
        "topics": ["t", "u", 5],
        "code": "PERMISSION_DENIED",
        "message": "Not yours",
    }
    reason = "PERMISSION_DENIED: Not yours"
    assert received(error) == [Reject("t", reason), Reject("u", reason), Ignore("refusal of subscribe")]
    assert received({"type": "error", "action": "x", "topics": None}) == [Ignore("refusal of x")]


def test_an_event_is_emitted_for_this_feed_and_customer():
    protocol = DocumentedProtocol("office", "abc123")
    (emit,) = protocol.received(b'{"event_type":"call.created"}', AT)
    assert isinstance(emit, Emit)
    assert (emit.event.feed, emit.event.address.scope_id, emit.event.received) == ("office", "abc123", AT)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"event_type": "call.created"}, "call.initiated"),
        ({"type": "call_hangup", "data": {}}, "call.cleared"),
        ({"id": "x", "customer_id": "c", "subject": "", "content": ""}, "unmapped.email"),
        ({"type": "ack"}, "unmapped.unknown"),
        ({}, "unmapped.unknown"),
    ],
)
def test_an_object_of_any_form_is_an_event(frame, kind):
    (emit,) = received(frame)
    assert emit.event.kind == kind


@given(st.binary() | strategies.json_values().map(lambda value: json.dumps(value).encode()))
@example(b'{"type":"error","code":"INVALID_MESSAGE","topics":"t"}')
@example(b'{"type":"ack","topics":[],"status":"success"}')
@example(b"[" * 5000)
@example(b'{"id":' + b"[" * 5000)
@example(b'{"id":"1","tm_x":"\xff"}')
@example(b"\xef\xbb\xbf{}")
def test_any_bytes_are_events_or_an_answer_or_one_error_with_the_bytes(frame):
    try:
        actions = list(DocumentedProtocol("office").received(frame, AT))
    except FrameError as error:
        assert error.raw == frame
        return
    assert actions
    assert [type(action) for action in actions] == [Emit] or isinstance(actions[-1], Ignore)


def test_an_answer_that_names_no_action_is_told_nevertheless():
    assert received({"type": "error", "code": "INVALID_MESSAGE"}) == [Ignore("refusal of something")]
    assert received({"type": "ack", "topics": ["t"], "status": "success"}) == [Ignore("acknowledgement of something")]


def test_the_token_goes_into_the_url_and_nowhere_else():
    endpoint = FEED.endpoint()
    assert endpoint.url == "wss://api.voipbin.net/v1.0/ws?token=s3cret%26more"
    assert endpoint.display == "wss://api.voipbin.net/v1.0/ws"
    assert "s3cret" not in repr(FEED) + repr(endpoint) + str(FEED.source)


def test_a_query_of_ones_own_is_kept():
    feed = Voipbin(Secret("text", "t"), "abc123", "ws://localhost:1/ws?x=1")
    assert feed.endpoint().url == "ws://localhost:1/ws?x=1&token=t"


def test_each_connection_has_a_protocol_of_its_own():
    assert FEED.protocol("office") is not FEED.protocol("office")


@pytest.mark.parametrize("customer", ["", "a:b", "*"])
def test_a_customer_id_that_no_topic_can_hold_is_refused(customer):
    with pytest.raises(ValueError, match="no customer id"):
        Voipbin(Secret("text", "t"), customer)
