"""`jackfield_voipbin.protocol`: the documented conversation, and the options that lead to it."""

import json
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.errors import FrameError, RestError
from jackfield.plugin.http import Response
from jackfield.plugin.protocol import Backfill, Emit, Ignore, Send, Subscribed, SubscriptionRefused
from jackfield.plugin.secrets import Secret
from jackfield.testing import strategies
from jackfield_voipbin import Voipbin
from jackfield_voipbin.protocol import VoipbinProtocol

AT = datetime(2026, 1, 1, tzinfo=UTC)
CALLS = ("customer_id:abc123:call:*", "customer_id:abc123:call:call_", "customer_id:abc123:webhook:call_")
FEED = Voipbin(Secret("text", "s3cret&more"), "abc123")


def said(actions):
    return [json.loads(action.frame) for action in actions if isinstance(action, Send)]


def received(frame):
    return list(VoipbinProtocol("office").received(json.dumps(frame).encode(), AT))


def test_each_topic_is_asked_for_in_a_message_of_its_own_and_counts_as_granted():
    protocol = VoipbinProtocol("office")
    assert list(protocol.opened()) == []
    actions = list(protocol.subscribe("customer_id:abc123:call:*"))
    assert said(actions) == [{"type": "subscribe", "topics": [text]} for text in CALLS]
    assert actions[3:] == [Subscribed("customer_id:abc123:call:*")]
    assert said(protocol.unsubscribe("customer_id:abc123:call:*")) == [
        {"type": "unsubscribe", "topics": [text]} for text in CALLS
    ]
    assert list(protocol.tick(AT, 1.0)) == []


@pytest.mark.parametrize(("dialect", "topic"), [("documented", CALLS[0]), ("prefix", CALLS[1])])
def test_in_a_dialect_that_is_configured_only_its_own_spelling_is_sent(dialect, topic):
    protocol = Voipbin(Secret("text", "t"), "abc123", dialect=dialect).protocol("office")
    assert said(protocol.subscribe(topic)) == [{"type": "subscribe", "topics": [topic]}]


def test_an_acknowledgement_is_no_event():
    ack = {"type": "ack", "action": "subscribe", "topics": ["t"], "status": "success"}
    assert received(ack) == [Ignore("acknowledgement of subscribe")]


def test_an_error_takes_back_what_was_granted_with_its_reason():
    protocol = VoipbinProtocol("office", "abc123")
    list(protocol.subscribe(CALLS[0]))
    error = {
        "type": "error",
        "action": "subscribe",
        "topics": [*CALLS, "another", 5],
        "code": "PERMISSION_DENIED",
        "message": "Not yours",
    }
    refusal = SubscriptionRefused(CALLS[0], "PERMISSION_DENIED: Not yours")
    assert list(protocol.received(json.dumps(error).encode(), AT)) == [
        refusal,
        Ignore("refusal of subscribe: PERMISSION_DENIED"),
    ]
    assert received({"type": "error", "action": "x", "topics": None}) == [Ignore("refusal of something")]


def test_an_error_about_unsubscribing_takes_nothing_back():
    protocol = VoipbinProtocol("office", "abc123")
    list(protocol.subscribe(CALLS[0]))
    error = {"type": "error", "action": "unsubscribe", "topics": [*CALLS], "code": "INVALID_TOPIC"}
    assert list(protocol.received(json.dumps(error).encode(), AT)) == [Ignore("refusal of unsubscribe: INVALID_TOPIC")]


def test_an_acknowledgement_of_failure_is_a_refusal():
    protocol = VoipbinProtocol("office", "abc123")
    list(protocol.subscribe(CALLS[0]))
    answer = {"type": "ack", "action": "subscribe", "topics": [*CALLS], "status": "failed"}
    actions = list(protocol.received(json.dumps(answer).encode(), AT))
    assert actions == [SubscriptionRefused(CALLS[0], "failed"), Ignore("refusal of subscribe")]


def test_what_the_credential_may_not_is_refused_and_never_sent():
    feed = Voipbin(Secret("text", "vb_key"), "abc123")
    (reject,) = feed.protocol("office").subscribe("agent_id:a1:call:*")
    assert isinstance(reject, SubscriptionRefused)
    assert "an access key is not an agent" in reject.reason


