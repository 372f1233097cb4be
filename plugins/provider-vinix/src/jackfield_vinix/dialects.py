"""Selectors into bindings and routing keys into addresses: qubicle's as documented, the other families' as KAZOO's."""

from __future__ import annotations

import attrs

from jackfield.addresses import Address, AddressPattern
from jackfield.errors import NoTopicError
from jackfield.selectors import Selector
from jackfield_vinix.families import (
    OTHER_FAMILIES,
    Family,
    by_resource,
    family_of_binding,
    family_of_key,
)
from jackfield_vinix.kinds import FAMILIES, kinds_at
from jackfield_vinix.topics import (
    APPLICATION,
    PROVIDER,
    covers_binding,
    decode_word,
    encode_word,
    matches_binding,
    word_in,
)

__all__ = ["DocumentedDialect"]

WILDCARDS = ("*", "#")


@attrs.frozen
class DocumentedDialect:
    """Bindings as the documentation has them, for one account's feed, and those of other families that it may use."""

    account_id: str
    families: tuple[str, ...] = ()
    """Of the gateway's other families, those that the feed may subscribe to, by their names."""

    @property
    def _others(self) -> list[Family]:
        return [OTHER_FAMILIES[name] for name in self.families]

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        """One binding for each family, narrowed to one thing of it where the selector is.

        An id that is just ``*`` or ``#`` cannot be bound by itself: its family is, and the rest filtered.
        """
        kind, address = selector
        if address.scope not in (None, "account") or address.scope_id not in (None, self.account_id):
            return ()
        if address.resource not in (None, *self._resources):
            raise NoTopicError(self._no_family(address.resource))
        narrow = address.resource_id
        last = "*" if narrow is None or narrow in WILDCARDS else encode_word(narrow)
        narrowed = {family: f"{APPLICATION}.{family}.{self.account_id}.{last}" for family in FAMILIES}
        # Those of the others are not narrowed, for how is each family's own affair; what is too much is filtered.
        topics = narrowed | {other.resource: other.topic for other in self._others}
        families = topics if address.resource is None else (address.resource,)
        return tuple(
            topics[family] for family in families if any(kind.matches(each) for each in kinds_at(family, address.event))
        )

    @property
    def _resources(self) -> tuple[str, ...]:
        return (*FAMILIES, *(other.resource for other in self._others))

    def _no_family(self, resource: str | None) -> str:
        known = ", ".join(self._resources)
        if (other := by_resource(resource or "")) is not None and other.name not in self.families:
            return f'the feed does not subscribe to {resource!r}: add "{other.name}" to its option families'
        return f"Vinix has no binding family {resource!r} (there are {known})"

    def pattern_of(self, topic: str) -> AddressPattern:
        """What the binding's words say; of a last ``*``, all that follows."""
        if (other := family_of_binding(topic)) is not None and topic == other.topic:
            return AddressPattern(PROVIDER, "account", self.account_id, other.resource)
        application, family, *words = (*topic.split("."), "")
        if application != APPLICATION or family not in FAMILIES or not all(words[:-1]):
            families = ", ".join(FAMILIES)
            raise ValueError(f"{topic!r} is not a binding qubicle.<family>.<account>… with a family of {families}")
        # A hash stands for any number of words, so that those behind it have no place of their own.
        placed = words[: words.index("#")] if "#" in words else words[:-1]
        account_id, resource_id, event, *_ = (*map(_slot, placed), None, None, None)
        return AddressPattern(PROVIDER, "account", account_id or self.account_id, family, resource_id, event)

    def covers(self, topic: str, other: str) -> bool:
        """Word by word."""
        return covers_binding(topic, self.account_id, other)

    def matches(self, topic: str, published: str) -> bool:
        """The documented matcher, for this account; another family's topic brings all of that family."""
        if (other := family_of_binding(topic)) is not None and topic == other.topic:
            slots = other.slots([decode_word(word) for word in published.split(".")])
            return slots is not None and slots["account"] == self.account_id
        return matches_binding(topic, self.account_id, published)

    def describe(self, topic: str) -> tuple[AddressPattern, str]:
        """What it brings, and nothing beyond that."""
        return self.pattern_of(topic), ""

    def address_of(self, topic: str, event: str) -> Address:
        """The address of an event with this routing key, and with this bare word or whole binding as its name.

        `ValueError` where the key is none of qubicle's. KAZOO 4 leaves the word out of the key.
        """
        application, *words = topic.split(".")
        if application != APPLICATION and (other := family_of_key(topic)) is not None:
            slots = other.slots([decode_word(each) for each in (application, *words)]) or {}
            account_id = slots["account"]
            word = event or slots.get("event", "")
            return Address.of(PROVIDER, "account", account_id, other.resource, slots["id"], word)
        if application != APPLICATION or len(words) < 3 or not all(words):
            raise ValueError(f"{topic!r} is not a key of the form qubicle.<family>.<account>.<id>.<event>")
        family, account_id, resource_id = map(decode_word, words[:3])
        word = word_in(event) if event.startswith(f"{APPLICATION}.") else event
        return Address.of(PROVIDER, "account", account_id, family, resource_id, word or word_in(topic))

    def native_of(self, address: Address) -> tuple[str, str]:
        """The whole binding, which the documentation uses for both."""
        if address.scope == "account" and (other := by_resource(address.resource)) is not None:
            slots = {"{account}": address.scope_id, "{id}": address.resource_id, "{event}": address.event}
            if "*" not in other.key and other.name in self.families:  # else there is more in a key than an address says
                return ".".join(encode_word(slots.get(each, each)) for each in other.key), address.event
        if address.scope != "account" or address.resource not in FAMILIES:
            known = ", ".join(FAMILIES)
            raise NoTopicError(f"Vinix has no events at {address} (scope account; resources {known})")
        words = (address.resource, address.scope_id, address.resource_id, address.event)
        key = ".".join((APPLICATION, *map(encode_word, words)))
        return key, key

    def kinds_of(self, pattern: AddressPattern) -> frozenset[str]:
        """By the table of events."""
        families = self._resources if pattern.resource is None else (pattern.resource,)
        return frozenset().union(*(kinds_at(family, pattern.event) for family in families))


def _slot(word: str) -> str | None:
    return None if word in WILDCARDS else decode_word(word)
