"""What is added, changed and removed from one configuration to another, as a value; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Generic, Self, TypeVar

import attrs

from jackfield.config.tables import Feed, GatewayConfig, NamedSink, Route
from jackfield.errors import ConfigProblem
from jackfield.selectors import Selector

__all__ = ["Changes", "ConfigDifference"]

T = TypeVar("T", Feed, NamedSink)

# What a running gateway can take over beside feeds, sinks and routes; of other tables only these options.
AT_RUN_TIME: dict[str, Collection[str]] = {
    "webhooks": ("listen", "tls_cert", "tls_key", "public_url", "embedded"),
    "gateway": ("drain_seconds",),
}
TABLES = ("feeds", "sinks", "routes")


@attrs.frozen
class Changes(Generic[T]):
    """What becomes of the tables of one sort, by their names."""

    added: tuple[T, ...] = ()
    changed: tuple[tuple[T, T], ...] = ()
    """Each as it was and as it is to be; equal where only a secret or a certificate has another text."""
    removed: tuple[T, ...] = ()
    order: tuple[str, ...] = ()
    """The names in their new order."""

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    @classmethod
    def between(cls, before: Iterable[T], after: Iterable[T], renewed: Collection[str]) -> Self:
        """The changes from some tables to others, of which the `renewed` are changed in any case."""
        old, new = {each.name: each for each in before}, {each.name: each for each in after}
        kept = [name for name in new if name in old]
        return cls(
            tuple(each for name, each in new.items() if name not in old),
            tuple((old[name], new[name]) for name in kept if old[name] != new[name] or name in renewed),
            tuple(each for name, each in old.items() if name not in new),
            tuple(new),
        )

    def apply(self, before: Iterable[T]) -> tuple[T, ...]:
        """The tables after these changes; the others are the same objects."""
        tables = {each.name: each for each in before}
        tables |= {each.name: each for each in self.added} | {new.name: new for _, new in self.changed}
        return tuple(tables[name] for name in self.order)


@attrs.frozen
class ConfigDifference:
    """From one configuration of a gateway to another; false where there is nothing to do.

    Its text has one line for each change, and names options, never their values.
    """

    feeds: Changes[Feed] = attrs.field(factory=Changes[Feed])
    sinks: Changes[NamedSink] = attrs.field(factory=Changes[NamedSink])
    routes: tuple[Route, ...] = ()
    """All that there are to be, in their order."""
    routes_added: tuple[Route, ...] = ()
    routes_removed: tuple[Route, ...] = ()
    tables: tuple[tuple[str, Any, Any], ...] = ()
    """Each other table that changes, such as ``webhooks``, as it was and as it is to be."""
    renewed: frozenset[str] = frozenset()
    """``feeds.NAME``, ``sinks.NAME`` and ``webhooks`` whose secrets or certificates have other texts than before."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Feeds that are the same but for their names; they stand among the added and the removed too."""

    @classmethod
    def between(cls, before: GatewayConfig, after: GatewayConfig, renewed: Iterable[str] = ()) -> Self:
        """What changes from one to the other; `renewed` is what else is not what it was, such as ``feeds.office``."""
        other = frozenset(renewed)
        feeds = Changes[Feed].between(before.feeds, after.feeds, _named(other, "feeds"))
        sinks = Changes[NamedSink].between(before.sinks, after.sinks, _named(other, "sinks"))
        old, new = Counter(before.routes), Counter(after.routes)
        names = [field.name for field in attrs.fields(GatewayConfig) if field.name not in TABLES]
        tables = [(name, getattr(before, name), getattr(after, name)) for name in names]
        return cls(
            feeds,
            sinks,
            after.routes,
            tuple((new - old).elements()),
            tuple((old - new).elements()),
            tuple(each for each in tables if each[1] != each[2]),
            other,
            tuple(_renamed(feeds)),
        )

    def __bool__(self) -> bool:
        routes = self.routes_added or self.routes_removed
        return bool(self.feeds or self.sinks or routes or self.renewed or list(self._options()))

    def apply(self, before: GatewayConfig) -> GatewayConfig:
        """The configuration after these changes."""
        return attrs.evolve(
            before,
            feeds=self.feeds.apply(before.feeds),
            sinks=self.sinks.apply(before.sinks),
            routes=self.routes,
            **{name: new for name, _, new in self.tables},
        )

    @property
    def selectors_added(self) -> list[Selector]:
        """What the routes select that are added."""
        return [selector for route in self.routes_added for selector in route.select]

    @property
    def restarts(self) -> list[ConfigProblem]:
        """What a running gateway cannot take over."""
        return [
            ConfigProblem(f"{table}.{option}", "cannot change while the gateway runs; restart it")
            for table, option in self._options()
            if option not in AT_RUN_TIME.get(table, ())
        ]

    def _options(self) -> Iterator[tuple[str, str]]:
        """The tables and names of options that change, beside those of feeds and sinks."""
        for name, old, new in self.tables:
            if attrs.has(type(old)) and type(old) is type(new):
                yield from ((name, option) for option in _options(old, new))
            elif name != "warnings":
                yield name, "*"

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each change, such as ``feeds.office: changed (token)``."""
        return (
            *_lines("feeds", self.feeds, self.renewed),
            *(f"feeds.{new}: is {old} by another name" for old, new in self.renamed),
            *_lines("sinks", self.sinks, self.renewed),
            *(f"route added: {_route(each)}" for each in self.routes_added),
            *(f"route removed: {_route(each)}" for each in self.routes_removed),
            *(f"{table}.{option}: changed" for table, option in self._options()),
            *(f"{each}: certificate renewed" for each in self.renewed if each == "webhooks"),
        )

    def __str__(self) -> str:
        return "\n".join(self.lines) or "nothing has changed"


def _named(renewed: Iterable[str], section: str) -> set[str]:
    return {each.removeprefix(f"{section}.") for each in renewed if each.startswith(f"{section}.")}


def _renamed(feeds: Changes[Feed]) -> Iterator[tuple[str, str]]:
    left = list(feeds.added)
    for old in feeds.removed:
        for new in left:
            same = (new.provider_name, new.provider, new.connection) == (
                old.provider_name,
                old.provider,
                old.connection,
            )
            if same:
                yield old.name, new.name
                left.remove(new)
                break


def _lines(section: str, changes: Changes[Any], renewed: Collection[str]) -> Iterator[str]:
    for each in changes.added:
        yield f"{section}.{each.name}: added"
    for old, new in changes.changed:
        options = [name for part, other in _parts(old, new) for name in _options(part, other)]
        if f"{section}.{new.name}" in renewed:
            options.append("secret or certificate renewed")
        yield f"{section}.{new.name}: changed ({', '.join(options) or 'its plugin'})"
    for each in changes.removed:
        yield f"{section}.{each.name}: removed"


def _parts(old: Feed | NamedSink, new: Feed | NamedSink) -> Iterator[tuple[Any, Any]]:
    match old, new:
        case Feed(), Feed():
            yield from ((old.provider, new.provider), (old.connection, new.connection))
        case NamedSink(), NamedSink():
            yield from ((old.impl, new.impl), (old.delivery, new.delivery))


def _options(old: Any, new: Any) -> Iterator[str]:
    if type(old) is type(new) and attrs.has(type(new)):
        for field in attrs.fields(type(new)):
            if field.init and getattr(old, field.name, None) != getattr(new, field.name, None):
                yield field.alias or field.name


def _route(route: Route) -> str:
    return f"{', '.join(map(str, route.select))} -> {', '.join(route.sinks)}"
