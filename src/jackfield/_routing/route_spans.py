"""What one sink is to get, by the routes that held when an event came, and not by those that hold when it is read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Self

import attrs

from jackfield._routing.index import SelectorIndex
from jackfield.events import Event, Record
from jackfield.selectors import Selector

__all__ = ["RouteSpan", "RouteSpans"]


@attrs.define(eq=False)
class RouteSpan:
    """A route's selectors and the [since, until) range of sequence numbers it applies to."""

    selectors: tuple[Selector, ...]
    since: int
    lasting: bool
    """Whether the next start has it too, because it is in the configuration."""
    until: float = math.inf
    """The first number for which it holds no more."""


@attrs.define(eq=False)
class RouteSpans:
    """The routes to one sink, those included that have ended while events from their time are still to be read."""

    _index: SelectorIndex[RouteSpan] = attrs.field(factory=SelectorIndex)
    _ended: list[RouteSpan] = attrs.field(factory=list)
    _timed: bool = False
    """False while no route was added or removed at run time, which is the fast path."""
    fleeting: bool = False
    """Whether there ever was a route that the next start does not have."""

    @classmethod
    def of(cls, selectors: Iterable[Selector]) -> Self:
        """Whatever any of these selects, always."""
        selection = cls()
        selection.add(tuple(selectors), 0, lasting=True)
        return selection

    def add(self, selectors: tuple[Selector, ...], since: int, *, lasting: bool) -> RouteSpan:
        """Let what these select come here, from that number on."""
        span = RouteSpan(selectors, since, lasting)
        for selector in selectors:
            self._index.add(selector, span)
        self._timed = self._timed or since > 0
        self.fleeting = self.fleeting or not lasting
        return span

    def end(self, span: RouteSpan, until: int, passed: int) -> None:
        """Let it hold for nothing from that number on; everything before `passed` was read already."""
        span.until, self._timed = until, True
        self._ended.append(span)
        for each in [each for each in self._ended if each.until <= passed]:
            self._ended.remove(each)
            for selector in each.selectors:
                self._index.remove(selector, each)

    def choose(self, records: Iterable[Record]) -> list[Record]:
        """Those of the records that go to the sink."""
        if not self._timed:
            match = self._index.match
            return [each for each in records if match(each.event)]
        return [each for each in records if self._spans(*each)]

    def forgets(self, number: int, event: Event) -> bool:
        """Whether it goes to the sink now, and after another start would not."""
        spans = self._spans(number, event)
        return bool(spans) and not any(span.lasting for span in spans)

    def _spans(self, number: int, event: Event) -> list[RouteSpan]:
        return [span for span in self._index.match(event) if span.since <= number < span.until]
