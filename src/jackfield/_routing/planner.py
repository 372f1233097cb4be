"""What a feed must be subscribed to, so that every selector gets what it matches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import attrs

from jackfield._routing.cover import open_cover
from jackfield.errors import NoTopicError
from jackfield.plugin.provider import Dialect, Plan, PlanEntry, Provider, relays
from jackfield.selectors import EVERYTHING, Selector

__all__ = ["FeedPlan", "make_plan", "plan_topics"]


@attrs.define(eq=False)
class FeedPlan:
    """The plan of one feed while selectors come and go: each is translated once, however often it is selected."""

    _provider: Provider
    _webhook_only: bool = False
    _counts: Counter[Selector] = attrs.field(factory=Counter)
    _entries: dict[Selector, PlanEntry] = attrs.field(factory=dict)
    """For the selectors that concern the feed."""
    _topics: Counter[str] = attrs.field(factory=Counter)

    @property
    def topics(self) -> frozenset[str]:
        """All topics that some selector needs, narrow ones beside wide ones that cover them."""
        return frozenset(self._topics)

    def add(self, selectors: Iterable[Selector]) -> None:
        """Somebody selects this, once more."""
        for selector in selectors:
            self._counts[selector] += 1
            if self._counts[selector] == 1:
                self._translate(selector)

    def remove(self, selectors: Iterable[Selector]) -> None:
        """Undo one `add` of each."""
        for selector in selectors:
            self._counts[selector] -= 1
            if not self._counts[selector]:
                del self._counts[selector]
                self._forget(selector)

    def replace_provider(self, provider: Provider) -> None:
        """Translate everything anew, since the feed's source or its dialect's answers have changed."""
        self._provider = provider
        self._entries.clear()
        self._topics.clear()
        for selector in self._counts:
            self._translate(selector)

    def show(self) -> Plan:
        """The plan as it is now."""
        if self._webhook_only:
            return Plan((), tuple(self._entries.values()))
        minimal = open_cover(self._provider.dialect, self._topics).minimal
        return Plan(tuple(sorted(minimal)), tuple(self._entries.values()))

    def _translate(self, selector: Selector) -> None:
        entry = _entry(self._provider.source.provider, self._provider.dialect, selector)
        if entry is None:
            return
        if self._webhook_only:
            entry = PlanEntry(selector, filtered=selector != EVERYTHING)
        self._entries[selector] = entry
        self._topics.update(entry.topics)

    def _forget(self, selector: Selector) -> None:
        if (entry := self._entries.pop(selector, None)) is None:
            return
        for topic in entry.topics:
            self._topics[topic] -= 1
            if not self._topics[topic]:
                del self._topics[topic]


def make_plan(provider: Provider, selectors: Iterable[Selector], *, webhook_only: bool = False) -> Plan:
    """The plan of a feed for these selectors; without topics where the vendor sends everything by webhook anyway."""
    plan = FeedPlan(provider, webhook_only)
    plan.add(selectors)
    return plan.show()


def plan_topics(provider: str, dialect: Dialect, selectors: Iterable[Selector]) -> Plan:
    """The smallest set of topics of a provider's dialect that brings everything these selectors match.

    A selector that can match nothing of the vendor's, such as another provider's address or the
    ``stream`` facts that we make ourselves, asks nothing of it and has no entry in the plan.
    """
    entries = [entry for each in dict.fromkeys(selectors) if (entry := _entry(provider, dialect, each))]
    topics = dict.fromkeys(topic for entry in entries for topic in entry.topics)
    return Plan(tuple(sorted(open_cover(dialect, topics).minimal)), tuple(entries))


def _entry(provider: str, dialect: Dialect, selector: Selector) -> PlanEntry | None:
    kind, address = selector
    elsewhere = address.provider not in (None, provider) or "stream" in (kind.entity, address.resource)
    if elsewhere and not relays(dialect):
        return None
    try:
        topics = dialect.topics_of(selector)
    except NoTopicError as error:
        return PlanEntry(selector, reason=str(error))
    if not topics:
        return None
    exact = all(selector.covers(Selector(address=dialect.pattern_of(topic))) for topic in topics)
    surplus = tuple(text for topic in topics if (text := dialect.describe(topic)[1]))
    return PlanEntry(selector, topics, filtered=not exact, surplus=surplus)
