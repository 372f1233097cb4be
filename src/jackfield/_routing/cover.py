"""The smallest of a changing set of topics that brings what all of them bring; pure, and kept up to date.

A topic is *redundant* where another of the set covers it; of two that cover each other the first in text order stays.
Adding or removing a topic visits those that can cover it or be covered by it, and at no others: they are found by
the shape of what the topic says, or by its text where a vendor matches topics by raw prefix.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Protocol

import attrs

from jackfield.addresses import AddressPattern
from jackfield.plugin.provider import Dialect

__all__ = ["Cover", "open_cover"]

Shape = tuple[int, ...]
Key = tuple[str | None, ...]


class Cover(Protocol):
    """A set of topics that knows which of them are needed."""

    minimal: set[str]
    """The topics of the set that no other of it makes redundant."""

    def add(self, topic: str) -> None:
        """Put a topic that is not in the set into it."""
        ...

    def remove(self, topic: str) -> None:
        """Take a topic of the set out of it."""
        ...

    def covering(self, topic: str) -> Iterator[str]:
        """The topics of the set that cover this one, itself included where it is in the set."""
        ...

    def covered(self, topic: str) -> Iterator[str]:
        """The topics of the set that this one covers, itself included where it is in the set."""
        ...


def open_cover(dialect: Dialect, topics: Iterable[str] = ()) -> Cover:
    """The cover of these topics, by the way in which the dialect's topics cover each other."""
    cover: Cover = PrefixCover() if getattr(dialect, "covers_by_prefix", False) else PatternCover(dialect)
    for topic in topics:
        cover.add(topic)
    return cover


@attrs.define(eq=False)
class _Table:
    """The topics that say the same slots."""

    topics: dict[Key, set[str]] = attrs.field(factory=dict)
    """By what all their slots say."""
    projections: dict[Shape, dict[Key, set[str]]] = attrs.field(factory=dict)
    """By what some of their slots say; made for each wider shape that was looked up."""


@attrs.define(eq=False)
class PatternCover:
    """For dialects in which a topic covers another only if what it says covers what the other says."""

    _dialect: Dialect
    minimal: set[str] = attrs.field(factory=set)
    _said: dict[str, AddressPattern] = attrs.field(factory=dict)
    _tables: dict[Shape, _Table] = attrs.field(factory=dict)
    _reason: dict[str, str] = attrs.field(factory=dict)
    """For each redundant topic, one that makes it so."""
    _dependents: dict[str, set[str]] = attrs.field(factory=dict)
    """For each of those reasons, the topics that it makes redundant."""

    def add(self, topic: str) -> None:
        """Look up one topic that makes it redundant, and all that it makes redundant."""
        said = self._said[topic] = self._describe(topic)
        shape = _shape(said)
        table = self._tables.setdefault(shape, _Table())
        table.topics.setdefault(_key(said, shape), set()).add(topic)
        for wider, projection in table.projections.items():
            projection.setdefault(_key(said, wider), set()).add(topic)
        for other in list(self.covered(topic)):
            if other in self.minimal and self._beats(topic, other):
                self._cross_out(other, topic)
        self._settle(topic)

    def remove(self, topic: str) -> None:
        """Look up another reason for each topic that was redundant because of this one."""
        said = self._said.pop(topic)
        shape = _shape(said)
        table = self._tables[shape]
        _discard(table.topics, _key(said, shape), topic)
        for wider, projection in table.projections.items():
            _discard(projection, _key(said, wider), topic)
        if not table.topics:
            del self._tables[shape]
        self.minimal.discard(topic)
        if (reason := self._reason.pop(topic, None)) is not None:
            self._dependents[reason].discard(topic)
        for other in self._dependents.pop(topic, ()):
            del self._reason[other]
            self._settle(other)

    def covering(self, topic: str) -> Iterator[str]:
        """By each shape in which the topics say no more than this one does."""
        said = self._said.get(topic) or self._describe(topic)
        slots = set(_shape(said))
        for shape, table in self._tables.items():
            if slots.issuperset(shape):
                for other in table.topics.get(_key(said, shape), ()):
                    if other == topic or self._dialect.covers(other, topic):
                        yield other

    def covered(self, topic: str) -> Iterator[str]:
        """By each shape in which the topics say at least what this one does."""
        said = self._said.get(topic) or self._describe(topic)
        shape = _shape(said)
        key = _key(said, shape)
        for narrower, table in self._tables.items():
            if set(narrower).issuperset(shape):
                for other in self._projection(narrower, table, shape).get(key, ()):
                    if other == topic or self._dialect.covers(topic, other):
                        yield other

    def _projection(self, narrower: Shape, table: _Table, shape: Shape) -> dict[Key, set[str]]:
        if shape == narrower:
            return table.topics
        if shape not in table.projections:
            made: dict[Key, set[str]] = {}
            for topics in table.topics.values():
                for topic in topics:
                    made.setdefault(_key(self._said[topic], shape), set()).add(topic)
            table.projections[shape] = made
        return table.projections[shape]

    def _describe(self, topic: str) -> AddressPattern:
        return self._dialect.describe(topic)[0]

    def _beats(self, topic: str, other: str) -> bool:
        """Whether a topic that covers another makes it redundant."""
        return other != topic and not (other < topic and self._dialect.covers(other, topic))

    def _settle(self, topic: str) -> None:
        reason = next((other for other in self.covering(topic) if self._beats(other, topic)), None)
        if reason is None:
            self.minimal.add(topic)
        else:
            self._cross_out(topic, reason)

    def _cross_out(self, topic: str, reason: str) -> None:
        self.minimal.discard(topic)
        self._reason[topic] = reason
        self._dependents.setdefault(reason, set()).add(topic)


@attrs.define(eq=False)
class PrefixCover:
    """For dialects in which a topic covers those that its text begins."""

    minimal: set[str] = attrs.field(factory=set)
    _topics: set[str] = attrs.field(factory=set)
    _sorted: list[str] = attrs.field(factory=list)

    def add(self, topic: str) -> None:
        """Whatever it begins is redundant, and it is where another begins it."""
        self._topics.add(topic)
        insort(self._sorted, topic)
        self.minimal.difference_update(other for other in self.covered(topic) if other != topic)
        self._settle(topic)

    def remove(self, topic: str) -> None:
        """What it began may be needed now."""
        self._topics.remove(topic)
        del self._sorted[bisect_left(self._sorted, topic)]
        if topic in self.minimal:
            self.minimal.remove(topic)
            for other in self.covered(topic):
                self._settle(other)

    def covering(self, topic: str) -> Iterator[str]:
        """Each beginning of the text, if it is in the set."""
        for length in range(1, len(topic) + 1):
            if (other := topic[:length]) in self._topics:
                yield other

    def covered(self, topic: str) -> Iterator[str]:
        """They stand together in text order."""
        for number in range(bisect_left(self._sorted, topic), len(self._sorted)):
            if not self._sorted[number].startswith(topic):
                return
            yield self._sorted[number]

    def _settle(self, topic: str) -> None:
        if next(self.covering(topic)) == topic:
            self.minimal.add(topic)


def _shape(said: AddressPattern) -> Shape:
    return tuple(number for number, slot in enumerate(said) if slot is not None)


def _key(said: AddressPattern, shape: Shape) -> Key:
    return tuple(said[number] for number in shape)


def _discard(table: dict[Key, set[str]], key: Key, topic: str) -> None:
    table[key].discard(topic)
    if not table[key]:
        del table[key]
