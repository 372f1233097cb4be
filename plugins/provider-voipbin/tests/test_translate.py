"""`jackfield_voipbin.translate` and `wire`: the specification's frames, and any others."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.addresses import AddressPattern
from jackfield.errors import FrameError
from jackfield.selectors import KindPattern
from jackfield.testing import strategies
from jackfield_voipbin.dialects import DocumentedDialect
from jackfield_voipbin.kinds import _NATIVE_RESOURCES, RESOURCES, TABLE, ByField, native_name
from jackfield_voipbin.translate import translate
from jackfield_voipbin.wire import read_frame

AT = datetime(2026, 11, 21, tzinfo=UTC)
FRAMES = [json.loads(line) for line in Path(__file__).with_name("frames.jsonl").read_text().splitlines()]
CALL = "55597217-9474-4f97-bda6-ce2563b6c385"
CUSTOMER = "93c9da93-7ffb-498e-9fc1-2798ea05112e"


def read(frame, customer="C"):
    raw = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return translate(read_frame(raw), raw, "office", customer, AT)


# By the line of frames.jsonl: kind, address behind the customer, correlation.
DOCUMENTED = {
    5: ("call.connected", f"customer/{CUSTOMER}/call/{CALL}/status", CALL),
    6: ("call.initiated", f"customer/{CUSTOMER}/call/{CALL}/created", CALL),
    7: ("call.cleared", f"customer/{CUSTOMER}/call/{CALL}/ended", CALL),
    18: ("contact.queued", f"customer/{CUSTOMER}/queue/0b83fae0-6a0f-44b0-ae7e-be808bad1f35/joined", CALL),
    19: ("contact.connected", f"customer/{CUSTOMER}/queue/0b83fae0-6a0f-44b0-ae7e-be808bad1f35/connected", CALL),
    22: (
        "agent.ready",
        "agent/eb222a7a-6e16-4f75-b419-1885f8363ccd/agent/eb222a7a-6e16-4f75-b419-1885f8363ccd/status",
        None,
    ),
    26: ("recording.completed", f"customer/{CUSTOMER}/recording/6da4f554-8612-4359-a481-b293af78e1fb/completed", CALL),
    30: (
        "transcription.segment_completed",
        f"customer/{CUSTOMER}/transcribe/128e3730-ece0-458c-adca-7ecf497fb9e6/transcript_created",
        "128e3730-ece0-458c-adca-7ecf497fb9e6",
    ),
    33: (
        "conference.participant_joined",
        f"customer/{CUSTOMER}/conference/2f869be9-6fd5-4517-956c-e09150a332c9/joined",
        CALL,
    ),
    36: (
        "message.received",
        f"customer/{CUSTOMER}/message/63b33903-1e14-4db5-a8a8-1244d5a36d74/received",
        "63b33903-1e14-4db5-a8a8-1244d5a36d74",
    ),
    39: ("flow.completed", f"customer/{CUSTOMER}/activeflow/b796e8af-a79f-492c-997b-bc4bbc3a3324/completed", CALL),
}


@pytest.mark.parametrize("number", DOCUMENTED)
def test_every_documented_frame_becomes_its_event(number):
    wire = FRAMES[number - 1]["wire"]
    event = read(wire)
    kind, address, correlation = DOCUMENTED[number]
    assert (event.kind, str(event.address), event.correlation) == (kind, f"voipbin/{address}", correlation)
    assert event.data == wire["data"]
    assert event.time == datetime.fromisoformat(wire["timestamp"])
    assert (event.native_type, event.native_topic) == (wire["event_type"], wire["topic"])
    assert (event.feed, event.received, event.origin, event.inferred) == ("office", AT, "live", False)


def test_the_table_above_holds_every_documented_frame_that_there_is():
    assert {number for number, frame in enumerate(FRAMES, 1) if "event_type" in frame["wire"]} == set(DOCUMENTED)


def test_the_specifications_own_example_is_read():
    event = read(
        {
            "event_type": "call.status",
            "timestamp": "2024-01-15T10:30:00.000000Z",
            "topic": "customer_id:abc123:call:xyz789",
            "data": {"id": "xyz789"},
        }
    )
    assert str(event.address) == "voipbin/customer/abc123/call/xyz789/status"
    assert event.time == datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


def test_the_quick_starts_frame_without_topic_and_timestamp_is_placed_by_its_payload():
    event = read(
        {
            "event_type": "transcript_created",
            "data": {"id": "t1", "customer_id": "c1", "tm_create": "2026-02-21T10:05:02.5Z"},
        }
    )
    assert str(event.address) == "voipbin/customer/c1/transcript/t1/created"
    assert event.time == datetime(2026, 2, 21, 10, 5, 2, 500000, UTC)
    assert event.native_topic == ""


def test_an_event_that_says_nothing_of_itself_is_the_feeds_customers():
    event = read({"event_type": "call.created"}, customer="abc123")
    assert str(event.address) == "voipbin/customer/abc123/call/unknown/created"
    assert (event.data, event.time) == (None, None)


def test_the_payload_keeps_its_own_text():
    raw = b'{"event_type":"x.y","topic":"customer_id:c:x:1","data":{"n":1.10,"s":"\\u003c","big":12345678901234567890}}'
    assert read(raw).data_json == raw[raw.index(b'{"n"') : -1]


def test_copies_of_an_event_share_their_id_and_other_events_do_not():
    frame = FRAMES[4]["wire"]
    same = [
        frame,
        {key: frame[key] for key in reversed(frame)},
        frame | {"data": {key: frame["data"][key] for key in reversed(frame["data"])}},
        frame | {"topic": frame["topic"].replace(f"customer_id:{CUSTOMER}", "agent_id:a1")},
    ]
    other = [
        frame | {"event_type": "call.ended"},
        frame | {"timestamp": "2026-08-20T09:15:01.720346Z"},
        frame | {"data": frame["data"] | {"status": "hangup"}},
        frame | {"topic": frame["topic"][:-1] + "0"},
    ]
    assert len({read(each).id for each in same}) == 1
    assert len({read(each).id for each in [frame, *other]}) == 5


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (b"", "no JSON"),
        (b"hello", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[1,2]", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b"null", "no JSON object"),
        (b"[" * 5000, "no JSON"),
        ({"event_type": 5}, "event_type is 5 and not a name"),
        ({"event_type": ""}, "event_type is '' and not a name"),
        ({"event_type": "call.status", "topic": "customer_id::call:1"}, "has an empty segment"),
        ({"event_type": "call.status", "topic": "call"}, "four are needed"),
        (b'{"event_type":"x","data":"\xff"}', "data is no JSON"),
        (b'{"event_type":"x","data":"\\ud800"}', "JSON"),
    ],
)
def test_what_cannot_be_read_says_why(frame, problem):
    with pytest.raises(FrameError, match=problem) as caught:
        read(frame)
    assert caught.value.raw == (frame if isinstance(frame, bytes) else json.dumps(frame).encode())


@given(
    st.dictionaries(
        st.sampled_from(["event_type", "topic", "timestamp", "data", "type", "id"]),
        strategies.json_values() | st.sampled_from(["call.status", "customer_id:a:b:c", "a:b:c"]),
    )
)
def test_any_object_is_an_event_or_one_error(frame):
    try:
        event = read(frame | {"event_type": frame.get("event_type", "call.status")})
    except FrameError:
        return
    assert all(event.address)
    assert KindPattern.parse(event.kind).matches(event.kind)
    assert type(event).from_cloudevent(event.to_json()) == event


@given(st.binary())
def test_any_bytes_are_an_event_or_one_error(raw):
    try:
        read(raw)
    except FrameError as error:
        assert error.raw == raw


EVERY_EVENT = [
    (f"{native}{separator}{word}", topic_resource)
    for native, words in TABLE.items()
    for word in [*words, "surprised"]
    for topic_resource in RESOURCES
    if native in _NATIVE_RESOURCES[topic_resource]
    for separator in "._"
]


@given(st.sampled_from(EVERY_EVENT), strategies.json_values(), st.data())
def test_the_planner_knows_beforehand_every_kind_that_an_event_can_turn_out_to_be(event, payload, data):
    """Else a selector of that kind would not be subscribed to, and its events never come."""
    event_type, resource = event
    rule = TABLE.get(native_name(event_type)[0], {}).get(native_name(event_type)[1])
    fields = payload if isinstance(payload, dict) else {}
    if isinstance(rule, ByField):
        fields |= {rule.field: data.draw(st.sampled_from([*rule.kinds, "surprise"]))}
    fields |= {"hangup_reason": data.draw(st.sampled_from(["normal", "busy"]))}
    frame = {"event_type": event_type, "topic": f"customer_id:C:{resource}:1", "data": fields}
    found = read(frame)
    assert found.kind in DocumentedDialect("C").kinds_of(AddressPattern.exactly(found.address))
