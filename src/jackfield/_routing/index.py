"""The consumers of an event, found without walking all selectors.

A selector is eight slots, each fixed or free. Those whose fixed slots are the same ones have one *shape* and
share a table, keyed by what the slots are fixed to; an event asks a table once, however many selectors are
in it. Which tables to ask follows from the most selective slot that each selector fixes: an event's resource id,
say, leads to just the shapes in which some selector fixes that id. So the cost of an event grows with the
shapes that could concern it, and with neither all shapes nor all selectors.
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

    def add(self, selector: Selector, subscriber: S) -> None:
        """Let the subscriber have what the selector matches."""
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

    def match(self, event: Selectable) -> set[S]:
        """The subscribers that get the event, each once."""
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
        return found


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
