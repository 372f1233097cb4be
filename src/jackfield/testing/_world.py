"""What a dialect is tried with: the events that its vendor can publish, and selectors that match them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import attrs
from hypothesis import reject
from hypothesis import strategies as st

from jackfield._routing.planner import plan_topics
from jackfield.addresses import Address, AddressPattern, Source
from jackfield.errors import NoTopicError
from jackfield.plugin.provider import Dialect, Plan
from jackfield.selectors import EVERYTHING, Selector
from jackfield.testing import strategies

__all__ = ["PublishedEvent", "World"]

# Addresses that the vendor cannot publish are drawn too often to give up at the first.
ATTEMPTS = 5


# The resource of the facts that a feed tells of itself; what is selected there is never asked of a vendor.
RESERVED = "stream"


class PublishedEvent(NamedTuple):
    """An event as far as selectors see it."""

    kind: str
    address: Address


@attrs.frozen
class World:
    """A dialect and what it is tried with; only the first two must be given."""

    dialect: Dialect
    source: Source
    """Whose events the feed brings: the first three segments of the addresses that are tried."""
    resources: Sequence[str] = ()
    """Resources that exist, so that most of what is drawn makes sense to the vendor.

    Where none are given, those that the dialect names when it is asked for everything.
    """
    words: Sequence[str] = ()
    """Events that exist."""
    ids: st.SearchStrategy[str] | None = None
    """Ids of resources, where the vendor's have a form; else any text."""
    roster: Mapping[str, Sequence[str]] = {}
    """The ids that exist, by resource, where the dialect names each of them since the vendor has no wildcards."""
    fixed: Sequence[str] = ()
    """Slots that every selector fixes, such as ``scope`` where a vendor has no topic for all scopes."""
    topics: st.SearchStrategy[str] | None = None
    """Further topics to subscribe to, beside those that are planned."""
    published: st.SearchStrategy[tuple[str, str]] | None = None
    """Topics and names as the vendor publishes them, beside those that addresses lead to."""
    oracle: Callable[[str, str], bool] | None = None
    """Whether a topic delivers a published one, by other means than the dialect's."""
    plan: Callable[[str, Dialect, Iterable[Selector]], Plan] = plan_topics
    """How selectors are planned: the host's own planner, unless that is what is to be tried."""

    def planned(self, *selectors: Selector) -> Plan:
        """The plan for these selectors."""
        return self.plan(self.source.provider, self.dialect, selectors)

    @property
    def drawn_ids(self) -> st.SearchStrategy[str] | None:
        """What ids are drawn from; ``None`` for any text."""
        known = sorted({each for ids in self.roster.values() for each in ids})
        return st.sampled_from(known) if known else self.ids

    def published_events(self) -> st.SearchStrategy[PublishedEvent]:
        """Something that the vendor can publish, at an address and of a kind that it can have there."""
        resources = self.resources or self._named()
        addresses = [strategies.addresses(self.source, resources, self.words, self.ids)]
        if self.roster:
            known = [(each, st.sampled_from(list(ids))) for each, ids in self.roster.items() if ids]
            addresses = [strategies.addresses(self.source, [each], self.words, ids) for each, ids in known]
        return _published_event(self, st.one_of(addresses))

    def _named(self) -> list[str]:
        try:
            topics = self.dialect.topics_of(EVERYTHING)
        except NoTopicError:
            return []
        resources = {self.dialect.pattern_of(topic).resource for topic in topics}
        return sorted(each for each in resources if each is not None)

    def near(self, event: PublishedEvent) -> st.SearchStrategy[PublishedEvent]:
        """Something else that can be published, mostly all but the same."""
        return _neighbour(self, event)

    def of_some_kind(self, draw: st.DrawFn, address: Address) -> PublishedEvent:
        """What happens at an address, of a kind that it can have there."""
        return PublishedEvent(
            draw(st.sampled_from(sorted(self.dialect.kinds_of(AddressPattern.exactly(address))))), address
        )

    def can_be_published(self, address: Address) -> bool:
        """Whether the vendor has a topic for it; the facts about a feed's own stream are ours."""
        exists = not self.roster or address.resource_id in self.roster.get(address.resource, ())
        return exists and address.resource != RESERVED and self.native_of(address) is not None

    def native_of(self, address: Address) -> tuple[str, str] | None:
        """What the vendor publishes it under; ``None`` where it cannot."""
        try:
            return self.dialect.native_of(address)
        except NoTopicError:
            return None

    def matching(self, event: PublishedEvent) -> st.SearchStrategy[Selector]:
        """A selector that matches."""
        return strategies.selectors_matching(event.kind, event.address, self.fixed)


_SLOTS = st.sampled_from(["resource_id", "resource_id", "resource", "event"])


@st.composite
def _published_event(draw: st.DrawFn, world: World, addresses: st.SearchStrategy[Address]) -> PublishedEvent:
    for _ in range(ATTEMPTS):
        address = draw(addresses)
        if world.can_be_published(address):
            return world.of_some_kind(draw, address)
    return reject()


@st.composite
def _neighbour(draw: st.DrawFn, world: World, event: PublishedEvent) -> PublishedEvent:
    name = draw(_SLOTS)
    others = strategies.near_misses(getattr(event.address, name))
    ids = world.drawn_ids
    changed = draw(ids if name == "resource_id" and ids is not None else others)
    address = event.address._replace(**{name: changed})
    return world.of_some_kind(draw, address) if world.can_be_published(address) else event
