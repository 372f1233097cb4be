"""A plugin's scorecard: its suites' rules, tried one by one, and the level that it has earned.

A distribution names its suites in the entry-point group ``jackfield.conformance``::

    [project.entry-points."jackfield.conformance"]
    acme = "jackfield_acme.conformance:Conformance"
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

import attrs
from hypothesis import Phase, settings

from jackfield._loading.guard import provider_code
from jackfield.errors import JackfieldError, PluginError
from jackfield.testing._rules import Exempt, Level, NotApplicable, Rule, Suite, rules_of

__all__ = ["ENTRY_POINT_GROUP", "Card", "Outcome", "Result", "declared_suites", "run_suite"]

ENTRY_POINT_GROUP = "jackfield.conformance"
EXAMPLES = 100
MOST_DETAIL = 400
_OURS = str(Path(__file__).parents[1])

Outcome = Literal["pass", "fail", "exempt", "not applicable"]


@attrs.frozen
class Result:
    """What became of one rule."""

    rule: Rule
    outcome: Outcome
    detail: str = ""
    """How it failed, or why it was not tried."""


@attrs.frozen
class Card:
    """What became of every rule of one suite."""

    suite: str
    results: tuple[Result, ...]

    @property
    def level(self) -> Level | None:
        """The highest level of which, and below which, every rule is kept; an exemption earns nothing."""
        earned = None
        for level in Level:
            if any(each.outcome in ("fail", "exempt") for each in self.results if each.rule.level is level):
                break
            earned = level
        return earned

    @property
    def failures(self) -> tuple[Result, ...]:
        """The rules that were broken."""
        return tuple(result for result in self.results if result.outcome == "fail")


def declared_suites(distribution: str) -> dict[str, type[Suite]]:
    """The suites that a distribution declares, by the names of their entry points; `PluginError` where it cannot be."""
    points = [(point, _distribution(point)) for point in entry_points(group=ENTRY_POINT_GROUP)]
    mine = [point for point, name in points if _normal(name) == _normal(distribution)]
    if not mine:
        others = ", ".join(sorted({name for _, name in points})) or "none"
        problem = f"{distribution!r} declares no suite in the entry-point group {ENTRY_POINT_GROUP!r}"
        raise PluginError(f"{problem} (installed and declared: {others})")
    return {point.name: _load(point) for point in mine}


def _load(point: EntryPoint) -> type[Suite]:
    loaded: list[Any] = []
    if error := _raised(lambda: loaded.append(point.load())):
        raise PluginError(f"{point.value} cannot be imported: {type(error).__name__}: {error}")
    suite = loaded[0]
    if not (isinstance(suite, type) and issubclass(suite, Suite)):
        raise PluginError(f"{point.value} is no suite: a subclass of ProviderSuite or SinkSuite is expected")
    return suite


def run_suite(
    suite: type[Suite],
    *,
    examples: int = EXAMPLES,
    explain: bool = True,
    leave_out: Collection[str] = (),
    before: Callable[[str], object] = lambda _text: None,
) -> Card:
    """Try every rule of a suite, each property with so many examples; always the same ones.

    Without `explain` a counterexample is not made small, which takes most of the time of a failure. The rules with
    the ids in `leave_out` are not on the card. `before` is called before each rule, with how far this has come.
    """
    rules = {rule: method for rule, method in rules_of(suite).items() if rule.id not in leave_out}
    with _profile(examples, explain=explain):
        results = []
        for number, (rule, method) in enumerate(rules.items()):
            before(f"{number} of {len(rules)} rules, now {rule.id}")
            results.append(_try(suite, rule, method))
    return Card(f"{suite.__module__}:{suite.__qualname__}", tuple(results))


def _try(suite: type[Suite], rule: Rule, method: Callable[[Any], None]) -> Result:
    error = _raised(lambda: method(suite()))
    if error is None:
        return Result(rule, "pass")
    said = " ".join(str(error).split())
    match error:
        case Exempt():
            return Result(rule, "exempt", said)
        case NotApplicable():
            return Result(rule, "not applicable", said)
        case AssertionError() if said:
            return Result(rule, "fail", said[:MOST_DETAIL])
    return Result(rule, "fail", f"{type(error).__name__}: {said or 'it says nothing'}{_place_of(error)}"[:MOST_DETAIL])


def _place_of(error: BaseException) -> str:
    """Where an exception was raised, in words, in the code that is tried; empty where it was in ours."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(_OURS)]
    return f", at {Path(frames[-1].filename).name}:{frames[-1].lineno}, in {frames[-1].name}" if frames else ""


def _raised(call: Callable[[], None]) -> BaseException | None:
    """What a plugin's code raises; ``None`` where it does not."""
    try:
        with provider_code():
            call()
    except PluginError as error:
        return error.__context__ or error
    except JackfieldError as error:
        return error
    return None


@contextmanager
def _profile(examples: int, *, explain: bool) -> Iterator[None]:
    """Hypothesis' settings for a scorecard, and afterwards those of before."""
    before = settings.get_current_profile_name()
    phases = [Phase.explicit, Phase.generate, *([Phase.shrink] if explain else [])]
    settings.register_profile(
        "scorecard", settings(max_examples=examples, derandomize=True, database=None, deadline=None, phases=phases)
    )
    settings.load_profile("scorecard")
    try:
        yield
    finally:
        settings.load_profile(before)


def _distribution(point: EntryPoint) -> str:
    return point.value if point.dist is None else point.dist.name


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
