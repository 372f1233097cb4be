"""What a feed must be subscribed to, so that every selector gets what it matches."""

from __future__ import annotations

from collections.abc import Iterable

from jackfield.addresses import AddressPattern
from jackfield.errors import NoTopicError
from jackfield.plugin.provider import Dialect, Plan, PlanEntry, Provider
from jackfield.selectors import EVERYTHING, Selector

__all__ = ["make_plan", "plan_topics", "smallest"]


def make_plan(provider: Provider, selectors: Iterable[Selector], *, webhook_only: bool = False) -> Plan:
    """What one feed must be subscribed to for these selectors; nothing, where the vendor posts everything anyway."""
    plan = plan_topics(provider.source.provider, provider.dialect, selectors)
    if not webhook_only:
        return plan
    return Plan((), tuple(PlanEntry(row.selector, filtered=row.selector != EVERYTHING) for row in plan.entries))


def plan_topics(provider: str, dialect: Dialect, selectors: Iterable[Selector]) -> Plan:
    """The smallest set of topics of a provider's dialect that brings everything these selectors match.

    A selector that can match nothing of the vendor's, such as another provider's address or the
    ``stream`` facts that we make ourselves, asks nothing of it and has no row in the plan.
    """
    rows = [row for selector in dict.fromkeys(selectors) if (row := _ask(provider, dialect, selector))]
    topics = smallest(dialect, (topic for row in rows for topic in row.topics))
    return Plan(tuple(sorted(topics)), tuple(rows))


def smallest(dialect: Dialect, topics: Iterable[str]) -> frozenset[str]:
    """The topics of these that no other of them covers; of two that cover each other the first in order.

    What a topic brings is covered by what one that covers it brings, so candidates are looked up by the
    shape of their patterns, and the dialect is asked about those only.
    """
    ordered = sorted(set(topics))
    brought = {topic: dialect.pattern_of(topic) for topic in ordered}
    by_shape: dict[tuple[int, ...], dict[tuple[str | None, ...], list[str]]] = {}
    for topic, pattern in brought.items():
        shape = tuple(number for number, slot in enumerate(pattern) if slot is not None)
        by_shape.setdefault(shape, {}).setdefault(_key(shape, pattern), []).append(topic)

    def superfluous(topic: str) -> bool:
        return any(
            dialect.covers(other, topic) and not (topic < other and dialect.covers(topic, other))
            for shape, table in by_shape.items()
            for other in table.get(_key(shape, brought[topic]), ())
            if other != topic
        )

    return frozenset(topic for topic in ordered if not superfluous(topic))


def _key(shape: tuple[int, ...], pattern: AddressPattern) -> tuple[str | None, ...]:
    return tuple(pattern[number] for number in shape)


def _ask(provider: str, dialect: Dialect, selector: Selector) -> PlanEntry | None:
    kind, address = selector
    if address.provider not in (None, provider) or "stream" in (kind.entity, address.resource):
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
