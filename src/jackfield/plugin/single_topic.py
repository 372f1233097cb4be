"""A vendor that has one stream of everything: a broker's queue, a long poll, webhooks, some websockets.

Its dialect has one topic, under which an event is published by its resource and id, such as ``call:17``, and its word.
Its protocol has nothing to say, but for an acknowledgement: it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

import attrs

from jackfield.addresses import Address, AddressPattern, Source
from jackfield.errors import NoTopicError
from jackfield.plugin.protocol import Action, Subscribed
from jackfield.selectors import Selector

__all__ = ["ReadOnly", "SingleTopic"]


@attrs.frozen
class SingleTopic:
    """A `Dialect` with one topic, of whose events the host filters what was selected."""

    source: Source
    """Whose events come."""
    kinds: Callable[[AddressPattern], frozenset[str]]
    """The kinds that events at such addresses can have; where the resources are open, as far as they are known."""
    topic: str = "everything"
    """What the topic is called."""
    resources: Collection[str] | None = None
    """The resources that the vendor has events of; ``None`` where that is open."""

    @property
    def everything(self) -> AddressPattern:
        """Whatever the topic brings."""
        return AddressPattern(*self.source)

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        """The topic, where it can bring anything that is selected."""
        mine = self.everything.intersection(selector.address)
        if mine is None or not self._has(mine.resource):
            return ()
        has = self.resources is None or any(map(selector.kind.matches, self.kinds_of(mine)))
        return (self.topic,) if has else ()

    def pattern_of(self, topic: str) -> AddressPattern:
        """Everything of the source; `ValueError` for any other topic."""
        if topic != self.topic:
            raise ValueError(f"{topic!r} is not a topic here; the only one is {self.topic!r}")
        return self.everything

    def covers(self, topic: str, other: str) -> bool:
        """Whether both are the topic."""
        return topic == other == self.topic

    def matches(self, topic: str, published: str) -> bool:
        """Whether it is the topic, which brings all that is published."""
        return topic == self.topic

    def describe(self, topic: str) -> tuple[AddressPattern, str]:
        """Everything of the source."""
        return self.pattern_of(topic), ""

    def address_of(self, topic: str, event: str) -> Address:
        """The address of what is published as ``resource:id``; `ValueError` where a part is empty."""
        resource, _, identity = topic.partition(":")
        return Address.of(*self.source, resource, identity, event)

    def native_of(self, address: Address) -> tuple[str, str]:
        """``resource:id`` and the word."""
        if address.source != self.source or ":" in address.resource or not self._has(address.resource):
            raise NoTopicError(f"{'/'.join(self.source)} has no events at {address}")
        return f"{address.resource}:{address.resource_id}", address.event

    def kinds_of(self, pattern: AddressPattern) -> frozenset[str]:
        """As `kinds` says."""
        return self.kinds(pattern)

    def _has(self, resource: str | None) -> bool:
        return resource is None or self.resources is None or resource in self.resources


@attrs.frozen
class ReadOnly:
    """A `FeedProtocol` that only reads: each topic is served at once."""

    read: Callable[[bytes, datetime], Iterable[Action]]
    """What a frame that came at a moment means, as `FeedProtocol.received` says."""
    acknowledge: Callable[[str], Iterable[Action]] = lambda _: ()
    """What is done when the event with a token is stored, as `SupportsCommit.committed` says."""

    def opened(self) -> Iterable[Action]:
        """Nothing."""
        return ()

    def subscribe(self, topic: str) -> Iterable[Action]:
        """It comes anyway."""
        return (Subscribed(topic),)

    def unsubscribe(self, topic: str) -> Iterable[Action]:
        """It goes on coming, and the host leaves it out."""
        return ()

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        """As `read` says."""
        return self.read(frame, at)

    def committed(self, token: str) -> Iterable[Action]:
        """As `acknowledge` says."""
        return self.acknowledge(token)

    def tick(self, at: datetime, passed: float) -> Iterable[Action]:
        """Nothing."""
        return ()

    def closed(self, code: int | None, at: datetime) -> None:
        """Nothing to keep."""
