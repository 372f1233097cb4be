"""The consumers of an event, found without walking all selectors.

A selector is eight slots, each fixed or free. Those whose fixed slots are the same ones have one *shape* and
share a table, keyed by what the slots are fixed to; an event asks a table once, however many selectors are
in it. Which tables to ask follows from the most selective slot that each selector fixes: an event's resource id,
say, leads to just the shapes in which some selector fixes that id. So the cost of an event grows with the
shapes that could concern it, and with neither all shapes nor all selectors.

Most events are about a thing that no selector names. What matches these depends on their other slots only, of which a
feed has few combinations: the answer for each of them is kept until a selector is added or removed.
"""

from __future__ import annotations

from collections.abc import Hashable
from operator import itemgetter
from typing import Any, Generic, TypeVar

import attrs

from jackfield.selectors import Selectable, Selector

__all__ = ["SelectorIndex"]

S = TypeVar("S", bound=Hashable)
Slots = tuple[str | None, ...]

# So many answers are kept, each for slots of so many characters at most: a vendor's own words may be of any length.
ANSWERS, LONG = 4000, 500
RESOURCE_ID = 6
# The slots (entity and word of the kind, then the address's six), most telling first.
TELLING = (6, 4, 7, 1, 5, 0, 3, 2)


@attrs.define(eq=False)
class _Shape(Generic[S]):
    """The selectors that fix the same slots."""

    slots: tuple[int, ...]
    key_of: Any
    subscribers: dict[Any, dict[S, int]] = attrs.field(factory=dict)
    """By what the slots are fixed to: the consumers, and how often each."""


@attrs.define
class SelectorIndex(Generic[S]):
    """Subscribers by what they select; a subscriber may add any number of selectors."""

    _shapes: dict[tuple[int, ...], _Shape[S]] = attrs.field(factory=dict)
    _leads: dict[int, dict[str, dict[_Shape[S], int]]] = attrs.field(factory=dict)
    """By slot and text: the shapes in which a selector has this as its most telling, and how many have."""
    _answers: dict[tuple[str, ...], frozenset[S]] = attrs.field(factory=dict, eq=False)
    """By kind and address without the resource's id: the subscribers of events whose resource no selector names."""

    def add(self, selector: Selector, subscriber: S) -> None:
        """Let the subscriber have what the selector matches."""
        self._answers.clear()
        slots = (*selector.kind, *selector.address)
        fixed = tuple(number for number, text in enumerate(slots) if text is not None)
        shape = self._shapes.get(fixed)
        if shape is None:
            shape = self._shapes[fixed] = _Shape(fixed, itemgetter(*fixed) if fixed else _no_key)
        counts = shape.subscribers.setdefault(shape.key_of(slots), {})
        counts[subscriber] = counts.get(subscriber, 0) + 1
        if (lead := _lead(slots)) is not None:
            shapes = self._leads.setdefault(lead[0], {}).setdefault(lead[1], {})
            shapes[shape] = shapes.get(shape, 0) + 1

    def remove(self, selector: Selector, subscriber: S) -> None:
        """Undo one `add` of the same selector; `KeyError` where there was none."""
        self._answers.clear()
        slots = (*selector.kind, *selector.address)
        shape = self._shapes[tuple(number for number, text in enumerate(slots) if text is not None)]
        key = shape.key_of(slots)
        _decrease(shape.subscribers[key], subscriber)
        _prune(shape.subscribers, key)
        if not shape.subscribers:
            del self._shapes[shape.slots]
        if (lead := _lead(slots)) is not None:
            slot, text = lead
            _decrease(self._leads[slot][text], shape)
            _prune(self._leads[slot], text)
            _prune(self._leads, slot)

    def match(self, event: Selectable) -> frozenset[S]:
        """The subscribers that get the event, each once."""
        provider, scope, scope_id, resource, resource_id, word = event.address
        named = self._leads.get(RESOURCE_ID)
        if named is not None and resource_id in named:
            return self._find(event)
        key = (event.kind, provider, scope, scope_id, resource, word)
        found = self._answers.get(key)
        if found is None:
            found = self._find(event)
            if sum(map(len, key)) < LONG:
                if len(self._answers) >= ANSWERS:
                    self._answers.clear()
                self._answers[key] = found
        return found

    def _find(self, event: Selectable) -> frozenset[S]:
        entity, _, word = event.kind.partition(".")
        slots = (entity, word, *event.address)
        found: set[S] = set()
        for slot, texts in self._leads.items():
            if shapes := texts.get(slots[slot]):
                for shape in shapes:
                    if subscribers := shape.subscribers.get(shape.key_of(slots)):
                        found.update(subscribers)
        if everything := self._shapes.get(()):
            found.update(everything.subscribers[()])
        return frozenset(found)


def _lead(slots: Slots) -> tuple[int, str] | None:
    """The most telling slot that is fixed, and its text; ``None`` for the selector of everything."""
    for number in TELLING:
        if (text := slots[number]) is not None:
            return number, text
    return None


def _no_key(_slots: Slots) -> tuple[()]:
    return ()


def _decrease(counts: dict[Any, int], key: Any) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]


def _prune(tables: dict[Any, Any], key: Any) -> None:
    if not tables[key]:
        del tables[key]
