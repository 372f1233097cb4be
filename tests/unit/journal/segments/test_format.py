"""`jackfield._journal.segments.format`: what the format page says, byte for byte."""

import json

import google_crc32c

from jackfield._journal.segments.format import (
    SegmentHeader,
    encode_group,
    encode_segment_header,
    parse_group_header,
    parse_segment_header,
)

JOURNAL = "00ff" * 8


def test_the_checksum_is_crc32c_as_the_rfc_has_it():
    assert google_crc32c.value(b"123456789") == 0xE3069283


def test_a_group_can_be_read_with_nothing_but_a_json_parser_and_the_format_page():
    lines = [b'{"specversion":"1.0","id":"a"}', b'{"specversion":"1.0","id":"\xc3\xa4"}']
    data = encode_group(JOURNAL, 7, 1_000, lines, [990, 1_010])
    head, *rest = data.split(b"\n")
    assert rest == [*lines, b""]
    document = json.loads(head)
    assert document["group"]["first"] == 7
    assert document["group"]["at"] == 1_000
    assert document["group"]["events"] == [
        [30, google_crc32c.value(lines[0]), -10],
        [31, google_crc32c.value(lines[1]), 10],
    ]
    text = head[len(b'{"group":') : head.rindex(b',"crc":')]
    assert document["crc"] == google_crc32c.value(JOURNAL.encode() + text)


def test_headers_are_read_back_and_every_changed_byte_is_noticed():
    segment = SegmentHeader(1, JOURNAL, 7, 7)
    line = encode_segment_header(segment)[:-1]
    assert parse_segment_header(line) == segment
    group = encode_group(JOURNAL, 7, 1_000, [b"{}"], [990]).split(b"\n")[0]
    assert parse_group_header(group, JOURNAL).events == [(2, google_crc32c.value(b"{}"), -10)]
    for whole, parse in ((line, parse_segment_header), (group, lambda each: parse_group_header(each, JOURNAL))):
        for at in range(len(whole)):
            assert parse(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]) is None
            assert parse(whole[:at]) is None


def test_a_group_of_another_journal_is_not_read():
    group = encode_group(JOURNAL, 7, 1_000, [b"{}"], [990]).split(b"\n")[0]
    assert parse_group_header(group, "11" * 16) is None
