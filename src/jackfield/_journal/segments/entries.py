"""What an index says of a segment's events, collected while they are appended, so that nothing is read again for it."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress, count, repeat
from operator import attrgetter
from threading import Lock

import attrs
from google_crc32c import extend

from jackfield._journal.segments.format import checksum
from jackfield._journal.segments.keys import INDEXED, Attributes
from jackfield._journal.segments.walk import Line
from jackfield.events import NO_PARTIES, Event, Parties
from jackfield.events.json_text import without_surrogates

__all__ = ["NOTHING", "About", "Entries", "pair_hash"]

About = tuple[Sequence[Event], Sequence[bytes]]
"""Events that are appended, and their keys."""
NOTHING: About = ((), ())
Named = tuple[int, str, str, str | None, Parties, bytes]
"""Of an event: its place in the segment, its kind, its id, its correlation, its parties, its key."""

# So many events or numbers are dealt with before others get a turn.
SLICE = 200
# So many events of a segment may wait to be hashed, each with the texts and parties that it has in memory.
BACKLOG = 4000
BUCKETS = 256

# What the checksum of a name with a value begins with.
_SEEDS: dict[str, int] = {name: checksum(f"{name}\0".encode()) for name in INDEXED}


def pair_hash(name: str, value: str) -> int:
    """32 bits of a name with a value, to find candidates by: whether they hold it is seen when they are read."""
    return int(extend(_SEEDS[name], _encoded(value)))


def _encoded(value: str) -> bytes:
    """As an event's line has it: without halves of surrogate pairs."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return without_surrogates(value).encode()


_OF_PARTIES = {
    "caller": attrgetter("caller"),
    "callee": attrgetter("callee"),
    "agentid": attrgetter("agent_id"),
    "queueid": attrgetter("queue_id"),
}
# Where the upper half of a number of 64 bits stands, in numbers of 32.
_UPPER = 1 if sys.byteorder == "little" else 0


@attrs.define(eq=False)
class Entries:
    """Of the events of one segment, in their order."""

    keys: bytearray = attrs.field(factory=bytearray)
    kinds: Counter[str] = attrs.field(factory=Counter)
    oldest: int = 0
    """When the first was received, microseconds since 1970."""
    newest: int = 0
    _turn: Lock = attrs.field(factory=Lock)
    """Events are hashed in their order, by whichever thread has the time."""
    _waiting: list[Named] = attrs.field(factory=list)
    """What was added and is not hashed yet."""
    _numbers: array[int] = attrs.field(factory=lambda: array("Q"))
    """Each the hash of a name with a value, in the upper half, and the place of an event that has it."""

    def add(self, place: int, about: About, received: Sequence[int]) -> None:
        """Some events that stand at a place of the segment and behind; they are kept as they are until `digest`.

        Where `digest` falls behind, since feeds are busy, it is done here: what is kept is large, and must not grow.
        """
        events, keys = about
        self._note(min(received), max(received))
        self._waiting += [
            (at, event.kind, event.id, event.correlation, event.parties, key)
            for at, event, key in zip(count(place), events, keys, strict=False)
        ]
        if len(self._waiting) >= BACKLOG:
            self.digest_all()

    def digest_all(self) -> None:
        """Hash what was added, now."""
        for _ in self.digest():
            pass

    def digest(self) -> Iterator[None]:
        """Hash what was added, a little at each step; beside a thread that adds more."""
        while self._waiting:
            with self._turn:
                if some := self._waiting[:SLICE]:  # another thread may have taken it
                    del self._waiting[: len(some)]
                    self._digest(some)
            yield

    def _digest(self, some: list[Named]) -> None:
        places, kinds, ids, correlations, parties, keys = zip(*some, strict=True)
        self.keys += b"".join(keys)
        self.kinds.update(kinds)
        self._collect("id", places, ids)
        self._collect("correlationid", places, correlations)
        if parties.count(NO_PARTIES) < len(parties):
            for name, of_parties in _OF_PARTIES.items():
                self._collect(name, places, list(map(of_parties, parties)))

    def _collect(self, name: str, places: Sequence[int], texts: Sequence[str | None]) -> None:
        """Note who has which value; without a loop of Python's over them, for each event passes here six times."""
        if not all(texts):
            if not any(texts):
                return
            places = list(compress(places, texts))
        present = list(filter(None, texts))
        try:
            hashes = array("I", map(extend, repeat(_SEEDS[name]), map(str.encode, present)))
        except UnicodeEncodeError:
            hashes = array("I", [pair_hash(name, text) for text in present])
        halves = array("I", bytes(8 * len(hashes)))
        halves[_UPPER::2], halves[1 - _UPPER :: 2] = hashes, array("I", places)
        self._numbers.frombytes(halves.tobytes())

    def add_line(self, place: int, line: Line, attributes: Attributes) -> None:
        """An event that was read from the segment."""
        self._note(line.received, line.received)
        self.keys += attributes.key()
        self.kinds[attributes.type] += 1
        for name in INDEXED:
            if value := getattr(attributes, name):
                self._numbers.append(pair_hash(name, value) << 32 | place)

    def _note(self, oldest: int, newest: int) -> None:
        self.oldest = oldest if oldest < self.oldest or not self.oldest else self.oldest
        self.newest = max(self.newest, newest)

    def sort(self) -> Iterator[None]:
        """Hash the rest, and sort everything, in slices between which others get a turn."""
        yield from self.digest()
        buckets: list[list[int]] = [[] for _ in range(BUCKETS)]
        for start in range(0, len(self._numbers), SLICE):
            for number in self._numbers[start : start + SLICE]:
                buckets[number >> 56].append(number)
            yield
        del self._numbers[:]
        for bucket in buckets:
            bucket.sort()
            self._numbers.extend(bucket)
            yield

    def sections(self) -> list[bytes]:
        """The keys and the sorted numbers, as an index holds them."""
        return [bytes(self.keys), self._numbers.tobytes()]
