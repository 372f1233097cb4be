"""Who takes part, in neutral words: only what VoIPBIN says, never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.events import NO_PARTIES, Parties
from jackfield.testing.strategies import json_values
from jackfield_voipbin.kinds import NIL_UUID
from jackfield_voipbin.parties import parties_reader

CALL = {
    "source": {"type": "tel", "target": "+15550100123", "target_name": "Jane Roe"},
    "destination": {"type": "tel", "target": "+15550199000"},
    "direction": "incoming",
    "hangup_reason": "noanswer",
    "owner_type": "agent",
    "owner_id": "eb22",
}


def test_a_call_names_both_sides_its_agent_and_why_it_ended():
    assert parties_reader("call")("c1", CALL) == Parties(
        direction="inbound",
        caller="+15550100123",
        caller_name="Jane Roe",
        callee="+15550199000",
        agent_id="eb22",
        cause="no_answer",
        media="voice",
    )


def test_an_owner_that_is_not_an_agent_is_none():
    assert parties_reader("call")("c1", CALL | {"owner_type": "", "owner_id": NIL_UUID}).agent_id == ""


def test_a_message_to_one_number_has_a_callee_and_one_to_two_has_none():
    one = {"direction": "outbound", "targets": [{"destination": {"type": "tel", "target": "+4930"}}]}
    assert parties_reader("message")("m1", one) == Parties(direction="outbound", callee="+4930", media="sms")
    assert parties_reader("message")("m1", one | {"targets": one["targets"] * 2}).callee == ""


@pytest.mark.parametrize(
    ("resource", "name"), [("transcript", "in"), ("transcribe", "both"), ("aimessage", "incoming")]
)
def test_a_direction_of_something_else_is_left_out(resource, name):
    assert parties_reader(resource)("x", {"direction": name}) is NO_PARTIES


def test_a_contact_names_its_queue_and_the_agent_that_serves_it():
    assert parties_reader("queuecall")(
        "q1", {"queue_id": "0b", "service_agent_id": "eb", "reference_type": "call"}
    ) == Parties(queue_id="0b", agent_id="eb", media="voice")
    assert parties_reader("queuecall")("q1", {"service_agent_id": NIL_UUID}) is NO_PARTIES


def test_an_agent_and_a_queue_name_themselves():
    assert parties_reader("agent")("eb", {"name": "Jane Roe"}) == Parties(agent_id="eb", agent_name="Jane Roe")
    assert parties_reader("queue")("0b", {"id": "0b"}) == Parties(queue_id="0b")


@given(
    st.sampled_from(["call", "message", "agent", "queuecall"]),
    st.dictionaries(st.sampled_from([*CALL, "targets", "queue_id", "name", "id"]), json_values()),
)
def test_any_value_in_any_field_gives_texts(resource, fields):
    parties = parties_reader(resource)("x", fields)
    assert all(
        isinstance(getattr(parties, name), str) for name in ("caller", "callee", "agent_id", "queue_id", "cause")
    )
