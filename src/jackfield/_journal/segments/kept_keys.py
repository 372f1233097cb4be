"""The keys of events whose segments retention has deleted: a copy of one that comes late is still known by them.

Each deleted segment leaves ``<first position>.keys``: a line of JSON, and then 16 bytes for each key, oldest first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import attrs
import msgspec

from jackfield._journal.segments.format import checksum, parse_sealed, seal
from jackfield._journal.segments.keys import KEY_BYTES
from jackfield._journal.segments.segment import SUFFIX, Segment, segment_name
from jackfield.errors import JournalError

__all__ = ["KEYS_SUFFIX", "KeptKeys"]

KEYS_SUFFIX = ".keys"
PREFIX = b'{"keys":'
VERSION = 1
FILE_MODE = 0o600
MOST_HEADER_BYTES = 4096


class Header(msgspec.Struct, frozen=True):
    """The first line of such a file."""

    version: int
    journal: str
    count: int
    keys: int
    """The checksum of the keys."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Header).decode


@attrs.define(eq=False)
class KeptKeys:
    """The files of one folder, by the first position of the segment that each is from."""

    journal: str
    _counts: dict[Path, int] = attrs.field(factory=dict)
    """How many keys each has, the oldest first."""

    @classmethod
    def load(cls, folder: Path, journal: str, oldest: int, problem: Callable[[str], object]) -> KeptKeys:
        """Those of segments before the oldest that is there; what is wrong with them goes to `problem`."""
        kept = cls(journal)
        for path in sorted(folder.glob(f"*{KEYS_SUFFIX}")):
            if path.name >= segment_name(oldest).removesuffix(SUFFIX):
                continue  # a crash came before the segment was deleted
            if (header := _header_of(path, journal)) is None:
                problem(f"{path.name}: is not what was written; copies of events that it names may be taken once more")
            else:
                kept._counts[path] = header.count
        return kept

    @property
    def size(self) -> int:
        """How many bytes they have on the disk, about."""
        return sum(self._counts.values()) * KEY_BYTES

    def keep(self, segment: Segment, keys: list[bytes], most: int) -> None:
        """Keep those of a segment that is about to be deleted, and no more than `most` in all, by whole files."""
        path = segment.path.with_name(segment_name(segment.first).removesuffix(SUFFIX) + KEYS_SUFFIX)
        if keys:
            text = b"".join(keys)
            header = seal(PREFIX, _encode(Header(VERSION, self.journal, len(keys), checksum(text))), b"")
            _write(path, header + text)
            self._counts[path] = len(keys)
        newer = 0
        for each in reversed(list(self._counts)):
            if newer >= most:
                with suppress(OSError):  # it is tried again with the next
                    each.unlink(missing_ok=True)
                    del self._counts[each]
            else:
                newer += self._counts[each]

    def newest_first(self) -> Iterator[list[bytes]]:
        """Their keys, a file at a time; those of a file that cannot be read any more are left out."""
        for path in reversed(list(self._counts)):
            try:
                text = path.read_bytes()
            except OSError:
                continue
            keys = text[text.index(b"\n") + 1 :]
            yield [keys[at : at + KEY_BYTES] for at in range(0, len(keys), KEY_BYTES)]


def _header_of(path: Path, journal: str) -> Header | None:
    """The header, where all of the file is what was written."""
    try:
        line, _, keys = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    header = parse_sealed(PREFIX, line, b"", _decode)
    if header is None or (header.version, header.journal) != (VERSION, journal):
        return None
    return header if header.keys == checksum(keys) and len(keys) == header.count * KEY_BYTES else None


def _write(path: Path, data: bytes) -> None:
    """Put a file in its place durably, whole or not at all."""
    new = path.with_name(path.name + ".new")
    try:
        with suppress(FileNotFoundError):
            new.unlink()
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(file, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(file)
        new.rename(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise JournalError(f"{path}: cannot be written: {error.strerror}") from None
