"""The bytes of a journal's files: headers and checksums, encoded and parsed; pure.

The format is described, for readers in any language, in docs/reference/journal-format.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import google_crc32c
import msgspec

__all__ = [
    "GROUP_PREFIX",
    "SEGMENT_PREFIX",
    "VERSION",
    "FolderHeader",
    "GroupHeader",
    "SegmentHeader",
    "WriterState",
    "checksum",
    "encode_folder",
    "encode_group",
    "encode_segment_header",
    "encode_writer",
    "parse_folder",
    "parse_group_header",
    "parse_sealed",
    "parse_segment_header",
    "parse_writer",
    "seal",
]

T = TypeVar("T")

VERSION = 1
SEGMENT_PREFIX, GROUP_PREFIX = b'{"segment":', b'{"group":'
FOLDER_PREFIX, WRITER_PREFIX = b'{"journal":', b'{"writer":'
_CRC, _END = b',"crc":', b"}"
MOST_CRC_DIGITS = 10
WRITER_BYTES = 128  # enough for the largest numbers


class FolderHeader(msgspec.Struct, frozen=True):
    """What ``journal.json`` says: which journal it is, and where it begins."""

    version: int
    id: str
    """Stands in each segment; only segments with this id belong to the journal."""
    first: int
    """The oldest position that retention has kept."""
    skipped: tuple[tuple[int, int], ...] = ()
    """Ranges of positions, each with its end, that were left out on purpose: no event has them."""


class WriterState(msgspec.Struct, frozen=True):
    """What ``writer.json`` says, which is written after each group and never synced."""

    process: int
    next: int
    """Positions below it were confirmed."""
    journal: str
    """The id of the journal."""


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
_decode_folder = msgspec.json.Decoder(FolderHeader).decode
_decode_writer = msgspec.json.Decoder(WriterState).decode

checksum = google_crc32c.value


def encode_segment_header(header: SegmentHeader) -> bytes:
    """The first line of a segment file, with its line feed."""
    return seal(SEGMENT_PREFIX, _encode(header), b"")


def encode_group(journal: str, first: int, at: int, lines: Sequence[bytes], received: Sequence[int]) -> bytes:
    """A group as it is written: its header, then one line for each event.

    No line holds a line feed; `received` are microseconds since 1970.
    """
    events = [(len(line), checksum(line), moment - at) for line, moment in zip(lines, received, strict=True)]
    head = seal(GROUP_PREFIX, _encode(GroupHeader(first, at, events)), journal.encode())
    return b"\n".join([head[:-1], *lines, b""])


def encode_folder(header: FolderHeader) -> bytes:
    """The content of ``journal.json``."""
    return seal(FOLDER_PREFIX, _encode(header), b"")


def encode_writer(state: WriterState) -> bytes:
    """The content of ``writer.json``, always of the same length, so that it is changed in place."""
    return seal(WRITER_PREFIX, _encode(state), b"")[:-1].ljust(WRITER_BYTES - 1) + b"\n"


def parse_folder(text: bytes) -> FolderHeader | None:
    """What ``journal.json`` says; ``None`` where it is not what was written."""
    return parse_sealed(FOLDER_PREFIX, text.rstrip(), b"", _decode_folder)


def parse_writer(text: bytes) -> WriterState | None:
    """What ``writer.json`` says; ``None`` where it is not what was written."""
    return parse_sealed(WRITER_PREFIX, text.rstrip(), b"", _decode_writer)


def parse_segment_header(line: bytes) -> SegmentHeader | None:
    """What a segment file's first line says; ``None`` where it is not what was written."""
    return parse_sealed(SEGMENT_PREFIX, line, b"", _decode_segment)


def parse_group_header(line: bytes, journal: str) -> GroupHeader | None:
    """What a group's header says; ``None`` where it is not what was written, or not written by this journal."""
    return parse_sealed(GROUP_PREFIX, line, journal.encode(), _decode_group)


def parse_sealed(prefix: bytes, line: bytes, key: bytes, decode: Callable[[bytes], T]) -> T | None:
    """What such a line holds; `None` where it is not what was written."""
    text = _unseal(prefix, line, key)
    try:
        return None if text is None else decode(text)
    except msgspec.MsgspecError:
        return None


def seal(prefix: bytes, text: bytes, key: bytes) -> bytes:
    """A line of JSON with its checksum; `key` counts too, and is not in it."""
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
