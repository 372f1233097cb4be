"""The bytes of a journal's files, as the reference page describes them."""

import json
import re
from pathlib import Path

from jackfield._journal.segments.format import (
    WriterState,
    checksum,
    encode_writer,
    parse_folder,
    parse_group_header,
    parse_segment_header,
    parse_writer,
)

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "journal-format.md"


def examples():
    return re.findall(r"^    (\{.*\})$", PAGE.read_text(), re.MULTILINE)


def test_the_examples_of_the_page_have_real_checksums():
    segment, group, one, two, folder, writer = (each.encode() for each in examples())
    header = parse_segment_header(segment)
    assert header is not None
    found = parse_group_header(group, header.journal)
    assert [(length, crc) for length, crc, _ in found.events] == [(len(one), checksum(one)), (len(two), checksum(two))]
    assert parse_group_header(group, "another") is None
    assert (parse_folder(folder).id, parse_writer(writer).next) == (header.journal, found.first + 2)


def test_the_checksum_of_the_page_is_that_of_its_rule():
    """Computed as a reader in another language would, by the words of RFC 3720."""
    segment, group, *_ = examples()
    journal = json.loads(segment)["segment"]["journal"]
    text = group[len('{"group":') : group.rindex(',"crc":')]
    assert crc32c((journal + text).encode()) == json.loads(group)["crc"]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_what_is_changed_in_place_has_one_length_whatever_its_numbers_are():
    """Else the end of a longer one would stay behind a shorter one, and neither could be read."""
    states = [WriterState(process, upcoming, "f" * 32) for process in (1, 2**22) for upcoming in (1, 2**63)]
    assert {len(encode_writer(state)) for state in states} == {128}
    assert [parse_writer(encode_writer(state)) for state in states] == states
