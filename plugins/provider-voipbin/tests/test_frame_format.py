"""`jackfield_voipbin.frame_format`: what a frame is, and that it is never two things, nor none."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.errors import FrameError
from jackfield.testing import strategies
from jackfield_voipbin.frame_format import FrameFormat, format_of, message_of
from jackfield_voipbin.wire import read_frame

FRAMES = [json.loads(line) for line in Path(__file__).with_name("frames.jsonl").read_text().splitlines()]
FORMS = {
    FrameFormat.DOCUMENTED: {5, 6, 7, 18, 19, 22, 26, 30, 33, 36, 39},
    FrameFormat.BARE: {2, 9, 12, 14, 21, 28, 31, 37, 41, 44, 46, 49},
}


def form(frame):
    raw = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return format_of(read_frame(raw), raw)


def message(raw):
    frame = read_frame(raw)
    return message_of(frame, format_of(frame, raw), raw)


@pytest.mark.parametrize("number", range(1, len(FRAMES) + 1))
def test_every_frame_of_the_fixtures_is_what_its_note_says(number):
    named = next((each for each, numbers in FORMS.items() if number in numbers), FrameFormat.WRAPPED)
    assert form(FRAMES[number - 1]["wire"]) is named


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ({"event_type": "call.created"}, FrameFormat.DOCUMENTED),
        ({"event_type": "call.created", "type": "ack", "action": "subscribe", "id": "x"}, FrameFormat.DOCUMENTED),
        ({"event_type": 5}, FrameFormat.DOCUMENTED),
        ({"type": "ack", "action": "subscribe", "topics": ["t"], "status": "success"}, FrameFormat.ANSWER),
        ({"type": "ack", "topics": ["t"], "status": "success"}, FrameFormat.ANSWER),
        ({"type": "error", "code": "INVALID_MESSAGE"}, FrameFormat.ANSWER),
        ({"type": "error", "data": {}}, FrameFormat.WRAPPED),
        ({"type": "ack"}, FrameFormat.OPAQUE),
        ({"type": "ack", "status": "success"}, FrameFormat.OPAQUE),
        ({"type": "ack", "action": "x", "id": "1", "tm_create": None}, FrameFormat.BARE),
        ({"type": "call_created", "data": {}}, FrameFormat.WRAPPED),
        ({"type": "call_created", "data": None}, FrameFormat.WRAPPED),
        ({"type": "call_created"}, FrameFormat.OPAQUE),
        ({"type": "", "data": {}}, FrameFormat.OPAQUE),
        ({"type": 5, "data": {}}, FrameFormat.OPAQUE),
        ({"type": "conference", "data": {}, "id": "1", "customer_id": "c"}, FrameFormat.BARE),
        ({"type": "flow", "data": {}, "customer_id": "c"}, FrameFormat.OPAQUE),
        ({"id": "1", "tm_update": None}, FrameFormat.BARE),
        ({"id": "1"}, FrameFormat.OPAQUE),
        ({"customer_id": "c"}, FrameFormat.OPAQUE),
        ({}, FrameFormat.OPAQUE),
    ],
)
def test_the_first_form_that_fits_is_the_form(frame, expected):
    assert form(frame) is expected


KEYS = ["event_type", "type", "action", "code", "status", "topics", "id", "customer_id", "tm_create", "data", "x"]


@given(
    st.dictionaries(
        st.sampled_from(KEYS), st.sampled_from(["ack", "error", "call_created", "", 5, []]) | strategies.json_values()
    )
)
@example({"type": "ack", "id": "1", "action": "subscribe"})
def test_the_rules_as_the_specification_words_them_tell_the_same_form_of_any_object(fields):
    """An oracle written as five questions that exclude each other, where the code takes one after the other."""
    there = {key for key, value in fields.items() if value is not None}
    kind = fields.get("type")
    said = "event_type" in there
    answer = (
        kind in ("ack", "error")
        and "id" not in there
        and bool(there & {"action", "code"} or there >= {"status", "topics"})
    )
    wrapped = isinstance(kind, str) and kind != "" and "data" in fields and not there & {"id", "customer_id"}
    bare = "id" in there and bool(there & {"customer_id"} or fields.keys() & {"tm_create"})
    claims = {
        FrameFormat.DOCUMENTED: said,
        FrameFormat.ANSWER: not said and answer,
        FrameFormat.WRAPPED: not said and not answer and wrapped,
        FrameFormat.BARE: not said and not answer and bare,
    }
    claims[FrameFormat.OPAQUE] = not any(claims.values())
    assert [each for each, holds in claims.items() if holds] == [form(fields)]


@pytest.mark.parametrize(
    ("raw", "name", "payload"),
    [
        (b'{"event_type":"x.y","data": {"n":1.10, "s":"\\u003c"} }', "x.y", b'{"n":1.10, "s":"\\u003c"}'),
        (b'{"data": {"n":1.10, "s":"\\u003c"} ,"type":"x_y"}', "x_y", b'{"n":1.10, "s":"\\u003c"}'),
        (b' {"id":"1","customer_id":"c", "n":1.10}\n', "", b'{"id":"1","customer_id":"c", "n":1.10}'),
        (b'{"anything": 12345678901234567890}', "", b'{"anything": 12345678901234567890}'),
        (b'{"type":"x_y","data":null}', "x_y", b"null"),
        (b'{"event_type":"x.y"}', "x.y", None),
    ],
)
def test_the_payload_of_every_form_keeps_its_own_text(raw, name, payload):
    found = message(raw)
    assert (found.name, found.data_json) == (name, payload)
    assert found.data == (None if payload is None else json.loads(payload))


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id":"1","x":"\xff"}',
        b'{"id":"1","customer_id":"c","x":"\xff"}',
        b'{"type":"x","data":"\xff"}',
        b'{"x":"\\u80"}',
    ],
)
def test_what_is_no_json_within_is_an_error_in_every_form(raw):
    with pytest.raises(FrameError, match="not valid JSON") as caught:
        message(raw)
    assert caught.value.raw == raw
