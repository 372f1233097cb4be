"""The index of a closed segment: where its events stand, their keys, and which of them hold a name with a value.

It is made from the segment, and made again wherever it does not fit it. The first line is JSON; then come the keys,
16 bytes each, and sorted numbers of 8 bytes: the hash of a name with a value, and the place of an event that has it.
"""

from __future__ import annotations

import os
import sys
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path

import attrs
import msgspec

from jackfield._journal.segments.entries import SLICE, Entries
from jackfield._journal.segments.format import checksum, parse_sealed, seal
from jackfield._journal.segments.keys import KEY_BYTES, read_attributes
from jackfield._journal.segments.segment import SUFFIX, Segment, segment_name
from jackfield.errors import JournalError

__all__ = ["INDEX_SUFFIX", "Index", "build_index", "index_path", "load_index"]

INDEX_SUFFIX = ".index"
PREFIX = b'{"index":'
VERSION = 3
FILE_MODE = 0o600


class Header(msgspec.Struct, frozen=True):
    """The first line of an index."""

    version: int
    journal: str
    first: int
    size: int
    """How many bytes of the segment it describes."""
    next: int
    received: tuple[int, int]
    """When the first and the last of its events were received, microseconds since 1970."""
    kinds: dict[str, int]
    """How many events there are of each kind."""
    marks: list[tuple[int, int]]
    """Positions and byte offsets of some groups."""
    order: str
    """The order of bytes in numbers, that of the machine."""
    sections: list[tuple[int, int]]
    """Of keys and numbers: how many bytes, and their CRC-32C."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Header).decode


@attrs.define(eq=False)
class Index:
    """An index that fits its segment."""

    path: Path
    header: Header
    _start: int
    """Where its sections begin."""
    _verified: bool = False

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self._start + sum(length for length, _ in self.header.sections)

    @property
    def key_count(self) -> int:
        """How many keys it holds."""
        return self.header.sections[0][0] // KEY_BYTES

    def keys(self) -> list[bytes]:
        """The keys of the segment's events, in order, without those that have none."""
        with self._open() as (keys, _):
            text = bytes(keys)
        return [text[at : at + KEY_BYTES] for at in range(0, len(text), KEY_BYTES)]

    def find(self, wanted: int) -> list[int]:
        """The positions of events that hold a name and value of that hash."""
        found = []
        with self._open() as (_, section), section.cast("Q") as numbers:
            at = bisect_left(numbers, wanted << 32)
            while at < len(numbers) and numbers[at] >> 32 == wanted:
                found.append(self.header.first + (numbers[at] & 0xFFFFFFFF))
                at += 1
        return found

    def verify(self) -> None:
        """`JournalError` where some of it is not what was written."""
        self._verified = False
        with self._open():
            pass

    @contextmanager
    def _open(self) -> Iterator[list[memoryview]]:
        """The sections, the first time compared with their checksums."""
        try:
            with (
                self.path.open("rb") as file,
                mmap(file.fileno(), 0, access=ACCESS_READ) as content,
                ExitStack() as stack,
            ):
                view = stack.enter_context(memoryview(content))
                start, sections = self._start, []
                for length, crc in self.header.sections:
                    sections.append(stack.enter_context(view[start : start + length]))
                    if len(sections[-1]) != length or (not self._verified and checksum(bytes(sections[-1])) != crc):
                        raise JournalError(f"{self.path.name}: is not what was written")
                    start += length
                self._verified = True
                yield sections
        except (OSError, ValueError) as error:
            raise JournalError(f"{self.path}: cannot be read: {error}") from None


def index_path(segment: Segment) -> Path:
    """Where a segment's index stands."""
    return segment.path.with_name(segment_name(segment.first).removesuffix(SUFFIX) + INDEX_SUFFIX)


def load_index(segment: Segment) -> Index | str:
    """A segment's index, or why there is none."""
    path = index_path(segment)
    try:
        with path.open("rb") as file:
            line = file.readline()
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return f"{path.name}: is missing"
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}") from None
    header = parse_sealed(PREFIX, line[:-1], b"", _decode)
    if header is None or header.version != VERSION or header.order != sys.byteorder:
        return f"{path.name}: is not what was written"
    if size != len(line) + sum(length for length, _ in header.sections):
        return f"{path.name}: is not what was written"
    if (header.journal, header.first, header.size) != (segment.header.journal, segment.first, segment.size):
        return f"{path.name}: does not fit its segment"
    return Index(path, header, len(line))


def build_index(segment: Segment) -> Iterator[None]:
    """Make a segment's index, in slices between which others get a turn."""
    size, upcoming = segment.size, segment.stop
    entries, segment.entries = segment.entries, None
    if entries is None:
        entries = Entries()
        yield from _read(segment, entries)
    else:
        segment.path.stat()  # which raises where it was deleted, as reading it does
    yield from entries.sort()
    sections = entries.sections()
    header = Header(
        VERSION,
        segment.header.journal,
        segment.first,
        size,
        upcoming,
        (entries.oldest, entries.newest),
        dict(entries.kinds),
        segment.marks,
        sys.byteorder,
        [(len(each), checksum(each)) for each in sections],
    )
    _write(index_path(segment), [seal(PREFIX, _encode(header), b""), *sections])


def _read(segment: Segment, entries: Entries) -> Iterator[None]:
    count = 0
    for piece in segment.pieces(segment.first):
        for line in [] if piece.misplaced else piece.lines:
            entries.add_line(line.position - segment.first, line, read_attributes(line.body))
            count += 1
            if count % SLICE == 0:
                yield


def _write(path: Path, parts: list[bytes]) -> None:
    """Put a file in its place, whole or not at all; not synced, since it can be made again."""
    new = path.with_name(path.name + ".new")
    try:
        with suppress(FileNotFoundError):
            new.unlink()
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(file, "wb") as opened:
            opened.writelines(parts)
        new.rename(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise JournalError(f"{path}: cannot be written: {error.strerror}") from None
