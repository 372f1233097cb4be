"""Who takes part, in neutral words: only what KAZOO says, never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.events import NO_PARTIES, Parties
from jackfield.testing.strategies import json_values
from jackfield_vinix.parties import parties_of


def test_an_offer_names_the_caller_the_agent_and_the_queue():
    fields = {
        "caller_id_number": "+15550100234",
        "caller_id_name": "Jane Roe",
        "recipient_id": "b6",
        "username": "alice@example.com",
        "queue_id": "d3",
        "queue_name": "Support",
    }
    assert parties_of("recipient", "offer", fields) == Parties(
        caller="+15550100234",
        caller_name="Jane Roe",
        agent_id="b6",
        agent_name="alice@example.com",
        queue_id="d3",
        queue_name="Support",
    )


def test_a_user_name_without_a_recipient_names_no_agent():
    assert parties_of("object", "doc_edited", {"username": "alice", "queue_id": "d3"}).agent_name == ""


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"hangup_cause": "NORMAL_CLEARING"}, "normal"),
        ({"hangup_cause": "USER_BUSY"}, "busy"),
        ({"hangup_cause": "ORIGINATOR_CANCEL"}, "abandoned"),
        ({"hangup_cause": "SOMETHING_NEW"}, "other"),
        ({"reason": "normal"}, "normal"),
    ],
)
def test_a_hangup_has_its_cause(fields, cause):
    assert parties_of("recipient", "hangup", {"recipient_id": "b6"} | fields).cause == cause


@pytest.mark.parametrize("word", ["away", "delete", "logout"])
def test_why_an_agent_is_away_is_the_agents_reason_and_no_cause(word):
    parties = parties_of("recipient", word, {"recipient_id": "b6", "reason": "lunch"})
    assert (parties.agent_reason, parties.cause) == ("lunch", "")


@pytest.mark.parametrize(("family", "word"), [("recipient", "hangup"), ("recipient", "reject"), ("session", "delete")])
def test_the_reason_of_anything_else_is_not_the_agents(family, word):
    assert parties_of(family, word, {"recipient_id": "b6", "reason": "declined"}).agent_reason == ""


def test_the_family_or_the_session_says_the_media():
    assert parties_of("call", "CHANNEL_ANSWER", {"call_direction": "outbound"}) == Parties(
        direction="outbound", media="voice"
    )
    assert parties_of("session", "create", {"session_type": "call_session"}).media == "voice"
    assert parties_of("queue", "sync", {"stats": {}}) is NO_PARTIES


FIELDS = ["caller_id_number", "recipient_id", "username", "hangup_cause", "reason", "direction", "session_type"]


@given(st.sampled_from(["call", "recipient", "x"]), st.dictionaries(st.sampled_from(FIELDS), json_values()))
def test_any_value_in_any_field_gives_texts(family, fields):
    parties = parties_of(family, "hangup", fields)
    assert all(isinstance(getattr(parties, name), str) for name in ("caller", "agent_id", "agent_name", "media"))
    assert parties.direction in ("", "inbound", "outbound")
