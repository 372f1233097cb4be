"""`jackfield.testing._scorecard` and ``jackfield conformance``: levels, exemptions, and the built-in plugins."""

import json
import re
from importlib.metadata import EntryPoint
from types import MappingProxyType

import pytest
import trio
from hypothesis import settings
from profiles import is_thorough

from faulty.sinks import QuotesItsKey, ShelfSuite, Shelving
from jackfield._cli import main
from jackfield.testing import _scorecard, run_in_virtual_time
from jackfield.testing._rules import Level, Suite, rule, rules_of
from jackfield.testing._scorecard import declared_suites, run_suite

BUILT_IN = [
    "jackfield-file",
    "jackfield-http",
    "jackfield-stdout",
    "jackfield-vcon",
    "jackfield-vinix",
    "jackfield-voipbin",
]


@pytest.mark.parametrize("distribution", BUILT_IN)
def test_every_built_in_plugin_has_the_highest_level(distribution):
    suites = declared_suites(distribution)
    assert suites
    for suite in suites.values():
        card = run_suite(suite, examples=100 if is_thorough() else 5)
        assert card.failures == ()
        assert card.level is Level.GOLD


class TestThePlainWay(ShelfSuite):
    """A suite is inherited in pytest as it is; what does not apply is skipped with its reason."""


class Three(Suite):
    broken = ()

    @rule(Level.BRONZE)
    def test_one(self):
        """The first."""
        assert "one" not in self.broken, "one  is\nbroken"

    @rule(Level.SILVER)
    def test_two(self):
        """The second."""
        if "two" in self.broken:
            raise KeyError("two")
        self.not_applicable("never")

    @rule(Level.GOLD)
    def test_three(self):
        """The third."""
        assert "three" not in self.broken


@pytest.mark.parametrize(
    ("broken", "level"),
    [
        ((), Level.GOLD),
        (("three",), Level.SILVER),
        (("two",), Level.BRONZE),
        (("one",), None),
        (("one", "three"), None),
    ],
)
def test_a_level_needs_its_own_rules_and_those_below(broken, level):
    card = run_suite(type("Broken", (Three,), {"broken": broken}))
    assert card.level is level
    assert {result.rule.id for result in card.failures} == set(broken)


def test_a_failure_is_reported_in_one_line():
    card = run_suite(type("Broken", (Three,), {"broken": ("one", "two")}))
    one, two = [each.detail for each in card.failures]
    assert one.startswith("one is broken")
    assert "\n" not in one
    assert re.fullmatch(r"KeyError: 'two', at test_scorecard\.py:\d+, in test_two", two)


def test_an_exemption_is_no_failure_and_earns_nothing():
    class Excused(Three):
        broken = ("two",)
        exempt = MappingProxyType({"two": "the vendor forbids it"})

        def test_two(self):
            """Something else."""

    card = run_suite(Excused)
    assert card.failures == ()
    assert card.level is Level.BRONZE
    (excused,) = [each for each in card.results if each.outcome == "exempt"]
    assert (excused.rule.id, excused.detail) == ("two", "the vendor forbids it")


def test_the_guard_itself_cannot_be_replaced():
    with pytest.raises(TypeError, match="replaces test_no_rule_is_replaced"):
        type("Sly", (Three,), {"test_no_rule_is_replaced": lambda self: None})


def test_every_rule_says_why_in_one_sentence():
    for suite in (ShelfSuite, *declared_suites("jackfield-vinix").values()):
        for each in rules_of(suite):
            assert each.why.endswith("."), each
            assert each.why.count(". ") == 0, each


def test_the_settings_of_the_tests_around_are_left_as_they_were():
    before = settings.get_current_profile_name()
    run_suite(Three)
    assert settings.get_current_profile_name() == before


@pytest.fixture
def declared(monkeypatch):
    """Make the named suites of this module what distributions declare."""

    def declare(**suites):
        points = [EntryPoint(name, f"{__name__}:{suite}", "x") for name, suite in suites.items()]
        monkeypatch.setattr(_scorecard, "entry_points", lambda group: points)
        monkeypatch.setattr(_scorecard, "_distribution", lambda point: f"jackfield.{point.name}")
        for name, suite in (("Faultless", ShelfSuite), ("Quoting", Quoting), ("NoSuite", Shelving)):
            monkeypatch.setitem(globals(), name, suite)
        monkeypatch.setattr(EntryPoint, "load", lambda point: globals()[point.value.partition(":")[2]])

    return declare


class Quoting(ShelfSuite):
    sinks = type("Faulty", (Shelving,), {"writers": QuotesItsKey})


def test_the_command_reports_what_is_broken_and_why_it_matters(declared, capsys):
    declared(good="Faultless", bad="Quoting")
    assert main(["conformance", "jackfield-bad", "--examples", "5"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("bad  bronze  (")
    assert "an error shows a secret" in out
    assert "why: Some receivers quote the credentials" in out
    assert main(["conformance", "Jackfield_Good", "--examples", "5", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (suite,) = document["suites"]
    assert suite["level"] == "gold"
    assert {each["outcome"] for each in suite["rules"]} == {"pass"}


def test_a_distribution_without_a_declaration_is_reported_with_those_that_have_one(declared, capsys):
    declared(good="Faultless")
    assert main(["conformance", "nope"]) == 2
    err = capsys.readouterr().err
    assert "'nope' declares no suite in the entry-point group 'jackfield.conformance'" in err
    assert "jackfield.good" in err


def test_a_declaration_of_something_else_or_of_nothing_is_reported(declared, capsys):
    declared(bad="NoSuite", worse="Missing")
    assert main(["conformance", "jackfield-bad"]) == 2
    assert "NoSuite is no suite: a subclass of ProviderSuite or SinkSuite is expected" in capsys.readouterr().err
    assert main(["conformance", "jackfield-worse"]) == 2
    assert "Missing cannot be imported: KeyError: 'Missing'" in capsys.readouterr().err


def test_virtual_time_passes_at_once_and_exactly():
    async def day(seconds, *, at_most=86_400):
        began = trio.current_time()
        await trio.sleep(seconds)
        return min(trio.current_time() - began, at_most)

    assert run_in_virtual_time(day, 3600) == 3600
