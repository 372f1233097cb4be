"""The gateway's other families: calls, conferences, faxes, documents, and whatever it may have besides."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.selectors import Selector
from jackfield_vinix.state import AccountState
from jackfield_vinix.translate import translate
from jackfield_vinix.wire import read_frame

ACCOUNT = "4b31dd1d32ce6d249897c06332375d65"
AT = datetime(2026, 11, 21, tzinfo=UTC)
FRAMES = [json.loads(line) for line in Path(__file__).with_name("other_families.jsonl").read_text().splitlines()]
STARTED = {"account_id": ACCOUNT, "call_interaction_id": "63771048349-f33f8492"}


def read(wire, account="feed", state=None):
    raw = json.dumps(wire).encode()
    return translate(read_frame(raw), raw, "support", account, AT, state)


def call(word, call_id, *, key=None, **fields):
    data = {"event_category": "call_event", "event_name": word, "call_id": call_id, **fields}
    route = f"call.{ACCOUNT}.{word}.{call_id}" if key is None else key
    return {"action": "event", "subscribed_key": "call.*.*", "name": word, "routing_key": route, "data": data}


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame["note"][:50])
def test_every_frame_of_the_collection_is_read_as_it_is_meant(frame):
    event, expected = read(frame["wire"]), frame["expect"]
    cloud = event.to_cloudevent()
    assert event.kind in expected["kind"] or (event.kind.startswith("call.") and "call.*" in expected["kind"])
    assert cloud["source"] == expected.get("source", f"/vinix/account/{ACCOUNT}")
    if "subject" in expected:
        assert cloud["subject"] == expected["subject"]
    if "time" in expected:
        assert event.time == datetime.fromisoformat(expected["time"])
    if "correlation" in expected:
        assert event.correlation == expected["correlation"]
    assert event.data == frame["wire"]["data"]


def test_a_call_without_its_id_is_known_by_the_key_even_with_dots_in_it():
    frame = json.loads(json.dumps(FRAMES[4]["wire"]))
    del frame["data"]["call_id"]
    assert read(frame).address.resource_id == "c1@h.example"


def test_no_two_frames_of_the_collection_are_one_event():
    assert len({read(frame["wire"]).id for frame in FRAMES}) == len(FRAMES)


@pytest.mark.parametrize(
    ("data", "moment"),
    [
        ({"timestamp": 63771048349, "msg_id": "1603829150000000"}, datetime(2020, 10, 27, 20, 5, 49, tzinfo=UTC)),
        ({"msg_id": "1603829149123456"}, datetime(2020, 10, 27, 20, 5, 49, 123456, tzinfo=UTC)),
        ({"Msg-ID": 1603829149123456}, datetime(2020, 10, 27, 20, 5, 49, 123456, tzinfo=UTC)),
        ({"msg_id": "9" * 16}, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int("9" * 16))),
        ({"msg_id": "9" * 40}, None),
        ({"msg_id": "b1b1b1b1b1b1b1b1"}, None),
    ],
)
def test_a_call_event_happened_at_its_timestamp_else_at_the_switchs_clock(data, moment):
    assert read(call("CHANNEL_ANSWER", "c1", **data)).time == moment


@pytest.mark.parametrize(
    ("wire", "account"),
    [
        (call("DTMF", "c1"), ACCOUNT),
        (call("DTMF", "c1", key="call.x.DTMF.c1", custom_channel_vars={"account_id": ACCOUNT}), ACCOUNT),
        (call("DTMF", "c1", key="call.x.DTMF.c1", custom_channel_vars={"Account-ID": ACCOUNT}), ACCOUNT),
        (call("DTMF", "c1", key="", account_id=ACCOUNT), ACCOUNT),
        (call("DTMF", "c1", key="call.x.DTMF.c1"), "feed"),
        (
            {
                "name": "doc_created",
                "routing_key": f"doc_created.account%2F{ACCOUNT[:2]}%2F{ACCOUNT[2:4]}%2F{ACCOUNT[4:]}.user.u1",
                "data": {"event_category": "configuration", "id": "u1"},
            },
            ACCOUNT,
        ),
        ({"name": "new", "routing_key": f"voicemail.new.{ACCOUNT}.box", "data": {"event_category": "vm"}}, ACCOUNT),
    ],
)
def test_the_account_is_what_the_payload_the_channel_or_the_key_says(wire, account):
    assert read(wire).address.scope_id == account


def test_an_account_with_dashes_is_the_feeds_own():
    dashed = "4b31dd1d-32ce-6d24-9897-c06332375d65"
    assert read(call("DTMF", "c1"), dashed).address.scope_id == dashed


@pytest.mark.parametrize(
    ("wire", "address", "kind"),
    [
        (
            {
                "name": "event",
                "routing_key": f"conference.event.{ACCOUNT}.room.c1",
                "data": {
                    "event_category": "conference",
                    "event": "add-member",
                    "conference_id": "room",
                    "call_id": "c1",
                },
            },
            "conference/room/add-member",
            "conference.participant_joined",
        ),
        (
            {
                "name": "status",
                "routing_key": f"fax.status.{ACCOUNT}.j1",
                "data": {"event_category": "fax", "job_id": "j1", "call_id": "c1"},
            },
            "fax/j1/status",
            "unmapped.fax",
        ),
        (
            {
                "name": "update",
                "routing_key": "update.presence.x",
                "data": {"event_category": "presence", "call_id": "c"},
            },
            "presence/c/update",
            "unmapped.presence",
        ),
        ({"name": "x", "routing_key": "new.thing", "data": {"id": 7}}, "new/7/x", "unmapped.new"),
        ({"name": "x", "data": {"event_category": "gadget"}}, "gadget/unknown/x", "unmapped.gadget"),
        (call("CHANNEL_ANSWER", "") | {"routing_key": f"call.{ACCOUNT}.CHANNEL_ANSWER.c%2E1"}, None, "call.connected"),
    ],
)
def test_each_family_has_its_ids_words_and_kinds_and_an_unknown_one_comes_whole(wire, address, kind):
    event = read(wire)
    assert event.kind == kind
    assert "/".join(event.address[3:]) == (address or "call/c.1/CHANNEL_ANSWER")
    assert event.data == wire["data"]


def test_the_legs_of_one_call_are_joined_and_belong_to_the_contact_that_names_one_of_them():
    state = AccountState()
    first = read(call("CHANNEL_CREATE", "a", custom_channel_vars=STARTED), state=state)
    second = read(call("CHANNEL_CREATE", "b", custom_channel_vars=STARTED), state=state)
    assert first.correlation == second.correlation == "a"
    read(
        {"name": "create", "routing_key": f"qubicle.session.{ACCOUNT}.s", "data": {"session_id": "s", "call_id": "a"}},
        state=state,
    )
    later = [read(call("CHANNEL_DESTROY", leg, custom_channel_vars=STARTED), state=state) for leg in "ab"]
    assert {event.correlation for event in later} == {"s"}


@given(
    st.dictionaries(
        st.sampled_from(["name", "routing_key", "subscribed_key", "subscription_key", "event"]),
        st.sampled_from(["", ".", "call", "call.", "call.*.*", "call.a.b.c.d", "object..", "x.y", "%", 5, None, []]),
    ),
    st.dictionaries(
        st.sampled_from(["event_category", "event", "call_id", "custom_channel_vars", "msg_id", "timestamp", "id"]),
        st.sampled_from(["", "call_event", "configuration", "conference", "event", 0, 10**30, [], {}, None]),
    ),
)
def test_no_combination_of_fields_is_too_odd(envelope, data):
    wire = {"action": "event", "event_name": "z"} | envelope | {"data": data}
    event = read(wire)
    assert event.data == data
    assert all(event.address)


def test_a_feed_with_the_family_call_gets_the_calls_beside_the_contact_centre(talk, server):
    conversation = talk(feed={"families": ("call",)}, calls=True, **server)
    conversation.connect(*talk.families, *conversation.provider.dialect.topics_of(Selector.parse("call.connected")))
    assert sorted(conversation.confirmed) == sorted((*talk.families, "call.*.*"))
    conversation.happen(600)
    kinds = {event.kind for event in conversation.events}
    assert {"call.initiated", "call.alerting", "call.connected", "call.bridged", "call.cleared"} <= kinds
    assert not any(kind.startswith("unmapped.") for kind in kinds)
    assert len({event.id for event in conversation.events}) == len(conversation.events) == 600
    contacts = {event.correlation for event in conversation.events if event.kind == "contact.created"}
    answered = {event.correlation for event in conversation.events if event.kind == "call.connected"}
    assert answered <= contacts


def test_a_server_without_the_calls_module_refuses_that_family_and_serves_the_others(talk):
    conversation = talk(feed={"families": ("fax",)}, accepts="short")
    conversation.connect(*talk.families, "fax.status.*")
    assert sorted(conversation.confirmed) == sorted(talk.families)
    assert conversation.rejected == ["fax.status.*"]
    assert conversation.disconnects == []
