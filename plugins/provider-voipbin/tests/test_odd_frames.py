"""Frames that are odd and legal, or odd and not: each is the event that it should be, or one error."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import pytest

from jackfield.errors import FrameError
from jackfield.plugin.protocol import Emit, Ignore
from jackfield_voipbin.protocol import VoipbinProtocol

AT = datetime(2026, 11, 21, tzinfo=UTC)
FRAMES = [
    json.dumps(json.loads(line)["wire"]).encode()
    for line in Path(__file__).with_name("frames.jsonl").read_text().splitlines()
]


def received(raw):
    # A stale bare frame is the transition and an update.
    action, *_ = VoipbinProtocol("office", "C").received(raw, AT)
    return action


def read(raw):
    return received(raw).event


# A topic; the scope, its id, the resource and its id that the address has.
TOPICS = """
customer_id:X:call:1                 customer X call 1
customer_id:X:call:call_hangup:1     customer X call 1
customer_id:X:call:call.hangup:1     customer X call 1
customer_id:X:call:other:1           customer X call other:1
customer_id:X:call                   customer X call own
customer_id:X:call:                  customer X call own
agent_id:A:call:1                    agent    A call 1
customer_id:X                        customer c call own
customer_id:X:                       customer c call own
customer_id::call:1                  customer c call own
_id:X:call:1                         customer c call own
:::                                  customer c call own
call                                 customer c call own
"""


@pytest.mark.parametrize("row", TOPICS.strip().splitlines(), ids=lambda row: row.split()[0])
@pytest.mark.parametrize("event_type", ["call_hangup", "call.hangup"])
def test_a_topic_places_the_event_as_far_as_it_makes_sense_and_costs_none(row, event_type):
    topic, *segments = row.split()
    frame = {"event_type": event_type, "topic": topic, "data": {"id": "own", "customer_id": "c"}}
    event = read(json.dumps(frame).encode())
    assert event.address[1:] == (*segments, "hangup")
    assert (event.kind, event.native_topic, event.data) == ("call.cleared", topic, frame["data"])


@pytest.mark.parametrize("topic", ["", None, 5, ["customer_id:X:call:1"], {}])
def test_what_is_no_topic_is_none(topic):
    frame = {"event_type": "call_hangup", "topic": topic, "data": {"id": "own", "customer_id": "c"}}
    event = read(json.dumps(frame).encode())
    assert (event.address[1:], event.native_topic) == (("customer", "c", "call", "own", "hangup"), "")


@pytest.mark.parametrize("value", [[], {}, ["x"], {"a": 1}, True, 0, -1.5, "", 10**30, "\0", None], ids=repr)
def test_no_field_of_any_message_costs_the_event_whatever_it_holds(value):
    for frame in map(json.loads, FRAMES):
        resource = frame.get("data", frame)
        for field in list(resource):
            before, resource[field] = resource[field], value
            assert isinstance(received(json.dumps(frame).encode()), Emit | Ignore), field
            resource[field] = before


PAYLOADS = [
    b"null",
    b"5",
    b"[]",
    b'"text"',
    b"true",
    b'{"":{"":[]}}',
    b'{"n":9007199254740993,"f":0.1000000000000000055511151231257827,"z":1.10,"e":-0.0}',
    b'{"n":123456789012345678901234567890}',
    b'{"n":1e400,"m":-1e400,"tiny":5e-400}',
    b'{"s":"\\ud83d \\udc00\\ud83d", "\\udfff": 1}',
    b'{"n":[' + b"9" * 5000 + b",1e99999999999999999999]}",
    b'{"s":"\\u003c\\u2028 \\ud83d\\ude00 \xf0\x9f\x98\x80 \\u0000"}',
    b'{"id":"\\u0000/ *%@\\n"}',
    b'{"a":1,"a":2}',
    b'{ "a" :\t1 }',
    b'{"x":' + b"[" * 300 + b"]" * 300 + b"}",
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda text: text[:24].decode())
def test_a_payload_goes_through_digit_for_digit_in_every_form(payload):
    frames = [b'{"type":"x_y","data":%b}', b'{"data": %b ,"type":"x_y"}\r\n', b'{"event_type":"x.y","data":%b}']
    if payload.startswith(b"{"):
        frames += [b" %b\r\n", b'{"id":"1","customer_id":"c","v":%b}']
    for frame in frames:
        raw = frame % payload
        event = read(raw)
        assert event.data_json == (payload if b"event_type" in raw or b"type" in raw else (frame.strip() % payload))
        again = type(event).from_cloudevent(event.to_json())
        assert (again, again.data_json) == (event, event.data_json)
        assert type(event).from_cloudevent(event.to_cloudevent()).data == event.data
        assert b"\n" not in event.to_json()


def test_two_numbers_beyond_every_float_are_two_events():
    assert read(b'{"type":"x_y","data":{"n":1e400}}').id != read(b'{"type":"x_y","data":{"n":2e400}}').id


def test_an_envelope_whose_payload_stands_beside_its_name_is_whole():
    raw = b'{"event_type":"call.created","topic":"customer_id:X:call:1","call":{"n":1.10}}'
    assert (read(raw).data_json, read(raw).kind) == (raw, "call.initiated")
    assert read(b'{"event_type":"call.created","timestamp":"2026-08-20T09:15:00Z"}').data is None


# What a flow sends by itself, and other objects: the kind and the end of the address.
OTHERS = [
    (b'{"digits":"1"}', "unmapped.unknown", "C/unknown/unknown/unknown"),
    (b'{"data":{"id":"1"}}', "unmapped.unknown", "C/unknown/unknown/unknown"),
    (b'{"event_type":null,"data":{}}', "unmapped.unknown", "C/unknown/unknown/unknown"),
    (b'{"type":"order_paid","data":{"customer_id":"x","id":"7"}}', "unmapped.order", "x/order/7/paid"),
    (b'{"type":"error","data":{"id":"7"}}', "unmapped.error", "C/error/7/error"),
    (b'{"type":5,"data":{}}', "unmapped.unknown", "C/unknown/unknown/unknown"),
    (b'{"type":"call_created","customer_id":"x","data":{}}', "unmapped.unknown", "x/unknown/unknown/unknown"),
    (b'{"id":5,"customer_id":6,"tm_create":7}', "unmapped.unknown", "C/unknown/unknown/unknown"),
]


@pytest.mark.parametrize(("raw", "kind", "address"), OTHERS)
def test_an_object_that_is_none_of_the_platforms_passes_whole(raw, kind, address):
    event = read(raw)
    assert (event.kind, str(event.address)) == (kind, f"voipbin/customer/{address}")
    assert json.loads(event.to_json())["data"] in (json.loads(raw), json.loads(raw).get("data"))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ('"2026-08-20T09:15:00.120345Z"', datetime(2026, 8, 20, 9, 15, 0, 120345, UTC)),
        ('"2026-08-20T09:15:00.1Z"', datetime(2026, 8, 20, 9, 15, 0, 100000, UTC)),
        ('"2026-08-20T09:15:00.123456789Z"', datetime(2026, 8, 20, 9, 15, 0, 123456, UTC)),
        ('"2026-08-20T11:15:00+02:00"', datetime(2026, 8, 20, 9, 15, tzinfo=UTC)),
        ('"2022-04-11 00:23:53.636000"', datetime(2022, 4, 11, 0, 23, 53, 636000, UTC)),
        ('"9999-01-01 00:00:00.000000"', None),
        ('"9999-01-01T00:00:00.000000Z"', None),
        ('"0001-01-01T00:00:08.99184Z"', None),
        ('"2026-02-30T00:00:00Z"', None),
        ('"0001-01-01T00:00:00+14:00"', None),
        ('"soon"', None),
        ("1705314600", None),
        ("null", None),
        ("[]", None),
    ],
)
def test_a_moment_is_read_wherever_it_stands_or_is_none(text, moment):
    assert read(b'{"event_type":"x.y","timestamp":%b,"data":{}}' % text.encode()).time == moment
    assert read(b'{"type":"x_y","data":{"tm_update":%b}}' % text.encode()).time == moment
    assert read(b'{"id":"1","customer_id":"c","tm_joined":%b}' % text.encode()).time == moment


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"type":"ack","action":"subscribe","topics":["t"],"status":"success"}', "acknowledgement of subscribe"),
        (b'{"type":"ack","topics":null,"status":"success","action":["x"]}', "acknowledgement of something"),
        (b'{"type":"ack","action":"subscribe","topics":[],"status":"denied"}', "refusal of subscribe"),
        (b'{"type":"error","code":"RATE_LIMITED","message":"slow"}', "refusal of something: RATE_LIMITED"),
        (b'{"type":"error","action":{"a":1},"code":["x"],"topics":"x"}', "refusal of something"),
    ],
)
def test_an_answer_is_no_event_and_is_counted_under_few_reasons(raw, reason):
    assert received(raw) == Ignore(reason)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b'{"a":1,}',
        b'{"type":"x_y","data":"\xff"}',
        b'{"type":"x_y","data":NaN}',
        b'{"type":"x_y","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000,
    ],
    ids=lambda raw: raw[:30].decode("latin-1"),
)
def test_what_is_no_json_or_beyond_reading_is_one_error_with_its_bytes(raw):
    with pytest.raises(FrameError) as caught:
        received(raw)
    assert caught.value.raw == raw
    assert len(caught.value.problem) < 200


def mutant(chance, pool):
    frame = bytearray(chance.choice(pool))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(frame) + 1)
        match chance.randrange(5):
            case 0:
                frame[at : at + chance.randint(1, 30)] = b""
            case 1:
                frame[at:at] = chance.choice(
                    [b'"', b"{", b"[", b"\\", b"\xff", b"\\ud800", b"null", b"1e999", b":", b","]
                )
            case 2:
                other = chance.choice(pool)
                frame[at:at] = other[chance.randrange(len(other)) :][: chance.randint(1, 200)]
            case 3:
                if at < len(frame):
                    frame[at] = chance.randrange(256)
            case _:
                frame[at:at] = frame[: chance.randint(0, 50)]
    return bytes(frame)


def test_a_frame_that_was_damaged_anyhow_is_an_event_or_one_error():
    chance = random.Random(20_260_820)
    for _ in range(3000):
        raw = mutant(chance, FRAMES)
        try:
            action = received(raw)
        except FrameError as error:
            assert error.raw == raw
        else:
            assert isinstance(action, Emit)
            event = action.event
            again = type(event).from_cloudevent(event.to_json())
            # Half of a surrogate pair can stand in a payload, and in an id only as U+FFFD.
            assert again == event or (again.data_json == event.data_json and "\ufffd" in repr(again))


@pytest.mark.parametrize(
    ("shape", "unit"),
    [
        (b'{"type":"x_y","data":[%b1]}', b"1,"),
        (b'{"id":"1","customer_id":"c",%b"z":1}', b'"tm_a":"x",'),
        (b'{"event_type":"%bz","data":1}', b"a_."),
        (b'{"event_type":"call_hangup","topic":"customer_id:c:%b1","data":1}', b"a:"),
    ],
)
def test_the_cost_of_a_frame_grows_no_faster_than_its_size(shape, unit):
    def seconds(times):
        raw = shape % (unit * times)
        began = perf_counter()
        received(raw)
        return perf_counter() - began

    small = min(seconds(20_000) for _ in range(3))
    assert min(seconds(200_000) for _ in range(3)) < 60 * small + 0.05