def test_the_next_connection_knows_what_the_last_one_learned():
    first = FEED.protocol("office")
    list(first.subscribe(CALLS[0]))
    first.closed(None, AT)
    second = FEED.protocol("office", first)
    assert said(second.subscribe(CALLS[0])) == []
    assert said(second.tick(AT, 1.0)) == [{"type": "subscribe", "topics": [CALLS[0]]}]
    assert said(FEED.protocol("office", None).subscribe(CALLS[0])) != []


@pytest.mark.parametrize(("seconds", "looks"), [(0, 0), (30, 3)])
def test_it_looks_regularly_for_what_did_not_come(seconds, looks):
    protocol = attrs.evolve(FEED, reconcile_seconds=seconds).protocol("office")
    list(protocol.subscribe(CALLS[0]))
    ticks = [action for _ in range(100) for action in protocol.tick(AT, 1.0) if not isinstance(action, Send)]
    assert ticks == [Backfill("a regular comparison with REST")] * looks


def test_what_has_no_list_is_not_looked_for():
    protocol = attrs.evolve(FEED, reconcile_seconds=1).protocol("office")
    list(protocol.subscribe("customer_id:abc123:queue:*"))
    list(protocol.subscribe("agent_id:a1:call:*"))
    assert [action for _ in range(10) for action in protocol.tick(AT, 1.0)] == []
    with pytest.raises(RestError, match="nothing that is subscribed to has a list"):
        next(protocol.backfill(AT, AT))


def test_what_was_just_asked_for_can_be_looked_for_before_a_tick_has_told_the_time():
    protocol = FEED.protocol("office")
    list(protocol.subscribe(CALLS[0]))
    assert str(next(protocol.backfill(AT, AT))) == "GET /v1.0/calls"


def test_without_permission_it_does_not_look_regularly_but_still_after_a_gap():
    protocol = attrs.evolve(FEED, reconcile_seconds=1).protocol("office")
    list(protocol.subscribe(CALLS[0]))
    assert Backfill("a regular comparison with REST") in protocol.tick(AT, 1.0)
    for _ in range(2):
        look = protocol.backfill(AT, AT)
        assert str(next(look)) == "GET /v1.0/calls"
        with pytest.raises(RestError, match="needs the role customer admin or manager"):
            look.send(Response(403))
        assert list(protocol.tick(AT, 1.0)) == []


def test_a_frame_without_a_topic_is_the_agents_where_only_the_agent_is_subscribed_to():
    frame = json.dumps({"type": "call_ringing", "data": {"id": "c1", "customer_id": "abc123", "owner_id": "a1"}})
    scopes, ids = [], []
    for topics in (["agent_id:a1:call:*"], ["agent_id:a1:call:*", CALLS[0]], [CALLS[0]], []):
        protocol = VoipbinProtocol("office", "abc123")
        for topic in topics:
            list(protocol.subscribe(topic))
        (emit,) = protocol.received(frame.encode(), AT)
        scopes.append(emit.event.address[1:3])
        ids.append(emit.event.id)
    assert scopes == [("agent", "a1"), *[("customer", "abc123")] * 3]
    assert len(set(ids)) == 1


def test_an_event_is_emitted_for_this_feed_and_customer():
    protocol = VoipbinProtocol("office", "abc123")
    (emit,) = protocol.received(b'{"event_type":"call.created"}', AT)
    assert isinstance(emit, Emit)
    assert (emit.event.feed, emit.event.address.scope_id, emit.event.received) == ("office", "abc123", AT)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"event_type": "call.created"}, "call.initiated"),
        ({"type": "call_hangup", "data": {}}, "call.cleared"),
        ({"id": "x", "customer_id": "c", "subject": "", "content": ""}, "message.sent"),
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
        actions = list(VoipbinProtocol("office").received(frame, AT))
    except FrameError as error:
        assert error.raw == frame
        return
    assert actions
    assert [type(action) for action in actions] == [Emit] or isinstance(actions[-1], Ignore)


def test_an_answer_that_names_no_action_is_reported_nevertheless():
    assert received({"type": "error", "code": "INVALID_MESSAGE"}) == [Ignore("refusal of something: INVALID_MESSAGE")]
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
    with pytest.raises(ValueError, match="not a customer id"):
        Voipbin(Secret("text", "t"), customer)
