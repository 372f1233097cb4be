"""Addresses of events, patterns of addresses, and their algebra.

An address has exactly six segments, ``provider/scope/scope_id/resource/resource_id/event``, so a
pattern is six slots that are each fixed or free, and every question about patterns is answered
slot by slot. That is the whole theory: no operation here searches or approximates.

Both are tuples: an event gets one address, made on the hot path, and the selector index hashes
slices of it.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from jackfield.errors import AddressError

__all__ = ["ANYWHERE", "Address", "AddressPattern", "Source", "escape_segment"]

SEGMENTS = 6

# What would be mistaken for syntax (``/ * % @``) or would break a line of a log or of a
# configuration: control characters and white space.
_UNSAFE = re.compile(r"[/*%@\x00-\x1f\x7f-\x9f\s]")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def escape_segment(segment: str) -> str:
    """One segment as text: percent-encoded where it holds syntax, control characters or space."""
    if _UNSAFE.search(segment) is None:
        return segment
    return _UNSAFE.sub(lambda match: quote(match[0], safe=""), segment)


def _unescape(segment: str, text: str, start: int) -> str:
    if "%" not in segment:
        return segment
    if bad := _ESCAPE.search(segment):
        raise AddressError("'%' needs two hexadecimal digits (a literal one is %25)", text, start + bad.start())
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise AddressError("the percent-encoded bytes are not UTF-8", text, start) from None


def _segments(text: str) -> list[tuple[int, str]]:
    """The text's segments, still encoded, each with its position; none is empty."""
    found = []
    start = 0
    for segment in text.split("/"):
        if not segment:
            raise AddressError("empty segment", text, start)
        if unsafe := re.search(r"[@\x00-\x1f\x7f-\x9f\s]", segment):
            where = start + unsafe.start()
            raise AddressError(f"{unsafe[0]!r} must be written {quote(unsafe[0], safe='')}", text, where)
        found.append((start, segment))
        start += len(segment) + 1
    return found


class Source(NamedTuple):
    """Whose events: the first three segments of an address, CloudEvents' ``source``."""

    provider: str
    scope: str
    scope_id: str

    def __str__(self) -> str:
        return "/".join(map(escape_segment, self))


class Address(NamedTuple):
    """Where an event belongs, in every vendor's terms.

    ``voipbin/customer/abc123/call/xyz789/status`` is VoIPBIN's topic
    ``customer_id:abc123:call:xyz789`` with the event ``call.status``. Segments hold any characters
    but are never empty; build one from outside data with `of`, which checks that.
    """

    provider: str
    scope: str
    scope_id: str
    resource: str
    resource_id: str
    event: str

    @classmethod
    def of(cls, *segments: str) -> Address:
        """The address of these six segments; `AddressError` where one is missing or empty."""
        if len(segments) != SEGMENTS or not all(segments):
            shown = "/".join(map(escape_segment, segments))
            raise AddressError(f"an address has {SEGMENTS} segments, none of them empty", shown, 0)
        return cls(*segments)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read the text form; `AddressError` points at what is wrong."""
        segments = _segments(text)
        for start, segment in segments:
            if "*" in segment:
                where = start + segment.index("*")
                raise AddressError("an address holds no wildcard (a literal '*' is %2A)", text, where)
        if len(segments) != SEGMENTS:
            raise AddressError(f"{len(segments)} segments where an address has {SEGMENTS}", text, len(text))
        return cls(*(_unescape(segment, text, start) for start, segment in segments))

    @property
    def source(self) -> Source:
        """The provider, the scope and its id."""
        return Source(*self[:3])

    def __str__(self) -> str:
        return "/".join(map(escape_segment, self))


class AddressPattern(NamedTuple):
    """A set of addresses: six slots, each a fixed segment or ``None`` for any.

    In text ``*`` is any one segment, and a last ``**`` all segments that remain, none included.
    """

    provider: str | None = None
    scope: str | None = None
    scope_id: str | None = None
    resource: str | None = None
    resource_id: str | None = None
    event: str | None = None

    @classmethod
    def parse(cls, text: str) -> AddressPattern:
        """Read the text form; `AddressError` points at what is wrong."""
        segments = _segments(text)
        slots: list[str | None] = []
        for start, segment in segments:
            if segment == "**":
                if (start, segment) != segments[-1]:
                    raise AddressError("'**' can only come last", text, start)
                if len(slots) <= SEGMENTS:
                    slots += [None] * (SEGMENTS - len(slots))
            elif segment == "*":
                slots.append(None)
            elif "*" in segment:
                where = start + segment.index("*")
                raise AddressError("'*' stands for a whole segment (a literal one is %2A)", text, where)
            else:
                slots.append(_unescape(segment, text, start))
        if len(slots) < SEGMENTS:
            problem = f"{len(slots)} segments where an address has {SEGMENTS}; '/**' at the end matches the rest"
            raise AddressError(problem, text, len(text))
        if len(slots) > SEGMENTS:
            raise AddressError(f"{len(slots)} segments where an address has {SEGMENTS}", text, segments[SEGMENTS][0])
        return cls(*slots)

    @classmethod
    def exactly(cls, address: Address) -> AddressPattern:
        """The pattern that matches this one address."""
        return cls(*address)

    def matches(self, address: Address) -> bool:
        """Whether the address is in the set."""
        return all(slot is None or slot == segment for slot, segment in zip(self, address, strict=True))

    def covers(self, other: AddressPattern) -> bool:
        """Whether every address of the other set is in this one."""
        return all(slot is None or slot == theirs for slot, theirs in zip(self, other, strict=True))

    def intersection(self, other: AddressPattern) -> AddressPattern | None:
        """The pattern of the addresses that are in both sets; ``None`` where there are none."""
        slots: list[str | None] = []
        for mine, theirs in zip(self, other, strict=True):
            if mine is not None and theirs is not None and mine != theirs:
                return None
            slots.append(theirs if mine is None else mine)
        return AddressPattern(*slots)

    def overlaps(self, other: AddressPattern) -> Address | None:
        """An address that is in both sets; ``None`` where there is none."""
        both = self.intersection(other)
        return None if both is None else both.witness()

    def witness(self) -> Address:
        """Some address of the set."""
        return Address(*("any" if slot is None else slot for slot in self))

    def __str__(self) -> str:
        fixed = max((number for number, slot in enumerate(self, 1) if slot is not None), default=0)
        # Canonical: free slots at the end are '**', but a single one says '*', which is as short and says more.
        shown = SEGMENTS if fixed >= SEGMENTS - 1 else fixed
        texts = ["*" if slot is None else escape_segment(slot) for slot in self[:shown]]
        return "/".join(texts if shown == SEGMENTS else [*texts, "**"])


ANYWHERE = AddressPattern()
"""Matches every address: ``**``."""
