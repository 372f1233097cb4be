"""Selectors: what a consumer asks for, by kind, by address, or by both.

Text form: ``[kind-pattern] [@ address-pattern]``. An address pattern alone needs no ``@``, since
only it holds a ``/``; ``**`` alone selects everything::

    agent.ready                                   every vendor's agents becoming available
    contact.* @ vinix/account/4b31dd1d/**         one account's queue contacts
    voipbin/customer/abc123/call/*/hangup         by address alone

A kind has two words and an address six segments, so a selector is eight slots, each fixed or
free, and its algebra is that of `AddressPattern`: exact, slot by slot.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Protocol

from jackfield.addresses import ANYWHERE, Address, AddressPattern
from jackfield.errors import AddressError, SelectorError

__all__ = ["ANY_KIND", "EVERYTHING", "KindPattern", "Selectable", "Selector"]

_WORD = re.compile(r"[a-z0-9_]+")


class Selectable(Protocol):
    """What a selector can be held against: an `Event`, or anything with its kind and address."""

    @property
    def kind(self) -> str:
        """The neutral kind."""
        ...

    @property
    def address(self) -> Address:
        """Where it belongs."""
        ...


class KindPattern(NamedTuple):
    """A set of kinds: an entity and a word, each fixed or ``None`` for any."""

    entity: str | None = None
    word: str | None = None

    @classmethod
    def parse(cls, text: str) -> KindPattern:
        """Read ``contact.*``; `SelectorError` points at what is wrong."""
        words = text.split(".")
        if len(words) != 2:
            raise SelectorError("a kind is two words with a dot between, like contact.queued", text, 0)
        start = 0
        for word in words:
            if word != "*" and not _WORD.fullmatch(word):
                problem = "a word of a kind is '*' or lower-case letters, digits and '_'"
                raise SelectorError(problem, text, start)
            start += len(word) + 1
        return cls(*(None if word == "*" else word for word in words))

    def matches(self, kind: str) -> bool:
        """Whether the kind is in the set."""
        entity, _, word = kind.partition(".")
        return self.entity in (None, entity) and self.word in (None, word)

    def covers(self, other: KindPattern) -> bool:
        """Whether every kind of the other set is in this one."""
        return self.entity in (None, other.entity) and self.word in (None, other.word)

    def intersection(self, other: KindPattern) -> KindPattern | None:
        """The pattern of the kinds that are in both sets; ``None`` where there are none."""
        slots: list[str | None] = []
        for mine, theirs in zip(self, other, strict=True):
            if mine is not None and theirs is not None and mine != theirs:
                return None
            slots.append(theirs if mine is None else mine)
        return KindPattern(*slots)

    def __str__(self) -> str:
        return f"{self.entity or '*'}.{self.word or '*'}"


ANY_KIND = KindPattern()
"""Matches every kind."""


class Selector(NamedTuple):
    """A set of events: those whose kind and whose address both match."""

    kind: KindPattern = ANY_KIND
    address: AddressPattern = ANYWHERE

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read the text form; `SelectorError` points at what is wrong."""
        kind_text, at, address_text = text.partition("@")
        if not at and ("/" in text or text.strip() == "**"):
            kind_text, address_text = "", text
        kind, address = ANY_KIND, ANYWHERE
        try:
            if kind_text.strip():
                kind = KindPattern.parse(kind_text.strip())
            if address_text.strip():
                address = AddressPattern.parse(address_text.strip())
            elif at:
                raise SelectorError("an address pattern must follow '@'", text, len(text))
            elif not kind_text.strip():
                raise SelectorError("empty; '**' selects everything", text, 0)
        except SelectorError as error:
            if error.text == text:
                raise
            indent = len(kind_text) - len(kind_text.lstrip())
            raise SelectorError(error.problem, text, indent + error.position) from None
        except AddressError as error:
            start = len(text) - len(address_text.lstrip())
            raise SelectorError(error.problem, text, start + error.position) from None
        return cls(kind, address)

    def matches(self, event: Selectable) -> bool:
        """Whether the event is in the set."""
        return self.address.matches(event.address) and self.kind.matches(event.kind)

    def covers(self, other: Selector) -> bool:
        """Whether every event of the other set is in this one."""
        return self.kind.covers(other.kind) and self.address.covers(other.address)

    def intersection(self, other: Selector) -> Selector | None:
        """The selector of the events that are in both sets; ``None`` where there are none."""
        kind = self.kind.intersection(other.kind)
        address = self.address.intersection(other.address)
        return None if kind is None or address is None else Selector(kind, address)

    def overlaps(self, other: Selector) -> Address | None:
        """The address of some event that is in both sets; ``None`` where there is none."""
        both = self.intersection(other)
        return None if both is None else both.address.witness()

    def __str__(self) -> str:
        if self.kind == ANY_KIND:
            return str(self.address)
        return str(self.kind) if self.address == ANYWHERE else f"{self.kind} @ {self.address}"


EVERYTHING = Selector()
"""Selects every event: ``**``."""
