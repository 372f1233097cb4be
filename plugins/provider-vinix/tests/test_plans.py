"""Plans are found by what many events share, and so many of them are kept and no more."""

import json
from datetime import UTC, datetime

import attrs

from jackfield_vinix import plans
from jackfield_vinix.protocol import VinixProtocol

A = "4b31dd1d32ce6d249897c06332375d65"


def test_events_of_one_word_have_one_plan_and_one_text_of_their_account():
    assert plans.by_word("queue", "join", A) is plans.by_word("queue", "join", A[:10] + A[10:])


def test_a_payload_with_folded_names_is_read_as_it_is_and_any_other_is_folded_for_that():
    payload = {"queue_id": "q", "event_timestamp": 63_934_000_000}
    fields, by = plans.by_fields(payload, 100)
    assert fields is payload
    assert by.times == ("event_timestamp",)
    assert plans.by_fields({"Queue-ID": "q", "Event-Timestamp": 63_934_000_000, "Reason": ""}, 100) == (fields, by)
    assert plans.by_fields([], 100)[0] == {}


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
    kept = plans._by_fields, plans._by_word
    for number in range(plans.MOST + 10):
        plans.by_fields({f"field_{number}": 1}, 100)
        plans.by_word("queue", f"word_{number}", A)
    assert [each.cache_info().currsize for each in kept] == [plans.MOST, plans.MOST]
    before = [each.cache_info() for each in kept]
    plans.by_fields({"f" * plans.LONG: 1}, plans.LONG + 10)
    plans.by_word("queue", "w" * plans.LONG, A)
    assert [each.cache_info() for each in kept] == before
