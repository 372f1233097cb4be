"""What a client may see: selectors, feeds, payloads, personal data. Pure.

A subscription gets the intersection of what it asks for and what its grant has; the algebra of selectors says what
that is. Personal data are the numbers and names of callers and callees, the names of agents and why they are not ready,
and every payload, since nobody knows what a vendor writes into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import attrs
import msgspec

from jackfield.addresses import AddressPattern
from jackfield.events import Event, Parties
from jackfield.selectors import EVERYTHING, KindPattern, Selector
from jackfield.state import Agent, Call, Contact, Entity, Feed, Queue, Snapshot, Totals, Value

__all__ = ["ALL", "Grant"]

V = TypeVar("V", bound=Value)

_PERSONAL = ("caller", "caller_name", "callee", "callee_name", "agent_name", "agent_reason")


@attrs.frozen
class Grant:
    """What one client may see; everything, unless it is limited."""

    select: tuple[Selector, ...] = (EVERYTHING,)
    feeds: frozenset[str] = frozenset()
    """The feeds whose events it gets; empty for all."""
    payloads: bool = True
    """Whether it gets the vendors' payloads, in ``data``."""
    personal: bool = True
    """Whether it gets the numbers and names of people; without them it gets no payload either."""
    token: str = ""
    """The name of the token that it is of; the client's durable subscriptions are this token's."""

    _entities: dict[tuple[Entity, str], bool] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    """Whether it sees the entities of a vendor, found out once: a state has thousands of them."""

    @property
    def whole(self) -> bool:
        """Whether it may see every event."""
        return EVERYTHING in self.select and not self.feeds

    @property
    def view(self) -> tuple[bool, bool]:
        """Whether payloads and personal data are in what it gets: clients with the same view get the same bytes."""
        return self.payloads and self.personal, self.personal

    def narrow(self, wanted: Iterable[Selector]) -> tuple[Selector, ...]:
        """What a subscription to these gets, without what another part of it covers; nothing where nothing overlaps."""
        shared = [both for mine in self.select for one in wanted if (both := mine.intersection(one)) is not None]
        kept: list[Selector] = []
        for each in dict.fromkeys(shared):
            if any(other.covers(each) for other in kept):
                continue
            kept = [other for other in kept if not each.covers(other)]
            kept.append(each)
        return tuple(kept)

    def allows_feed(self, feed: str) -> bool:
        """Whether it gets what came by this feed."""
        return not self.feeds or feed in self.feeds

    def sees(self, event: Event) -> bool:
        """Whether it gets this event."""
        return self.allows_feed(event.feed) and any(each.matches(event) for each in self.select)

    def shown(self, event: Event) -> Event:
        """An event without what the grant does not have."""
        payloads, personal = self.view
        if payloads and personal:
            return event
        parties = event.parties if personal else without_people(event.parties)
        return attrs.evolve(event, parties=parties, data=None, data_json=None, raw=b"")

    # -- the state -----------------------------------------------------------------------------------

    def allows_entity(self, entity: Entity, provider: str) -> bool:
        """Whether it sees calls, say, of a vendor: where it may see every event that they are made of.

        A narrower grant, such as of one account, sees none: a state does not say which account it came from.
        """
        if entity == "feed":
            return True
        if (seen := self._entities.get((entity, provider))) is None:
            name = "contact" if entity == "totals" else entity
            needed = Selector(KindPattern(name, None), AddressPattern(provider or None))
            seen = self._entities[entity, provider] = any(each.covers(needed) for each in self.select)
        return seen

    def allows_value(self, entity: Entity, key: str, value: Call | Contact | Agent | Queue | Feed) -> bool:
        """Whether it sees this thing."""
        feed = value.name if isinstance(value, Feed) else value.feed
        return self.allows_feed(feed) and self.allows_entity(entity, key.partition("/")[0])

    def allows_totals(self, key: str, feed: str = "") -> bool:
        """Whether it sees the totals of a queue or an agent of this feed, or with an empty key those of all feeds."""
        if self.feeds and (not key or feed not in self.feeds):
            return False
        return self.allows_entity("totals", key.partition("/")[0])

    def without_people(self, value: V) -> V:
        """A thing without what the grant does not have."""
        if self.personal:
            return value
        if isinstance(value, Call | Contact):
            named = {name: "" for name in _PERSONAL if getattr(value, name, "")}
            return msgspec.structs.replace(value, **named) if named else value
        if isinstance(value, Agent) and (value.name or value.reason):
            return msgspec.structs.replace(value, name="", reason="")
        return value

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """A state without what the grant does not have."""
        if self == ALL:
            return snapshot

        def some(entity: Entity, values: dict[str, V]) -> dict[str, V]:
            return {
                key: self.without_people(value)
                for key, value in values.items()
                if isinstance(value, Totals) or self.allows_value(entity, key, value)
            }

        owners = {key: each.feed for table in (snapshot.agents, snapshot.queues) for key, each in table.items()}

        def totals(every: Mapping[str, Totals]) -> dict[str, Totals]:
            return {key: each for key, each in every.items() if self.allows_totals(key, owners.get(key, ""))}

        return msgspec.structs.replace(
            snapshot,
            feeds=some("feed", dict(snapshot.feeds)),
            calls=some("call", dict(snapshot.calls)),
            contacts=some("contact", dict(snapshot.contacts)),
            agents=some("agent", dict(snapshot.agents)),
            queues=some("queue", dict(snapshot.queues)),
            totals=totals(snapshot.totals),
            hours={hour: totals(every) for hour, every in snapshot.hours.items()},
        )


def without_people(parties: Parties) -> Parties:
    """Who takes part, without numbers and names."""
    if not any(getattr(parties, name) for name in _PERSONAL):
        return parties
    return msgspec.structs.replace(parties, **dict.fromkeys(_PERSONAL, ""))


ALL = Grant()
"""Everything."""
