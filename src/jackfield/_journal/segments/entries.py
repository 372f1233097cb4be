"""What an index says of a segment's events, collected while they are appended, so that nothing is read again for it."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from collections.abc import Iterator, Sequence
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
Named = tuple[str, str, str | None, Parties]
"""Of an event: its kind, its id, its correlation, its parties."""

# So many events or hashes are dealt with before others get a turn.
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


_named = attrgetter("kind", "id", "correlation", "parties")


@attrs.define(eq=False)
class Entries:
    """Of the events of one segment, in their order."""

    keys: bytearray = attrs.field(factory=bytearray)
    kinds: Counter[str] = attrs.field(factory=Counter)
    oldest: int = 0
    """When the first was received, microseconds since 1970."""
    newest: int = 0
    _backlog: int = 0
    """How many events were added and are not hashed yet, about."""
    _turn: Lock = attrs.field(factory=Lock)
    """Groups are hashed in their order, by whichever thread has the time."""
    _groups: deque[tuple[int, list[Named], Sequence[bytes], Sequence[int]]] = attrs.field(factory=deque)
    """What was added and is not hashed yet: each with its first place, the keys, and when its events came."""
    _numbers: array[int] = attrs.field(factory=lambda: array("Q"))
    """Each the hash of a name with a value, in the upper half, and the place of an event that has it."""

    def add(self, place: int, about: About, received: Sequence[int]) -> None:
        """Some events that stand at a place of the segment and behind; they are kept as they are until `digest`.

        Where `digest` falls behind, since feeds are busy, it is done here: what is kept is large, and must not grow.
        """
        events, keys = about
        self._groups.append((place, list(map(_named, events)), keys, received))
        self._backlog += len(events)
        if self._backlog >= BACKLOG:
            self.digest_all()

    def digest_all(self) -> None:
        """Hash what was added, now."""
        for _ in self.digest():
            pass

    def digest(self) -> Iterator[None]:
        """Hash what was added, a little at each step; beside a thread that adds more."""
        while self._groups:
            with self._turn:
                if self._groups:  # another thread may have taken it
                    place, named, keys, received = self._groups.popleft()
                    self._backlog = sum([len(group[1]) for group in list(self._groups)])
                    self._note(min(received), max(received))
                    self.keys += b"".join(keys)
                    for start in range(0, len(named), SLICE):
                        self._digest(place + start, named[start : start + SLICE])
            yield

    def _digest(self, place: int, named: list[Named]) -> None:
        self.kinds.update([kind for kind, *_ in named])
        self._collect("id", [(at, text) for at, (_, text, _, _) in enumerate(named, place)])
        self._collect("correlationid", [(at, text) for at, (_, _, text, _) in enumerate(named, place) if text])
        parties = [(at, each) for at, (*_, each) in enumerate(named, place) if each is not NO_PARTIES]
        self._collect("caller", [(at, text) for at, each in parties if (text := each.caller)])
        self._collect("callee", [(at, text) for at, each in parties if (text := each.callee)])
        self._collect("agentid", [(at, text) for at, each in parties if (text := each.agent_id)])
        self._collect("queueid", [(at, text) for at, each in parties if (text := each.queue_id)])

    def _collect(self, name: str, found: list[tuple[int, str]]) -> None:
        seed = _SEEDS[name]
        try:
            numbers = [extend(seed, text.encode()) << 32 | at for at, text in found]
        except UnicodeEncodeError:
            numbers = [extend(seed, _encoded(text)) << 32 | at for at, text in found]
        self._numbers.extend(numbers)

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
