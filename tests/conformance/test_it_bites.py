"""The suites bite: each faulty plugin falls on the rule that is meant for it, and on no other."""

import pytest

from faulty import providers, sinks
from faulty.acme import Acme, AcmeSuite, GreetedSuite, PostedSuite, RestSuite, UuidSuite
from faulty.sinks import ShelfSuite
from jackfield.testing import ProviderSuite, SinkSuite, _failure_rules
from jackfield.testing._rules import Level, rules_of
from jackfield.testing._scorecard import run_suite
from jackfield.testing.laws import TranslationLaws

EXAMPLES = 18
LAWS = {rule.id for rule in rules_of(TranslationLaws)} - {"no_rule_is_replaced"}
# Another process, and tens of thousands of frames.
SLOW = {"gives_the_same_ids_elsewhere", "needs_no_more_memory_with_time"}
READING = {
    "reads_anything",
    "accounts_for_every_frame",
    "keeps_payloads_whole",
    "round_trips_events",
    "reads_any_webhook",
}

# A target that hangs takes time.
STALLING = {"never_blocks", "raises_its_own_time_outs", "honours_time_outs"}


def run(suite, leave_out=()):
    return run_suite(suite, examples=EXAMPLES, explain=False, leave_out=leave_out)


@pytest.mark.parametrize("suite", [AcmeSuite, ShelfSuite])
def test_a_faultless_plugin_is_gold_and_every_rule_applies_to_it(suite):
    card = run(suite)
    assert [result for result in card.results if result.outcome != "pass"] == []
    assert card.level is Level.GOLD


@pytest.mark.parametrize("suite", [GreetedSuite, PostedSuite, RestSuite, UuidSuite])
def test_what_is_unusual_is_no_fault(suite):
    card = run(suite, (READING - {"reads_any_webhook"}) | SLOW)
    assert card.failures == ()
    assert card.level is Level.GOLD


@pytest.mark.parametrize(
    ("rule", "suite", "implied"), [pytest.param(*fault, id=fault[1].__name__) for fault in providers.FAULTS]
)
def test_each_faulty_provider_falls_on_its_own_rule(rule, suite, implied):
    # The laws see nothing of a provider but its dialect, those of reading nothing of that; both take most of the time.
    same = suite.provider.dialect is Acme.dialect
    card = run(suite, ((LAWS if same else READING) | SLOW) - {rule})
    fallen = {result.rule.id: result.detail for result in card.failures}
    assert rule in fallen
    assert fallen.keys() <= {rule, *implied}
    assert len(fallen[rule].split()) > 2, fallen


def test_every_rule_for_providers_has_a_fault_that_it_catches():
    assert {rule for rule, *_ in providers.FAULTS} == {rule.id for rule in rules_of(ProviderSuite)}


@pytest.mark.parametrize(("rule", "suite"), [pytest.param(*fault, id=fault[1].__name__) for fault in sinks.FAULTS])
def test_each_faulty_sink_falls_on_its_own_rule(rule, suite, monkeypatch):
    monkeypatch.setattr(_failure_rules, "WAIT_SECONDS", 5.0)  # for one that is stuck until its target recovers
    # On a busy machine a rule with a limit of time may fall too.
    failure = next(each for each in run(suite, STALLING - {rule}).failures if each.rule.id == rule)
    assert len(failure.detail.split()) > 2, failure


def test_every_rule_for_sinks_has_a_fault_that_it_catches():
    assert {rule for rule, _ in sinks.FAULTS} == {rule.id for rule in rules_of(SinkSuite)}
