"""Reads the content of a segment, damaged or not, with an account of everything that is not as it was written; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import attrs

from jackfield._journal.segments.format import (
    GROUP_PREFIX,
    SEGMENT_PREFIX,
    GroupHeader,
    checksum,
    parse_group_header,
)

__all__ = ["Line", "Piece", "walk"]


class Line(NamedTuple):
    """An event that is there."""

    position: int
    received: int
    """Microseconds since 1970; 0 where its group's header cannot be read."""
    body: bytes
    verified: bool = True
    """Whether it matches its checksum; unverified are lines whose group header cannot be read."""


@attrs.frozen
class Piece:
    """A part of a segment: a group, or what stands where one should."""

    offset: int
    end: int
    """Where the next piece begins."""
    first: int
    next: int
    """The position that the next piece should begin with."""
    lines: list[Line]
    problem: str = ""
    """What is wrong with it; empty where everything is as it was written."""
    torn: bool = False
    """Whether it is the beginning of a group whose writing was interrupted, which was never confirmed."""


def walk(data: bytes, offset: int, expected: int, journal: str) -> Iterator[Piece]:
    """The pieces from an offset to the end; `expected` is the position that should stand there.

    Positions ascend, none comes twice, and those that do not come are counted by some piece's problem.
    """
    while offset < len(data):
        header, body = _header_at(data, offset, journal)
        if header is None:
            piece = _without_header(data, offset, expected, journal)
        elif header.first < expected:
            end = _next_header(data, body, journal)
            piece = Piece(offset, end, expected, expected, [], f"the group of event {header.first} stands there twice")
        else:
            piece = _group(data, offset, body, header, journal)
            if header.first > expected and not piece.torn:
                missing = f"events {expected} to {header.first - 1} are missing"
                piece = attrs.evolve(piece, problem="; ".join(filter(None, (missing, piece.problem))))
        yield piece
        offset, expected = piece.end, piece.next


def _header_at(data: bytes, offset: int, journal: str) -> tuple[GroupHeader | None, int]:
    """The header that begins there, and where its line ends."""
    stop = data.find(b"\n", offset)
    if stop < 0:
        return None, len(data)
    return parse_group_header(data[offset:stop], journal), stop + 1


def _next_header(data: bytes, offset: int, journal: str) -> int:
    """Where the next intact header begins, at the start of a line; the end where there is none."""
    at = offset - 1
    while (at := data.find(b"\n" + GROUP_PREFIX, at)) >= 0:
        if _header_at(data, at + 1, journal)[0] is not None:
            return at + 1
        at += 1
    return len(data)


def _group(data: bytes, offset: int, body: int, header: GroupHeader, journal: str) -> Piece:
    """A group whose header is intact."""
    lines, at = [], body
    for position, (length, crc, delta) in enumerate(header.events, header.first):
        line = data[at : at + length]
        if length < 0 or data[at + length : at + length + 1] != b"\n" or checksum(line) != crc:
            return _damaged_group(data, offset, body, header, journal)
        lines.append(Line(position, header.at + delta, line))
        at += length + 1
    return Piece(offset, at, header.first, header.first + len(lines), lines)


def _damaged_group(data: bytes, offset: int, body: int, header: GroupHeader, journal: str) -> Piece:
    """A group some of whose lines are changed, cut or gone: those that match a checksum are found by their ends."""
    end = _next_header(data, body, journal)
    stop = header.first + len(header.events)
    rest = data[body:end]
    if end == len(data) and _is_beginning(rest, header):
        return Piece(offset, end, header.first, header.first, [], torn=True)
    *found, _ = [*rest.split(b"\n"), b""]
    lines: list[Line] = []
    start = 0
    for position, (length, crc, delta) in enumerate(header.events, header.first):
        for number in range(start, len(found)):
            if len(found[number]) == length and checksum(found[number]) == crc:
                lines.append(Line(position, header.at + delta, found[number]))
                start = number + 1
                break
    there = {line.position for line in lines}
    bad = [position for position in range(header.first, stop) if position not in there]
    problem = (
        f"{_events(bad)} not what was written" if bad else f"something stands between events {header.first} and {stop}"
    )
    return Piece(offset, end, header.first, stop, lines, problem)


def _is_beginning(rest: bytes, header: GroupHeader) -> bool:
    """Whether those bytes begin the group's lines and are only cut short."""
    at = 0
    for length, crc, _ in header.events:
        if len(rest) <= at + length:
            return b"\n" not in rest[at:]
        if rest[at + length : at + length + 1] != b"\n" or checksum(rest[at : at + length]) != crc:
            return False
        at += length + 1
    return False


def _without_header(data: bytes, offset: int, expected: int, journal: str) -> Piece:
    """What stands where a header should: lines whose positions are known only where their number fits."""
    end = _next_header(data, offset + 1, journal)
    rest = data[offset:end]
    if end == len(data) and b"\n" not in rest and _may_begin_header(rest):
        return Piece(offset, end, expected, expected, [], torn=True)
    found = [line for line in rest.split(b"\n")[1:-1] if not line.startswith((GROUP_PREFIX, SEGMENT_PREFIX))]
    if end == len(data):
        lines = [Line(position, 0, line, verified=False) for position, line in enumerate(found, expected)]
        stop = expected + len(found)
        return Piece(offset, end, expected, stop, lines, f"a group's header at byte {offset} is not what was written")
    following, _ = _header_at(data, end, journal)
    assert following is not None
    stop = max(expected, following.first)
    fits = len(found) == stop - expected
    lines = [Line(position, 0, line, verified=False) for position, line in enumerate(found, expected)] if fits else []
    what = "not verified" if fits else "lost"
    problem = f"a group's header at byte {offset} is not what was written: {stop - expected} events are {what}"
    return Piece(offset, end, expected, stop, lines, problem)


def _may_begin_header(rest: bytes) -> bool:
    return rest.startswith(GROUP_PREFIX) or GROUP_PREFIX.startswith(rest)


def _events(bad: list[int]) -> str:
    return f"event {bad[0]} is" if len(bad) == 1 else f"{len(bad)} events from {bad[0]} to {bad[-1]} are"
