"""Plans are found by what many events share, and so many of them are kept and no more."""

import json
from datetime import UTC, datetime

import attrs
import pytest

from jackfield_vinix import plans
from jackfield_vinix.naming import plan_by_key
from jackfield_vinix.protocol import VinixProtocol

A = "4b31dd1d32ce6d249897c06332375d65"


JOIN = {"queue_id": "q", "event_timestamp": 63_934_000_000, "caller_id_number": "+15550100"}


def test_events_of_one_word_with_the_same_fields_have_one_plan_and_one_text_of_their_account():
    plan = plans.plan_of("queue", "join", A, JOIN)
    assert plans.plan_of("queue", "join", A[:10] + A[10:], dict(JOIN)) is plan
    assert plan_by_key(A, "join", "qubicle", "queue", A, *JOIN) is plan
    assert (plan.time, plan.kind, plan.id_field) == ("event_timestamp", "contact.queued", "queue_id")


@pytest.mark.parametrize(
    "what",
    [("qubicle.queue.A.Q.join", "qubicle", "queue", A), ("", "qubicle", "queue", A), ("join", "call", A, "join")],
    ids=["the name is a key", "no name", "a key of others"],
)
def test_what_is_not_written_as_usual_has_no_plan_by_its_key(what):
    assert plan_by_key(A, *what, *JOIN) is None


def test_fields_that_are_to_be_folded_have_no_plan_by_their_key():
    assert plan_by_key(A, "join", "qubicle", "queue", A, "Queue-ID") is None


EMPTY = {"session_id": "", "recipient_id": None, "event_name": "", "caller_id_number": "", "reason": None}


def test_empty_fields_are_read_as_missing_ones():
    whole = {
        "account_id": A,
        "queue_id": "q",
        "call_id": "c",
        "event_unix_timestamp": None,
        "event_timestamp": 63_934_000_000,
    }
    for routing in ({"routing_key": f"qubicle.queue.{A}.q.join"}, {"name": "join"}):
        became = []
        for data in (whole | EMPTY, {name: value for name, value in whole.items() if value is not None}):
            frame = json.dumps(routing | {"name": "join", "data": data}).encode()
            (emit,) = VinixProtocol("office", A).received(frame, datetime(2026, 8, 20, tzinfo=UTC))
            became.append(attrs.evolve(emit.event, data=None, data_json=None, raw=b""))
        assert became[0] == became[1]


def test_plans_are_bounded_in_number_and_in_length():
    for number in range(plans.MOST + 10):
        plans.plan_of("queue", "join", A, {f"field_{number}": 1})
        plan_by_key(A, f"word_{number}", "qubicle", "queue", A)
    assert plans._plan_of.cache_info().currsize == plan_by_key.cache_info().currsize == plans.MOST
    before = plans._plan_of.cache_info()
    plans.plan_of("queue", "join", A, {"f" * plans.LONG: 1})
    plans.plan_of("queue", "w" * plans.LONG, A, ())
    assert plans._plan_of.cache_info() == before


def test_a_long_frame_leaves_no_plan_by_its_key():
    before = plan_by_key.cache_info()
    data = JOIN | {"f" * plans.LONG: 1}
    frame = {"name": "join", "routing_key": f"qubicle.queue.{A}.q.join", "data": data}
    (emit,) = VinixProtocol("office", A).received(json.dumps(frame).encode(), datetime(2026, 8, 20, tzinfo=UTC))
    assert (emit.event.kind, emit.event.parties.caller) == ("contact.queued", "+15550100")
    assert plan_by_key.cache_info() == before
