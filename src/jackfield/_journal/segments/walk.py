"""Reads the content of a segment, damaged or not, with an account of everything that is not as it was written; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import attrs
import msgspec

from jackfield._journal.segments.format import GROUP_PREFIX, GroupHeader, checksum, parse_group_header

__all__ = ["Line", "Piece", "walk"]

EVENT_PREFIX = b'{"specversion":'


class _Object(msgspec.Struct):
    """Any JSON object, of which nothing is kept."""


_decode_any = msgspec.json.Decoder(_Object).decode


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
    misplaced: bool = False
    """Whether it is an intact group in a place where others are due; its lines may be there elsewhere too."""


@attrs.frozen
class _Span:
    """What is known of the bytes before they are read."""

    data: bytes
    journal: str
    confirmed: int
    """Positions below it were written: none of them is a group that does not count."""
    limit: int | None
    """Where the positions of these bytes end; ``None`` where more may follow."""


def walk(
    data: bytes, offset: int, expected: int, journal: str, *, confirmed: int = 0, limit: int | None = None
) -> Iterator[Piece]:
    """The pieces from an offset to the end; `expected` is the position that should stand there.

    Positions ascend, none comes twice, and those that do not come are counted by some piece's problem, but for
    those at the end: the caller compares `Piece.next` with what it knows.
    """
    span = _Span(data, journal, max(confirmed, limit or 0), limit)
    while offset < len(data):
        header, body = _header_at(data, offset, journal)
        if header is None:
            piece = _without_header(span, offset, expected)
        elif header.first < expected or (limit is not None and header.first >= limit):
            piece = _group(span, offset, body, header)
            problem = f"the group of event {header.first} stands where event {expected} is due"
            piece = attrs.evolve(piece, next=expected, problem=problem, torn=False, misplaced=True)
        else:
            piece = _group(span, offset, body, header)
            if header.first > expected and not piece.torn:
                missing = f"{_range(expected, header.first)} missing"
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


def _group(span: _Span, offset: int, body: int, header: GroupHeader) -> Piece:
    """A group whose header is intact."""
    lines, at, data = [], body, span.data
    for position, (length, crc, delta) in enumerate(header.events, header.first):
        line = data[at : at + length]
        if length < 0 or data[at + length : at + length + 1] != b"\n" or checksum(line) != crc:
            return _damaged_group(span, offset, body, header)
        lines.append(Line(position, header.at + delta, line))
        at += length + 1
    return Piece(offset, at, header.first, header.first + len(lines), lines)


def _damaged_group(span: _Span, offset: int, body: int, header: GroupHeader) -> Piece:
    """A group some of whose lines are changed, cut or gone: those that match a checksum are found by their ends."""
    data = span.data
    end = _next_header(data, body, span.journal)
    stop = header.first + len(header.events)
    rest = data[body:end]
    if end == len(data) and header.first >= span.confirmed and _is_beginning(rest, header):
        return Piece(offset, end, header.first, header.first, [], torn=True)
    left: dict[tuple[int, int], list[bytes]] = {}
    for line in rest.split(b"\n"):
        left.setdefault((len(line), checksum(line)), []).append(line)
    lines: list[Line] = []
    for position, (length, crc, delta) in enumerate(header.events, header.first):
        if same := left.get((length, crc)):
            lines.append(Line(position, header.at + delta, same.pop(0)))
    there = {line.position for line in lines}
    bad = [position for position in range(header.first, stop) if position not in there]
    problem = (
        f"{_events(bad)} not what was written" if bad else f"something stands between events {header.first} and {stop}"
    )
    behind = [line for same in left.values() for line in same if _looks_like_event(line)]
    if bad and behind and (due := _due(span, end, stop) - stop) >= len(behind):
        # The next group's header went together with the end of this one.
        lines += [Line(at, 0, line, verified=False) for at, line in enumerate(behind, stop + due - len(behind))]
        problem += f"; {len(behind)} events behind them are not verified"
        problem += f", {due - len(behind)} are lost" if due > len(behind) else ""
        stop += due
    return Piece(offset, end, header.first, stop, lines, problem)


def _due(span: _Span, end: int, expected: int) -> int:
    """The position that the piece behind a damaged one begins with, as far as that is known."""
    if end < len(span.data):
        following, _ = _header_at(span.data, end, span.journal)
        assert following is not None
        return max(expected, following.first if span.limit is None else min(following.first, span.limit))
    return max(expected, span.confirmed)


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


def _without_header(span: _Span, offset: int, expected: int) -> Piece:
    """What stands where a header should: lines whose positions are known only where their number fits.

    Where there are too few, they get the last of the positions that are missing: what is cut away from a file
    together with a header are the lines behind it.
    """
    data = span.data
    end = _next_header(data, offset + 1, span.journal)
    rest = data[offset:end]
    if end == len(data) and b"\n" not in rest and expected >= span.confirmed and _may_begin_header(rest):
        return Piece(offset, end, expected, expected, [], torn=True)
    found = [line for line in rest.split(b"\n")[:-1] if _looks_like_event(line)]
    stop = _due(span, end, expected)
    if end == len(data) and span.confirmed < expected:  # how many there were is not known
        stop = expected + len(found)
    missing = stop - expected
    found = found if len(found) <= missing else []
    lines = [Line(position, 0, line, verified=False) for position, line in enumerate(found, stop - len(found))]
    what = f"{len(found)} events are not verified" if found else ""
    lost = f"{missing - len(found)} events are lost" if missing > len(found) else ""
    found_out = ", ".join(filter(None, (what, lost))) or "something stands there that is not an event"
    where = f" (behind event {expected - 1})" if expected > 1 else ""
    return Piece(
        offset,
        end,
        expected,
        stop,
        lines,
        f"a group's header at byte {offset}{where} is not what was written: {found_out}",
    )


def _looks_like_event(line: bytes) -> bool:
    """Whether a line is a JSON object that begins as events do."""
    if not line.startswith(EVENT_PREFIX):
        return False
    try:
        _decode_any(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True


def _may_begin_header(rest: bytes) -> bool:
    return rest.startswith(GROUP_PREFIX) or GROUP_PREFIX.startswith(rest)


def _range(first: int, stop: int) -> str:
    return f"event {first} is" if stop - first == 1 else f"events {first} to {stop - 1} are"


def _events(bad: list[int]) -> str:
    return f"event {bad[0]} is" if len(bad) == 1 else f"{len(bad)} events from {bad[0]} to {bad[-1]} are"
