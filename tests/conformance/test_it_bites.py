"""The suites bite: each faulty plugin falls on the rule that is meant for it, and on no other."""

import pytest
from profiles import is_thorough

from faulty import providers, sinks
from faulty.acme import AcmeSuite, GreetedSuite, PostedSuite, RestSuite, UuidSuite
from faulty.sinks import PickySuite, ShelfSuite
from jackfield.testing import ProviderSuite, SinkSuite
from jackfield.testing._rules import Level, rules_of
from jackfield.testing._scorecard import run_suite

EXAMPLES = 18
FEW = 20 if is_thorough() else 1
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


def fallen(suite, expected, leave_out):
    """Every rule that the suite falls on, with what it says; those that are not expected with a few examples each."""
    ids = {rule.id for rule in rules_of(suite)}
    cards = [
        run_suite(suite, examples=examples, explain=False, leave_out=ids - tried)
        for examples, tried in ((EXAMPLES, expected), (FEW, ids - expected - leave_out))
    ]
    return {result.rule.id: result.detail for card in cards for result in card.failures}


@pytest.mark.parametrize("suite", [AcmeSuite, PickySuite, ShelfSuite])
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
def test_each_faulty_provider_falls_on_its_own_rule_and_on_what_that_implies(rule, suite, implied):
    found = fallen(suite, {rule, *implied}, SLOW)
    assert found.keys() == {rule, *implied}, found
    assert len(found[rule].split()) > 2, found
    assert all(len(reason.split()) > 2 for reason in implied.values())


def test_every_rule_for_providers_has_a_fault_that_it_catches():
    assert {rule for rule, *_ in providers.FAULTS} == {rule.id for rule in rules_of(ProviderSuite)}


@pytest.mark.parametrize(("rule", "suite"), [pytest.param(*fault, id=fault[1].__name__) for fault in sinks.FAULTS])
def test_each_faulty_sink_falls_on_its_own_rule_and_on_no_other(rule, suite):
    found = fallen(suite, {rule}, STALLING)
    assert found.keys() == {rule}, found
    assert len(found[rule].split()) > 2, found


def test_every_rule_for_sinks_has_a_fault_that_it_catches():
    assert {rule for rule, _ in sinks.FAULTS} == {rule.id for rule in rules_of(SinkSuite)}
