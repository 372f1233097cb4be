"""What the suites are made of: rules, each with a level that it earns, and a guard over them.

A rule is a test method whose docstring is one sentence: why it is one. A suite is used by plain inheritance, in
pytest or by ``jackfield conformance``, and needs no plugin of pytest's: each test is synchronous.
"""

from __future__ import annotations

import functools
import unittest
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, ClassVar, NoReturn, TypeVar

import attrs
from hypothesis import HealthCheck, settings

__all__ = ["Exempt", "Level", "NotApplicable", "Rule", "Suite", "rule", "rules_of"]

S = TypeVar("S", bound="Suite")


class Level(IntEnum):
    """How good a plugin is: it has the highest level whose rules, and those below, it keeps."""

    BRONZE = 1
    """It works, hides its secrets, and loses nothing silently on a good day."""
    SILVER = 2
    """It stays right when the vendor, the network or the receiver does not."""
    GOLD = 3
    """It does everything that a plugin can."""

    def __str__(self) -> str:
        return self.name.lower()


@attrs.frozen
class Rule:
    """One thing that a plugin must keep to."""

    id: str
    """The name of the test without ``test_``."""
    level: Level
    why: str


class Exempt(unittest.SkipTest):
    """The suite's author has exempted the plugin from a rule; says why."""


class NotApplicable(unittest.SkipTest):
    """A rule is about something that the vendor, or the receiver, does not have."""


def rule(level: Level) -> Callable[[Callable[[S], None]], Callable[[S], None]]:
    """Mark a test method as a rule that earns this level."""

    def mark(method: Callable[[S], None]) -> Callable[[S], None]:
        name = method.__name__.removeprefix("test_")

        @functools.wraps(method)
        def test(self: S) -> None:
            if name in self.exempt:
                raise Exempt(self.exempt[name])
            with _unhurried():
                method(self)

        vars(test)["rule"] = Rule(name, level, " ".join((method.__doc__ or "").split()))
        return test

    return mark


@contextmanager
def _unhurried() -> Iterator[None]:
    """Hypothesis' settings as they are, but for those that fail a property because the machine is busy."""
    name = settings.get_current_profile_name()
    patient = {"deadline": None, "suppress_health_check": [*settings().suppress_health_check, HealthCheck.too_slow]}
    settings.register_profile("unhurried", settings.get_profile(name), **patient)
    settings.load_profile("unhurried")
    try:
        yield
    finally:
        settings.load_profile(name)


def rules_of(suite: type[Suite]) -> dict[Rule, Callable[[Any], None]]:
    """A suite's rules as they were first written, whatever a subclass has put in their place."""
    found = dict(_defined(suite))
    return dict(sorted(found.items(), key=lambda pair: (pair[0].level, pair[0].id)))


def _defined(suite: type[Suite]) -> Iterator[tuple[Rule, Callable[[Any], None]]]:
    names: set[str] = set()
    for cls in reversed(suite.__mro__):
        for name, method in vars(cls).items():
            if name not in names and isinstance(found := getattr(method, "rule", None), Rule):
                names.add(name)
                yield found, method


class Suite:
    """Rules to inherit."""

    exempt: ClassVar[Mapping[str, str]] = {}
    """Rules that the plugin cannot keep, by their ids, each with the reason; they earn nothing."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        guard = "test_no_rule_is_replaced"
        if guard in vars(cls) and cls.__mro__[1] is not object:
            raise TypeError(f"{cls.__name__} replaces {guard}, the guard over the other rules")

    def not_applicable(self, why: str) -> NoReturn:
        """End a rule that is about something that is not there."""
        raise NotApplicable(why)

    @rule(Level.BRONZE)
    def test_no_rule_is_replaced(self) -> None:
        """A rule that a subclass overrides or removes proves nothing, unless it is exempt and says why."""
        cls = type(self)
        ids = {each.id: method for each, method in rules_of(cls).items()}
        for name, reason in self.exempt.items():
            assert name in ids, f"{cls.__name__}.exempt: there is no rule {name!r}"
            assert reason.strip(), f"{cls.__name__}.exempt: {name!r} needs a reason"
        for name, method in ids.items():
            kept = getattr(cls, f"test_{name}", None) is method
            assert kept or name in self.exempt, f"{cls.__name__} replaces the rule {name!r} and gives no reason"
