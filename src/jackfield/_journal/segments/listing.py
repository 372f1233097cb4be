"""The segments of a folder: which files belong to the journal, in their order, and what is wrong with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import attrs

from jackfield._journal.segments.format import SEGMENT_PREFIX, VERSION, SegmentHeader
from jackfield._journal.segments.segment import MOST_HEADER_BYTES, SUFFIX, WINDOW_BYTES, Segment, segment_name
from jackfield._journal.segments.walk import walk
from jackfield.errors import JournalError

__all__ = ["Listing", "list_segments"]


@attrs.define
class Listing:
    """What stands in a folder."""

    journal: str
    """The id of the journal; empty where nothing says it."""
    segments: list[Segment]
    """By position."""
    findings: list[str]
    """What is wrong with the files, or with their order."""
    unfinished: list[Path]
    """Files whose first line was being written when the process ended."""


def list_segments(path: Path, ids: list[str]) -> Listing:
    """The segments of the journal that most of these ids name, and the id that most segments have."""
    examined: list[tuple[Path, Segment | None]] = []
    try:
        for name in sorted(each.name for each in path.iterdir() if each.name.endswith(SUFFIX)):
            try:
                examined.append((path / name, Segment.examine(path / name)))
            except FileNotFoundError:  # retention has deleted it
                continue
    except OSError as error:
        raise JournalError(f"{error.filename or path}: cannot be read: {error.strerror}") from None
    intact = [segment for _, segment in examined if segment is not None]
    common = Counter(segment.header.journal for segment in intact).most_common(1)
    votes = Counter([*ids, *(each for each, _ in common)])
    listing = Listing(max(votes, key=lambda each: votes[each], default=""), [], [], [])
    by_first: dict[int, Segment] = {}
    for file, intact_one in examined:
        segment = intact_one or _without_first_line(file, listing)
        if segment is None:
            continue
        if segment.header.journal != listing.journal:
            listing.findings.append(f"{file.name}: is from another journal")
            continue
        if segment.header.version > VERSION:
            raise _newer(path, segment.header.version)
        other = by_first.get(segment.first)
        if other is not None:
            keep, leave = (segment, other) if segment.path.name == segment_name(segment.first) else (other, segment)
            found = f"{leave.path.name}: is left out: {keep.path.name} begins with event {segment.first} too"
            listing.findings.append(found)
            by_first[segment.first] = keep
            continue
        if file.name != segment_name(segment.first):
            found = f"{file.name}: holds the segment that begins with event {segment.first}"
            listing.findings.append(found)
        by_first[segment.first] = segment
    listing.segments = [by_first[first] for first in sorted(by_first)]
    listing.findings += _connect(listing.segments)
    return listing


def _newer(path: Path, version: int) -> JournalError:
    return JournalError(
        f"{path}: was written by a newer Jackfield: its form is version {version}, this one knows up to "
        f"{VERSION}. Nothing in it was changed; use the newer one, or name another folder"
    )


def _without_first_line(file: Path, listing: Listing) -> Segment | None:
    """A segment whose first line is damaged, if any of its groups is this journal's; its name says where it begins."""
    with file.open("rb") as opened:
        data = opened.read(WINDOW_BYTES)
        size = opened.seek(0, 2)
    if size < MOST_HEADER_BYTES and b"\n" not in data and (SEGMENT_PREFIX.startswith(data[:11]) or not data):
        listing.unfinished.append(file)
        return None
    found = next(
        (piece for piece in walk(data, 0, 0, listing.journal) if piece.lines and piece.lines[0].verified), None
    )
    if found is None:
        listing.findings.append(
            f"{file.name}: its first line is not that of a segment, and none of its groups is known"
        )
        return None
    if (begun := Segment.examine(file)) is not None:  # a gateway was just writing it
        return begun
    name = file.name.removesuffix(SUFFIX)
    first = int(name) if name.isascii() and name.isdigit() and int(name) <= found.first else found.first
    listing.findings.append(f"{file.name}: its first line is not what was written")
    return Segment(file, SegmentHeader(VERSION, listing.journal, first, first), size, marks=[(first, 0)])


def _connect(segments: list[Segment]) -> Iterator[str]:
    """Let each segment know where the next one begins."""
    for segment, following in pairwise(segments):
        segment.limit = segment.confirmed = min(following.header.after, following.first)
        if segment.limit < segment.first:
            yield f"{following.path.name}: says that event {segment.limit} was the next, behind event {segment.first}"
            segment.limit = segment.confirmed = following.first
