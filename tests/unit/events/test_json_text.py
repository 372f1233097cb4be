r"""`jackfield.events.json_text`: what RFC 8259's grammar allows is read and goes out as it came."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given
from json_texts import texts

from jackfield.events.json_text import decode_data, decode_struct, encode_data
from jackfield.testing import strategies

LONE = [rb"\ud83d", rb"\uDc00", rb"\ud83d\ud83d\ude00", rb"\udc00\ud800", rb"x\ud83dA", rb"\\\ud83d", rb"\ud83d\\ude00"]


class Frame(msgspec.Struct, frozen=True):
    topic: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    items: list[msgspec.Raw] = []


decode_frame = msgspec.json.Decoder(Frame).decode


@pytest.mark.parametrize("escape", LONE)
def test_half_of_a_surrogate_pair_is_read_as_pythons_own_parser_reads_it(escape):
    text = b'{"text": "%b", "%b": [1]}' % (escape, escape)
    assert decode_data(text) == json.loads(text)


@pytest.mark.parametrize("escape", LONE)
def test_it_stays_digit_for_digit_in_the_raw_fields_of_a_struct(escape):
    payload = b'{"text": "%b \\ue000 \xee\x80\x81 \\\\ue002"}' % escape
    frame = decode_struct(decode_frame, b'{"topic": "t%b", "data": %b, "items": [1, %b]}' % (escape, payload, payload))
    assert bytes(frame.data) == payload
    assert [bytes(each) for each in frame.items] == [b"1", payload]
    assert frame.topic.encode() and frame.topic.startswith("t")


def test_a_text_that_uses_every_private_character_is_refused_and_not_changed():
    every = "".join(map(chr, range(0xE000, 0xF900))).encode()
    with pytest.raises(msgspec.DecodeError):
        decode_struct(decode_frame, b'{"data": "%b \\ud83d"}' % every)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"1e400", Decimal("1e400")),
        (b"-1e400", Decimal("-1e400")),
        (b"1e99999999999999999999", "1e99999999999999999999"),
        (b"1" * 5000, Decimal("1" * 5000)),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"1e-400", 0.0),
    ],
    ids=repr,
)
def test_a_number_of_any_size_is_read(text, value):
    assert decode_data(text) == value
    assert decode_data(b'{"n": %b}' % text) == {"n": value}


@pytest.mark.parametrize(
    "text", [b"NaN", b"[Infinity]", b"-Infinity", b"01", b'"\t"', b"[1,]", b"{'a': 1}", b"", b'"\xed\xa0\xbd"']
)
def test_what_the_grammar_does_not_allow_is_still_refused(text):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_data(text)


def test_a_struct_of_the_wrong_shape_is_still_one():
    with pytest.raises(msgspec.ValidationError):
        decode_struct(decode_frame, rb'{"topic": 5, "data": "\ud83d"}')


@given(texts())
@example(b'"\\ud83d\\ue000"')
def test_any_text_of_the_grammar_is_read_and_comes_through_a_frame_as_it_is(text):
    decode_data(text)
    frame = decode_struct(decode_frame, b'{"topic": "\\udfff", "data": %b}' % text)
    assert bytes(frame.data) == text


@given(texts())
def test_what_was_read_is_written_so_that_it_is_read_alike(text):
    value = decode_data(text)
    assert decode_data(encode_data(value)) == value
    assert decode_data(encode_data(value, ordered=True)) == value


@given(strategies.json_values())
def test_what_is_no_trouble_is_written_as_ever(value):
    assert encode_data(value) == msgspec.json.encode(value)
