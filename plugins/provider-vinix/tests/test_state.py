"""`jackfield_vinix.state` and `presence`: events in any order, each taken, none of them going back in time."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.addresses import Address
from jackfield_vinix.kinds import FAMILIES, TABLE
from jackfield_vinix.presence import STATES, TRANSITIONS, Status, step
from jackfield_vinix.state import AT_ONCE, MOST_KEPT, AccountState
from jackfield_vinix.translate import translate
from jackfield_vinix.wire import read_frame

AT = datetime(2026, 11, 21, tzinfo=UTC)
PRESENCES = sorted({*STATES.values(), "unknown"})


def later(seconds):
    return AT + timedelta(seconds=seconds)


def tell(state, family, word, second=0, **fields):
    ids = {"queue": "Q", "recipient": "R", "session": "S"}
    address = Address("vinix", "account", "A", family, fields.pop("id", ids[family]), word)
    return state.learn(address, fields, None if second is None else later(second))


def story(state, *words, **fields):
    for second, word in enumerate(words):
        tell(state, "recipient", word, second, **fields)
    return state.recipients["r"].status


@pytest.mark.parametrize(
    ("words", "presence"),
    [
        (["create"], "away"),
        (["create", "ready"], "ready"),
        (["ready", "away"], "away"),
        (["ready", "offer"], "offered"),
        (["ready", "offer", "reject"], "ready"),
        (["ready", "offer", "rescind"], "ready"),
        (["ready", "offer", "delivered"], "handling"),
        (["ready", "offer", "delivered", "hangup"], "ready"),
        (["delivered", "hangup", "wrapup_start"], "wrapup"),
        (["delivered", "hangup", "wrapup_start", "wrapup_complete"], "ready"),
        (["ready", "external_call_start"], "ready"),
        (["ready", "pause", "wiretap_start", "interaction_finalize_end"], "ready"),
        (["ready", "delete"], "logged_out"),
        (["ready", "logout", "login"], "away"),
    ],
)
def test_a_recipient_goes_from_state_to_state_as_the_table_says(words, presence):
    state = AccountState()
    assert story(state, *words, session_id="S").presence == presence
    assert state.unexpected == 0


def test_after_a_contact_a_recipient_goes_back_to_where_it_was():
    assert story(AccountState(), "away", "delivered", "hangup", session_id="S").presence == "away"


@pytest.mark.parametrize("word", ["create", "reject", "rescind", "wrapup_complete"])
@pytest.mark.parametrize("said", ["Away", "away", " AWAY "])
def test_a_state_in_the_event_goes_before_the_usual_one(word, said):
    assert step(Status("offered"), word, {"state": said})[0].presence == "away"


@given(
    st.sampled_from(PRESENCES),
    st.sampled_from([*TABLE["recipient"], "surprised"]),
    st.fixed_dictionaries({}, optional={"session_id": st.text(), "state": st.text(), "queue_id": st.text()}),
)
def test_every_event_is_taken_in_every_state(presence, word, fields):
    status, expected = step(Status(presence), word, fields)
    assert status.presence in PRESENCES
    transition = TRANSITIONS.get(word)
    if transition is None or not transition.expected or presence in ("unknown", *transition.expected):
        assert expected
    else:
        assert not expected


@pytest.mark.parametrize(
    ("seen", "presence"),
    [
        ({"availability_state": "Ready"}, "ready"),
        ({"availability_state": "Wrapup-Time"}, "wrapup"),
        ({"availability_state": "wrapup time"}, "wrapup"),
        ({"availability_state": "Not-Logged-In"}, "logged_out"),
        ({"availability_state": "Call-Offer", "offered_call": {"Session-ID": "S"}}, "offered"),
        ({"availability_state": "On-A-Call", "handling_call": {"session_id": "S"}}, "handling"),
        ({"handling_call": {"session_id": "S"}}, "handling"),
        ({"state": "away"}, "away"),
        ({"available": True}, "ready"),
        ({"available": False}, "away"),
        ({"availability_state": "Surprised"}, "ready"),
        ({"availability_state": 7, "handling_call": "odd", "queue_availability": []}, "ready"),
        ({}, "ready"),
    ],
)
def test_a_sync_says_how_a_recipient_stands(seen, presence):
    assert Status("ready").updated(seen).presence == presence


def test_a_sync_overwrites_what_was_known_and_leaves_what_it_does_not_say():
    busy = Status("handling", handled="S", paused=frozenset("q"))
    assert busy.updated({}) == busy
    assert busy.updated({"availability_state": "On-A-Call"}).session == "S"
    assert busy.updated({"queue_availability": {"Q": True, "Q-2": False}}).paused == {"q2"}
    alone = busy.updated({"availability_state": "On-A-Call"}, whole=True)
    assert (alone.presence, alone.external) == ("ready", True)
    assert not alone.updated({"availability_state": "Away"}).external


def test_an_event_that_nothing_led_to_counts_and_one_from_before_changes_nothing():
    state = AccountState()
    story(state, "logout", "offer", "away", session_id="S")
    assert state.unexpected == 2
    tell(state, "recipient", "ready", -5)
    assert state.recipients["r"].status.presence == "away"
    assert state.late == 1
    tell(state, "recipient", "ready", 2)  # in the same second as the last: the later to come counts
    assert state.recipients["r"].status.presence == "ready"
    tell(state, "recipient", "away", None)  # without a time it is now
    assert state.recipients["r"].status.presence == "away"


@pytest.mark.parametrize(
    ("events", "stage"),
    [
        ([("session", "create", 0)], "created"),
        ([("session", "create", 0), ("queue", "join", 1)], "waiting"),
        ([("queue", "join", 1), ("queue", "leave", 2)], "left"),
        ([("queue", "join", 1), ("recipient", "delivered", 2), ("queue", "leave", 2)], "handled"),
        ([("queue", "join", 1), ("queue", "leave", 2), ("queue", "delivered", 2)], "handled"),
        ([("queue", "delivered", 2), ("queue", "join", 2)], "handled"),
        ([("queue", "delivered", 2), ("queue", "join", 9)], "waiting"),  # passed on to another queue
        ([("queue", "delivered", 2), ("recipient", "hangup", 3)], "released"),
        ([("session", "delete", 9), ("recipient", "hangup", 9), ("queue", "join", 3)], "ended"),
    ],
)
def test_a_session_goes_forward_in_whatever_order_its_events_come(events, stage):
    state = AccountState()
    for family, word, second in events:
        tell(state, family, word, second, session_id="S")
    assert state.sessions["s"].stage == stage


def test_very_many_sessions_and_recipients_do_not_stay_for_ever():
    state = AccountState()
    for number in range(MOST_KEPT + AT_ONCE + 100):
        tell(state, "session", "create", number, id=f"S{number}", call_id=f"C{number}")
        tell(state, "recipient", "ready", number, id=f"R{number}")
    assert len(state.recipients) == len(state.sessions) == len(state._calls) == MOST_KEPT + 100
    assert tell(state, "queue", "join", call_id=f"C{MOST_KEPT}") == f"S{MOST_KEPT}"
    assert tell(state, "queue", "join", call_id="C0") == ""


# -- whose event it is ---------------------------------------------------------------------------------


def test_an_event_with_only_its_call_belongs_to_the_calls_session():
    state = AccountState()
    tell(state, "session", "create", 0, call_id="C@host")
    assert tell(state, "recipient", "offer", 1, call_id="C@host") == "S"
    assert tell(state, "queue", "join", 1, call_id="C@host") == "S"
    assert tell(state, "recipient", "external_call_start", 1, call_id="other") == ""


@pytest.mark.parametrize(
    "word", ["hangup", "wrapup_start", "wrapup_complete", "interaction_finalize_end", "wiretap_stop"]
)
def test_what_is_said_about_a_contact_without_naming_it_belongs_to_the_one_the_recipient_has_or_had(word):
    state = AccountState()
    story(state, "ready", "offer", "delivered", session_id="S")
    assert tell(state, "recipient", word, 3) == "S"
    tell(state, "recipient", "hangup", 4)
    tell(state, "recipient", "offer", 5, session_id="S2")
    assert tell(state, "recipient", word, 6) == "S"
    assert tell(state, "recipient", "reject", 7) == "S2"


@pytest.mark.parametrize("word", ["ready", "away", "pause", "resume", "sync", "create", "delete", "external_call_end"])
def test_what_is_said_about_a_recipient_alone_belongs_to_no_session(word):
    state = AccountState()
    story(state, "ready", "offer", "delivered", session_id="S")
    assert tell(state, "recipient", word, 3) == ""


def test_a_queues_delivery_belongs_to_whom_its_recipient_got():
    state = AccountState()
    story(state, "ready", "offer", session_id="S")
    assert tell(state, "queue", "delivered", 2, recipient_id="R") == "S"
    assert tell(state, "recipient", "delivered", 2) == "S"
    assert tell(state, "queue", "delivered", 2, recipient_id="R") == "S"
    assert tell(state, "queue", "delivered", 2, recipient_id="nobody") == ""


def test_ids_with_dashes_are_the_same_ids():
    state = AccountState()
    tell(state, "recipient", "ready", 0, id="4B31DD1D-32CE-6D24-9897-C06332375D65")
    tell(state, "recipient", "away", 1, id="4b31dd1d32ce6d249897c06332375d65")
    (recipient,) = state.recipients.values()
    assert recipient.status.presence == "away"


def test_a_session_that_is_spelled_in_two_ways_is_one_story():
    state = AccountState()
    assert tell(state, "session", "create", id="4B31DD1D-32CE") == "4B31DD1D-32CE"
    assert tell(state, "queue", "join", session_id="4b31dd1d32ce") == "4B31DD1D-32CE"


def test_translation_asks_the_centre_for_what_the_event_does_not_say():
    state = AccountState()
    for word, more in (("offer", {"session_id": "S"}), ("delivered", {}), ("hangup", {}), ("wrapup_start", {})):
        wire = {"name": word, "routing_key": "qubicle.recipient.A.R", "data": more}
        raw = json.dumps(wire).encode()
        assert translate(read_frame(raw), raw, "support", "A", AT, state).correlation == "S"


@given(
    st.lists(st.tuples(st.sampled_from([(f, w) for f in FAMILIES for w in TABLE[f]]), st.integers(0, 3)), max_size=40)
)
def test_no_order_of_events_is_too_odd(events):
    state = AccountState()
    for (family, word), second in events:
        tell(state, family, word, second, session_id="S", queue_id="Q", recipient_id="R")
    for recipient in state.recipients.values():
        assert recipient.at is None or recipient.at <= later(3)
