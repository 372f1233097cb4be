"""Where an event's line goes: a path with placeholders, filled in from the event's own fields.

What a vendor sent names files here, so it is treated as hostile. Each value is percent-encoded into a part of
one name that is never empty and holds no ``/``, no ``@``, no leading dot and nothing but ASCII, so whatever it
says, the number of folders stays that of the template and the file stays inside the template's folder. ``@``
is what the names of rotated files have one more of (see `rotation`), so no event can name one of those either.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from itertools import takewhile
from operator import attrgetter
from string import Formatter
from typing import NamedTuple
from urllib.parse import quote

import attrs

from jackfield.events import Event

__all__ = ["FIELDS", "Template"]

# Of the 255 bytes that a name may have, `rotation` and `compress` append 33 at most.
LONGEST = 220
LONGEST_LITERAL = 150
# Each folder may be LONGEST, and a path must stay below the system's 4,096 bytes.
DEEPEST = 12
# Names that were made before, since most events go where others went; 4,096 of them are a megabyte.
MEMO = 4096

FIELDS: Mapping[str, Callable[[Event], str]] = {
    "correlation": lambda event: event.correlation or "",
    "date": lambda event: event.received.isoformat()[:10],
    "entity": lambda event: event.kind.partition(".")[0],
    "feed": attrgetter("feed"),
    "hour": lambda event: event.received.isoformat()[11:13],
    "kind": attrgetter("kind"),
    "provider": attrgetter("address.provider"),
    "resource": attrgetter("address.resource"),
    "resource_id": attrgetter("address.resource_id"),
    "scope": attrgetter("address.scope"),
    "scope_id": attrgetter("address.scope_id"),
}
"""What a placeholder may name; the time is that of receipt, which no vendor's clock can falsify."""


class _Field(NamedTuple):
    name: str


_Segment = tuple[str | _Field, ...]


@attrs.frozen
class Template:
    """A path with placeholders: a folder without any, and below it the segments that events decide over."""

    folder: str
    """The folder before the first placeholder; no file is ever outside it."""
    suffix: str
    """How every file's name ends, such as ``.jsonl``; may be empty."""
    only: str | None
    """The one file's name where all events go into it; ``None`` where they decide."""
    name: Callable[[Event], str]
    """Where an event goes, as a path relative to `folder`."""

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read what a configuration says; `ValueError` says what is wrong with it."""
        if not text:
            raise ValueError("must name a file")
        segments = _segments(text)
        above = tuple(takewhile(lambda segment: not _fields(segment), segments[:-1]))
        below = segments[len(above) :]
        for segment in below:
            _check(segment, text)
        if len(below) > DEEPEST:
            raise ValueError(f"{text!r} has {len(below)} names from the first placeholder on; {DEEPEST} at most")
        folder = "/".join(map(_literal, above)) or ("/" if above else ".")
        suffix = _suffix(below[-1])
        readers = tuple(FIELDS[field] for segment in below for field in _fields(segment))
        if not readers:
            whole = _literal(below[-1])
            return cls(folder, suffix, whole, lambda _event: whole)
        fill = functools.lru_cache(MEMO)(functools.partial(_fill, below, suffix))
        return cls(folder, suffix, None, lambda event: fill(*[read(event) for read in readers]))


def _segments(text: str) -> list[_Segment]:
    segments: list[list[str | _Field]] = [[]]
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}; a brace that is meant as one is doubled") from None
    for literal, name, spec, conversion in parts:
        first, *others = literal.split("/")
        segments[-1].append(first)
        segments.extend([other] for other in others)
        if name is None:
            continue
        if spec or conversion or name not in FIELDS:
            written = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            known = ", ".join(f"{{{field}}}" for field in FIELDS)
            raise ValueError(f"{text!r} has {{{written}}}, which is not a field; there are {known}")
        segments[-1].append(_Field(name))
    return [tuple(segment) for segment in segments]


def _fields(segment: _Segment) -> list[str]:
    return [piece.name for piece in segment if isinstance(piece, _Field)]


def _literal(segment: _Segment) -> str:
    return "".join(piece for piece in segment if isinstance(piece, str))


def _check(segment: _Segment, text: str) -> None:
    literal = _literal(segment)
    if not _fields(segment) and literal in ("", ".", ".."):
        raise ValueError(f"{text!r} has a name {literal!r}; from the first placeholder on each must be a real one")
    if "\0" in literal:
        raise ValueError(f"{text!r} has a NUL, which no name can hold")
    if len(literal.encode()) > LONGEST_LITERAL:
        raise ValueError(f"{literal!r} is too long for a name; {LONGEST_LITERAL} bytes at most")


def _suffix(segment: _Segment) -> str:
    """From the last dot of what follows the last placeholder; a dot that begins the name begins no suffix."""
    last = segment[-1]
    tail = last if isinstance(last, str) else ""
    dot = tail.rfind(".")
    whole = not _fields(segment)
    return tail[dot:] if dot > 0 or (dot == 0 and not whole) else ""


def _fill(segments: list[_Segment], suffix: str, *values: str) -> str:
    remaining = iter(values)
    names = [
        "".join(piece if isinstance(piece, str) else _encoded(next(remaining)) for piece in segment)
        for segment in segments
    ]
    *folders, file = names
    return "/".join([*map(_fitted, folders), _fitted(file, suffix)])


def _encoded(value: str) -> str:
    """A value as part of a name; no two values are encoded alike."""
    if value in ("", "_"):
        return "%5F" if value else "_"
    text = quote(value, safe="", errors="surrogatepass").replace("~", "%7E")
    return f"%2E{text[1:]}" if text.startswith(".") else text


def _fitted(name: str, suffix: str = "") -> str:
    """A name that is not too long: the end of a longer one gives way to a digest of the whole."""
    encoded = name.encode()
    if len(encoded) <= LONGEST:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:16]
    kept = encoded[: LONGEST - len(suffix.encode()) - 17].decode(errors="ignore")
    return f"{kept}~{digest}{suffix}"
