"""`jackfield_voipbin.translate` and `wire`: the fixtures' frames of every form, and any others."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.addresses import AddressPattern
from jackfield.errors import FrameError
from jackfield.selectors import KindPattern, Selector
from jackfield.testing import strategies
from jackfield_voipbin.bare import _STATES
from jackfield_voipbin.dialects import DocumentedDialect, PrefixDialect
from jackfield_voipbin.frame_format import FrameFormat, format_of, message_of
from jackfield_voipbin.kinds import TABLE, ByField, native_name
from jackfield_voipbin.protocol import VoipbinProtocol
from jackfield_voipbin.published_names import _NATIVE_RESOURCES, RESOURCES
from jackfield_voipbin.shapes import SHAPES
from jackfield_voipbin.translate import translate
from jackfield_voipbin.wire import read_frame

AT = datetime(2026, 11, 21, tzinfo=UTC)
FRAMES = [json.loads(line) for line in Path(__file__).with_name("frames.jsonl").read_text().splitlines()]
CALL = "55597217-9474-4f97-bda6-ce2563b6c385"
CUSTOMER = "93c9da93-7ffb-498e-9fc1-2798ea05112e"


def read(frame, customer="C"):
    raw = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    found = read_frame(raw)
    form = format_of(found, raw)
    # What an answer becomes is the protocol's business.
    return (
        None if form is FrameFormat.ANSWER else translate(message_of(found, form, raw), raw, "office", customer, AT)[0]
    )


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


# By the line of frames.jsonl, of those without a topic: kind, resource, word, correlation where it is not the
# call's, the field that holds the time.
OTHERS = """
1  call.initiated                      call created              -               tm_ringing
2  call.connected                      call progressing          -               tm_update
3  call.updated                        call updated              -               tm_update
4  call.cleared                        call hangup               -               tm_update
8  call.originated                     call dialing              -               tm_create
9  call.alerting                       call ringing              -               tm_update
10 call.clearing                       call terminating          -               tm_update
11 call_group.created                  groupcall created         id              tm_create
12 call_group.connected                groupcall progressing     id              tm_update
13 contact.created                     queuecall created         -               tm_create
14 contact.queued                      queuecall waiting         -               tm_update
15 offer.created                       queuecall connecting      -               tm_update
16 contact.connected                   queuecall serviced        -               tm_update
17 contact.ended                       queuecall done            -               tm_update
20 agent.reserved                      agent status_updated      none            tm_update
21 agent.busy                          agent status_updated      none            tm_update
23 agent.created                       agent created             none            tm_create
24 recording.started                   recording started         -               tm_update
25 recording.completed                 recording finished        -               tm_update
27 transcription.progressed            transcribe progressing    -               tm_update
28 transcription.speech_interim        transcribe speech_interim transcribe_id   tm_event
29 transcription.segment_completed     transcript created        transcribe_id   tm_create
31 conference.updated                  conference updated        id              tm_update
32 conference.started                  conference created        id              tm_create
34 message.received                    message created           id              tm_create
35 message.delivery_updated            message updated           id              tm_update
37 flow.step_executed                  activeflow updated        -               tm_update
38 flow.completed                      activeflow updated        -               tm_update
40 campaign.started                    campaign status_run       none            tm_update
41 campaign_call.created               campaigncall created      reference_id    tm_create
42 number.provisioned                  number created            none            tm_create
43 message.received                    conversation message_created conversation_id tm_create
44 chat.message_posted                 chatmessage created       chat_id         tm_create
45 ai_call.message_completed           aimessage created         activeflow_id   tm_create
46 ai_call.cleared                     aicall status_terminated  -               tm_update
47 message.received                    webchat message_created   session_id      tm_create
48 message.delivery_updated            email updated             id              tm_update
49 call.connected                      call progressing          -               tm_update
"""


@pytest.mark.parametrize("row", OTHERS.strip().splitlines(), ids=lambda row: row.split()[0])
def test_every_wrapped_and_bare_frame_becomes_its_event(row):
    number, kind, resource, word, correlation, time = row.split()
    wire = FRAMES[int(number) - 1]["wire"]
    raw = json.dumps(wire).encode()
    event = read(raw)
    bare = "id" in wire
    data = wire if bare else wire["data"]
    address = f"voipbin/customer/{CUSTOMER}/{resource}/{data['id']}/{word}"
    assert (event.kind, str(event.address)) == (kind, address)
    assert event.correlation == {"-": CALL, "none": None}.get(correlation, data.get(correlation))
    assert event.time == datetime.fromisoformat(data[time])
    assert event.time.utcoffset() == timedelta(0)
    assert (event.native_type, event.native_topic, event.inferred) == ("" if bare else wire["type"], "", bare)
    assert event.data == data
    assert event.data_json == (raw if bare else json.dumps(data).encode())
    assert (event.feed, event.received, event.origin, event.raw) == ("office", AT, "live", raw)


def test_the_tables_above_hold_every_frame_that_there_is():
    others = {int(row.split()[0]) for row in OTHERS.strip().splitlines()}
    assert {number for number, frame in enumerate(FRAMES, 1) if "event_type" in frame["wire"]} == set(DOCUMENTED)
    assert others | set(DOCUMENTED) == set(range(1, len(FRAMES) + 1))


def test_one_change_of_a_call_is_one_event_in_all_three_forms_and_twice():
    """The fixtures hold six pairs of documented and other frames of one event, and one duplicate."""
    numbers = [(1, 6), (2, 5, 49), (4, 7), (25, 26), (34, 36), (38, 39)]
    ids = [{read(FRAMES[number - 1]["wire"]).id for number in same} for same in numbers]
    assert [len(each) for each in ids] == [1] * 6
    assert len({read(frame["wire"]).id for frame in FRAMES}) == len(FRAMES) - 7


@pytest.mark.parametrize(
    "wire",
    [{}, {"type": "ack"}, {"digits": "1", "nested": [{"id": 5}]}, {"id": "x", "customer_id": "c1", "hue": "blue"}],
)
def test_an_object_that_nobody_knows_passes_through_whole(wire):
    event = read(wire, customer="abc123")
    assert (event.kind, event.inferred, event.native_type, event.time) == ("unmapped.unknown", True, "", None)
    owner, resource_id = wire.get("customer_id", "abc123"), wire.get("id", "unknown")
    assert str(event.address) == f"voipbin/customer/{owner}/unknown/{resource_id}/unknown"
    assert (event.data, event.data_json) == (wire, json.dumps(wire).encode())


def test_a_resource_or_an_event_that_nobody_knows_keeps_its_name():
    event = read({"type": "gadget_exploded", "data": {"id": "g1", "customer_id": "c1", "n": 1}})
    assert (event.kind, str(event.address)) == ("unmapped.gadget", "voipbin/customer/c1/gadget/g1/exploded")
    assert (event.native_type, event.inferred, event.data["n"]) == ("gadget_exploded", False, 1)
    assert read({"type": "call_teleported", "data": "anything"}).kind == "unmapped.call"


def test_a_bare_resource_without_an_owner_is_the_feeds_customers():
    event = read({"id": "1", "tm_create": "2026-08-20T09:15:00Z", "subject": "", "content": ""}, customer="abc123")
    assert str(event.address) == "voipbin/customer/abc123/email/1/created"


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


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (b"", "not valid JSON"),
        (b"hello", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[1,2]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"topic":1e400}', r"its JSON object has what cannot be read: .* at `\$\.topic`"),
        (b"[" * 5000, "not a JSON object"),
        ({"event_type": 5}, "event_type is 5 and not a name"),
        ({"event_type": ""}, "event_type is '' and not a name"),
        (b'{"event_type":"x","data":"\xff"}', "data is not valid JSON"),
        (b'{"event_type":"x","data":"\\u80"}', "JSON"),
    ],
)
def test_what_cannot_be_read_says_why(frame, problem):
    with pytest.raises(FrameError, match=problem) as caught:
        read(frame)
    assert caught.value.raw == (frame if isinstance(frame, bytes) else json.dumps(frame).encode())


ANY_KEYS = ["event_type", "topic", "timestamp", "data", "type", "action", "id", "customer_id", "tm_update", "status"]
ANY_KEYS += sorted({field for shape in SHAPES.values() for field in shape.mark})


@given(
    st.dictionaries(
        st.sampled_from(ANY_KEYS),
        strategies.json_values() | st.sampled_from(["call.status", "call_hangup", "ack", "customer_id:a:b:c", "a:b:c"]),
    )
)
def test_any_object_is_an_event_or_one_error(frame):
    try:
        event = read(frame)
    except FrameError:
        return
    if event is None:
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


STATUSES = sorted({status for states in _STATES.values() for status in states} | {"available", "away", "offline"})
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


@given(
    st.sampled_from(sorted(SHAPES.keys() - {"chat"})),
    st.fixed_dictionaries(
        {"status": st.sampled_from([*STATUSES, "surprise"]) | strategies.json_values()},
        optional={
            "type": st.sampled_from(["group", "flow"]),
            "direction": st.sampled_from(["inbound", "outbound", "in"]),
            "hangup_reason": st.sampled_from(["normal", "busy"]),
            "message": st.text(),
            "tm_update": st.sampled_from([None, "2026-08-20T09:15:00Z", "9999-01-01 00:00:00.000000"]),
            "tm_delete": st.sampled_from([None, "2026-08-20T09:15:00Z"]),
        },
    ),
    st.sampled_from(EVERY_EVENT),
)
def test_the_planner_knows_every_kind_of_wrapped_and_bare_events_too(resource, fields, named):
    bare = {"id": "1", "customer_id": "C"} | dict.fromkeys(SHAPES[resource].mark, "x") | fields
    for frame in (bare, {"type": named[0], "data": fields}, {"digits": 1} | fields):
        found = read(frame)
        for dialect in (DocumentedDialect("C"), PrefixDialect("C")):
            assert found.kind in dialect.kinds_of(AddressPattern.exactly(found.address))
            whole = Selector(KindPattern.parse(found.kind), AddressPattern.exactly(found.address))
            by_kind = Selector(KindPattern.parse(found.kind))
            for selector in (whole, by_kind):
                brought = [dialect.pattern_of(topic) for topic in dialect.topics_of(selector)]
                assert any(pattern.matches(found.address) for pattern in brought)


@pytest.mark.parametrize(
    ("topic", "resource_id"),
    [
        ("customer_id:C:call:c1", "c1"),
        ("customer_id:C:call:call_hangup:c1", "c1"),
        ("customer_id:C:call:call_hangup", "call_hangup"),
        ("customer_id:C:call:other:c1", "other:c1"),
        ("customer_id:C:call", "own"),
        ("", "own"),
    ],
)
def test_a_topic_in_any_of_the_platforms_forms_names_its_resource(topic, resource_id):
    frame = {"event_type": "call_hangup", "topic": topic, "data": {"id": "own"}}
    (emit,) = VoipbinProtocol("office", "C").received(json.dumps(frame).encode(), AT)
    assert emit.event.address[1:] == ("customer", "C", "call", resource_id, "hangup")
    assert emit.event.native_topic == topic
