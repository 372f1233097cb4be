"""`jackfield.testing.stories`: both vendors tell the same day in the same words, and a vendor that does not is seen."""

from datetime import UTC, datetime
from itertools import islice

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.plugin.secrets import Secret
from jackfield.simulation.day import Day
from jackfield.testing import simulated_events
from jackfield.testing.stories import KINDS, difference, happened_steps, reported_steps
from jackfield_vinix import Vinix
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator
from jackfield_voipbin import Voipbin
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator

AT = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = Secret("text", "of-nobody")
MOST = 250


def by_vinix(seed, generation=4):
    provider = Vinix(url="wss://gateway.example", auth_token=TOKEN, account_id=ACCOUNT)
    simulator = VinixSimulator("of-nobody", seed=seed, generation=generation, inversions=0.0)
    return simulated_events(provider, simulator, MOST)


def by_voipbin(seed):
    provider = Voipbin(token=TOKEN, customer_id=CUSTOMER)
    return simulated_events(provider, VoipbinSimulator("of-nobody", seed=seed), MOST)


def day(seed):
    return happened_steps(Day(seed, lambda: AT))


@settings(max_examples=5)
@given(st.integers(1, 10**6))
def test_both_vendors_tell_the_same_day_in_the_same_words(seed):
    vinix, voipbin = (list(reported_steps(tell(seed))) for tell in (by_vinix, by_voipbin))
    assert min(len(vinix), len(voipbin)) > 20
    assert difference(vinix, day(seed)) == ""
    assert difference(voipbin, day(seed)) == ""
    assert difference(vinix, voipbin) == ""
    assert {step.kind for step in (*vinix, *voipbin)} >= {"contact.queued", "offer.created", "contact.connected"}


def lost(events):
    first = next(event for event in events if event.kind == "contact.connected")
    return [event for event in events if event.id != first.id]


def turned(events):
    steps = [index for index, event in enumerate(events) if event.kind in KINDS.values()]
    one, other = steps[3], steps[4]
    turned = list(events)
    turned[one], turned[other] = events[other], events[one]
    return turned


def renamed(events):
    kinds = {"offer.created": "contact.connected", "contact.connected": "offer.created"}
    return [attrs.evolve(event, kind=kinds.get(event.kind, event.kind)) for event in events]


def joined(events):
    """Two contacts as one, which no count of events shows."""
    contacts = list(dict.fromkeys(event.correlation for event in events if event.kind == "contact.queued"))
    return [
        attrs.evolve(event, correlation=contacts[0]) if event.correlation == contacts[1] else event for event in events
    ]


@pytest.mark.parametrize("spoil", [lost, turned, renamed, joined])
@pytest.mark.parametrize("tell", [by_vinix, by_voipbin])
def test_what_is_told_otherwise_is_seen(tell, spoil):
    once = [*{event.id: event for event in tell(1)}.values()]
    assert difference(reported_steps(spoil(once)), day(1)).startswith("step ")


def test_a_copy_is_one_step():
    events = by_voipbin(1)
    twice = [event for event in events for _ in range(2)]
    assert list(reported_steps(twice)) == list(reported_steps(events))


def test_a_day_begins_with_a_contact_that_is_queued():
    assert [step.kind for step in islice(day(1), 2)] == ["contact.queued", "offer.created"]
