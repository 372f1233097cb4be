"""The bytes of a segment file: headers and checksums, encoded and parsed; pure.

The format is described, for readers in any language, in docs/reference/journal-format.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import google_crc32c
import msgspec

__all__ = [
    "GROUP_PREFIX",
    "SEGMENT_PREFIX",
    "VERSION",
    "GroupHeader",
    "SegmentHeader",
    "checksum",
    "encode_group",
    "encode_segment_header",
    "parse_group_header",
    "parse_segment_header",
]

VERSION = 1
SEGMENT_PREFIX, GROUP_PREFIX = b'{"segment":', b'{"group":'
_CRC, _END = b',"crc":', b"}"
MOST_CRC_DIGITS = 10


class SegmentHeader(msgspec.Struct, frozen=True):
    """The first line of a segment file."""

    version: int
    journal: str
    """The id that all segments of one journal share."""
    first: int
    """The position of the first event."""
    after: int
    """The position behind the previous segment's last event; less than `first` where positions were skipped."""


class GroupHeader(msgspec.Struct, frozen=True):
    """The line before the events that were written together."""

    first: int
    """The position of the first event; the others count on from it."""
    at: int
    """When the group was written, microseconds since 1970."""
    events: list[tuple[int, int, int]]
    """For each event: its line's length without the line feed, CRC-32C, and receipt in microseconds since `at`."""


_encode = msgspec.json.Encoder().encode
_decode_group = msgspec.json.Decoder(GroupHeader).decode
_decode_segment = msgspec.json.Decoder(SegmentHeader).decode

checksum = google_crc32c.value


def encode_segment_header(header: SegmentHeader) -> bytes:
    """The first line of a segment file, with its line feed."""
    return _seal(SEGMENT_PREFIX, _encode(header), b"")


def encode_group(journal: str, first: int, at: int, lines: Sequence[bytes], received: Sequence[int]) -> bytes:
    """A group as it is written: its header, then one line for each event.

    No line holds a line feed; `received` are microseconds since 1970.
    """
    events = [(len(line), checksum(line), moment - at) for line, moment in zip(lines, received, strict=True)]
    head = _seal(GROUP_PREFIX, _encode(GroupHeader(first, at, events)), journal.encode())
    return b"\n".join([head[:-1], *lines, b""])


def parse_segment_header(line: bytes) -> SegmentHeader | None:
    """What a segment file's first line says; ``None`` where it is not what was written."""
    text = _unseal(SEGMENT_PREFIX, line, b"")
    try:
        return None if text is None else _decode_segment(text)
    except msgspec.MsgspecError:
        return None


def parse_group_header(line: bytes, journal: str) -> GroupHeader | None:
    """What a group's header says; ``None`` where it is not what was written, or not written by this journal."""
    text = _unseal(GROUP_PREFIX, line, journal.encode())
    try:
        return None if text is None else _decode_group(text)
    except msgspec.MsgspecError:
        return None


def _seal(prefix: bytes, text: bytes, key: bytes) -> bytes:
    return b'%b%b,"crc":%d}\n' % (prefix, text, checksum(key + text))


def _unseal(prefix: bytes, line: bytes, key: bytes) -> bytes | None:
    if not (line.startswith(prefix) and line.endswith(_END)):
        return None
    at = line.rfind(_CRC)
    digits = line[at + len(_CRC) : -1]
    text = line[len(prefix) : at]
    if at < 0 or not digits.isdigit() or len(digits) > MOST_CRC_DIGITS or int(digits) != checksum(key + text):
        return None
    return text
