"""`jackfield.simulation.day`: repeatable, endless, and consistent: every state follows one that it may follow."""

from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import get_args

import pytest

from jackfield.simulation.day import Day
from jackfield.simulation.scenario import ScenarioWord


def clock():
    moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second) for second in count())
    return lambda: next(moments)


def day(seed, length):
    return list(islice(Day(seed, clock()), length))


def test_the_same_seed_gives_the_same_day_and_another_another():
    def shape(seed):
        return [
            (each.what, each.contact and each.contact.number, each.agent and each.agent.name) for each in day(seed, 300)
        ]

    assert shape(1) == shape(1)
    assert shape(1) != shape(2)


def test_everything_that_can_happen_does_happen():
    assert {each.what for each in day(1, 5000)} == set(get_args(ScenarioWord))


CONTACT = {
    None: {"call_started", "conference_started"},
    "call_started": {"call_alerting"},
    "call_alerting": {"call_answered"},
    "call_answered": {"flow_step"},
    "flow_step": {"queued"},
    "queued": {"offered", "abandoned"},
    "offered": {"connected", "rejected", "rescinded"},
    "rejected": {"offered"},
    "rescinded": {"offered"},
    "connected": {"said", "supervised"},
    "supervised": {"said"},
    "said": {"said", "unsupervised", "supervision_failed", "hung_up"},
    "unsupervised": {"hung_up"},
    "supervision_failed": {"hung_up"},
    "hung_up": {"wrapup_started"},
    "wrapup_started": {"wrapup_ended"},
    "conference_started": {"conference_joined"},
    "conference_joined": {"conference_joined", "conference_left"},
    "conference_left": {"conference_left", "conference_ended"},
}


@pytest.mark.parametrize("seed", range(5))
def test_every_contacts_states_follow_one_another(seed):
    last = {}
    for event in day(seed, 2000):
        if (contact := event.contact) is not None:
            assert event.what in CONTACT[last.get(contact.number)]
            last[contact.number] = event.what


@pytest.mark.parametrize("seed", range(5))
def test_an_agent_has_one_contact_at_a_time(seed):
    having = {}
    for event in day(seed, 2000):
        agent, contact = event.agent, event.contact
        if agent is None or contact is None:
            continue
        assert having.setdefault(agent.number, contact.number) == contact.number
        if event.what in ("rejected", "rescinded", "wrapup_ended"):
            del having[agent.number]


def test_a_whole_visit_comes_first_so_that_a_short_look_sees_one():
    first = [each.what for each in day(1, 30) if each.contact is not None and each.contact.number == 1]
    assert first[0] == "call_started"
    assert {"queued", "offered", "connected", "hung_up"} <= set(first)


def test_happenings_are_stamped_when_they_are_asked_for():
    times = [each.at for each in day(1, 100)]
    assert times == sorted(times)
    assert len(set(times)) == 100
