"""The table of lives: what may follow what, and what is a contradiction."""

import pytest

from jackfield.kinds import KIND_NAMES
from jackfield.state.lives import AGENT, CALL, CONTACT, LIVES, UNKNOWN, contradictions


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_the_table_names_only_kinds_and_states_that_exist(life):
    assert life.kinds <= KIND_NAMES
    named = {state for each in life.transitions for state in (*each.since, each.to)}
    assert named - {"", UNKNOWN} <= set(life.states)
    assert life.over | life.optional | {life.goal} <= set(life.states)


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_every_state_can_be_reached(life):
    reached = {UNKNOWN}
    while more := {life.step(state, kind) for state in reached for kind in life.kinds} - reached:
        reached |= more
    assert reached == {UNKNOWN, *life.states}


@pytest.mark.parametrize("life", [CONTACT, CALL])
def test_what_is_over_stays_over_but_for_another_visit(life):
    for state in life.over:
        for kind in life.kinds - {"contact.created", "contact.queued"}:
            assert life.step(state, kind) in life.over


@pytest.mark.parametrize("end", ["contact.dequeued", "contact.routed"])
def test_leaving_the_queue_changes_nothing_once_an_agent_has_the_contact(end):
    assert CONTACT.step("connected", end) == "connected"


@pytest.mark.parametrize(
    ("state", "kind", "after"),
    [
        ("queued", "offer.created", "offered"),
        ("offered", "offer.rejected", "queued"),
        ("queued", "contact.disconnected", "disconnected"),  # the connection was missed
        ("connected", "offer.created", "connected"),  # a late one
        ("ended", "contact.connected", "ended"),
        (UNKNOWN, "contact.ended", "ended"),
    ],
)
def test_a_step_is_tolerant(state, kind, after):
    assert CONTACT.step(state, kind) == after


def test_an_agents_day():
    state = UNKNOWN
    for kind, after in (
        ("agent.logged_on", "not_ready"),
        ("agent.ready", "ready"),
        ("offer.created", "reserved"),
        ("contact.connected", "busy"),
        ("agent.wrapup_started", "wrapup"),
        ("agent.wrapup_ended", "ready"),
        ("agent.logged_off", "logged_off"),
    ):
        state = AGENT.step(state, kind)
        assert state == after


GOOD = [
    ["contact.created", "contact.queued", "offer.created", "offer.rejected", "offer.created", "contact.connected"],
    ["contact.queued", "contact.connected", "contact.disconnected", "contact.ended"],
    ["contact.connected", "contact.ended"],
    ["contact.created", "contact.queued", "contact.abandoned", "contact.ended"],
    ["contact.queued", "contact.dequeued", "contact.queued", "contact.connected"],
    ["call.initiated", "call.connected", "call.held", "call.retrieved", "call.cleared"],
    ["call.originated", "call.failed"],
    ["call.cleared"],
]


@pytest.mark.parametrize("kinds", GOOD)
def test_a_life_with_states_left_out_is_no_contradiction(happened, kinds):
    assert list(contradictions(happened(kind, second) for second, kind in enumerate(kinds))) == []


BAD = [
    ["contact.queued", "offer.created", "contact.queued"],
    ["contact.connected", "contact.connected"],
    ["contact.ended", "contact.queued"],
    ["contact.abandoned", "contact.connected"],
    ["contact.ended", "contact.ended"],
    ["call.cleared", "call.connected"],
    ["call.connected", "call.connected"],
    ["call.cleared", "call.cleared"],
]


@pytest.mark.parametrize("kinds", BAD)
def test_a_contradiction_is_named(happened, kinds):
    (problem,) = contradictions(happened(kind, second) for second, kind in enumerate(kinds))
    assert kinds[-1] in problem
    assert "c1" in problem


def test_within_one_time_the_causal_order_counts(happened):
    kinds = ["contact.dequeued", "contact.connected", "contact.routed", "contact.ended", "contact.disconnected"]
    assert list(contradictions(happened(kind, 5) for kind in kinds)) == []
