"""`jackfield_vinix.naming`: what says whose event it is, of what, and which; the ways are in test_translate."""

import json

import pytest

from jackfield_vinix.naming import read_names
from jackfield_vinix.wire import fold, read_frame


def address(account="A", **frame):
    raw = json.dumps(frame).encode()
    found = read_names(read_frame(raw), fold(frame.get("data")), account, raw)
    return f"{found.account}/{found.family}/{found.resource_id}/{found.word}"


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        ({"name": "join", "event": "leave", "routing_key": "qubicle.queue.A.Q.dance"}, "A/queue/Q/join"),
        ({"name": "", "event": "leave", "routing_key": "qubicle.queue.A.Q.dance"}, "A/queue/Q/leave"),
        ({"name": 5, "data": {"event_name": "leave"}, "routing_key": "qubicle.queue.A.Q.x"}, "A/queue/Q/leave"),
        ({"routing_key": "qubicle.queue.A.Q.x", "subscription_key": "qubicle.queue.A.Q.y"}, "A/queue/Q/x"),
        ({"name": "qubicle.queue.A.Q", "event": "leave"}, "A/queue/Q/leave"),
        ({"name": "a.b", "routing_key": "qubicle.queue.A.Q"}, "A/queue/Q/a.b"),
    ],
)
def test_the_word_is_the_first_that_something_says(frame, found):
    assert address(**frame) == found


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        ({"routing_key": "qubicle.queue.A.Q", "data": {"event_category": "qubicle-session"}}, "A/queue/Q/x"),
        ({"data": {"event_category": "qubicle-session"}, "subscribed_key": "qubicle.queue"}, "A/session/unknown/x"),
        ({"subscription_key": "qubicle.queue.A.*", "subscribed_key": "qubicle.session"}, "A/queue/unknown/x"),
        ({"subscribed_key": "qubicle.session"}, "A/session/unknown/x"),
        ({"subscribed_key": "call.A.*"}, "A/unknown/unknown/x"),
        ({"data": {"recipient_id": "R", "queue_id": "Q", "session_id": "S"}}, "A/recipient/R/x"),
        ({"data": {"queue_id": "Q", "session_id": "S"}}, "A/queue/Q/x"),
        ({"data": {"Session-ID": "S", "Queue-ID": ""}}, "A/session/S/x"),
        ({"data": {}}, "A/unknown/unknown/x"),
    ],
)
def test_the_family_is_by_key_then_category_then_subscription_then_id(frame, found):
    assert address(name="x", **frame) == found


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        ({"routing_key": "qubicle.queue.B.Q", "data": {"account_id": "C", "queue_id": "R"}}, "C/queue/R/x"),
        ({"routing_key": "qubicle.queue.B.Q", "subscription_key": "qubicle.queue.C.R"}, "B/queue/Q/x"),
        ({"data": {"queue_id": "Q"}, "subscription_key": "qubicle.queue.B.*"}, "B/queue/Q/x"),
        ({"subscription_key": "qubicle.queue.*.Q.x", "subscribed_key": "qubicle.queue.B.*"}, "B/queue/Q/x"),
        ({"subscription_key": "qubicle.queue.B.#.x"}, "B/queue/unknown/x"),
        ({"subscription_key": "qubicle..B", "data": {"queue_id": "Q"}}, "B/queue/Q/x"),
        ({"data": {"queue_id": 7, "account_id": None}}, "A/queue/7/x"),
    ],
)
def test_ids_are_the_payloads_then_the_keys_then_the_subscriptions(frame, found):
    assert address(name="x", **frame) == found


def test_without_any_account_it_is_unknown():
    assert address("", name="x", data={"queue_id": "Q"}) == "unknown/queue/Q/x"
    assert address("", name="x", data={"queue_id": "Q", "account_id": "-"}) == "-/queue/Q/x"


DASHED, PLAIN = "E086AE14-F0B3-6050-F033-09E30B2DAA39", "e086ae14f0b36050f03309e30b2daa39"


@pytest.mark.parametrize("configured", [DASHED, PLAIN])
@pytest.mark.parametrize("sent", [DASHED, PLAIN])
def test_the_feeds_account_is_written_as_the_feed_writes_it(configured, sent):
    """Vinix's pages show the dashes that KAZOO leaves out; a selector by the one must match events with the other."""
    for frame in ({"data": {"account_id": sent}}, {"data": {}, "routing_key": f"qubicle.queue.{sent}.Q"}):
        assert address(configured, name="x", **frame).startswith(f"{configured}/")
    assert address(configured, name="x", data={"account_id": f"{sent}0"}).startswith(f"{sent}0/")
