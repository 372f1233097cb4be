"""`jackfield.simulation.shift`: a contact centre at a human scale, on a clock of the test's."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from jackfield.simulation.shift import BEGIN_SECONDS, Shift

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def hour(seed=1, speed=1.0, **scale):
    """What happens in an hour of the shift, looked at ten times a second."""
    clock = [NOON]
    shift = Shift(seed, lambda: clock[0], speed=speed, **scale)
    happened = []
    for event in shift:
        if event is not None:
            happened.append(event)
            continue
        clock[0] += timedelta(seconds=0.1)
        if clock[0] > NOON + timedelta(hours=1) / speed:
            break
    return shift, happened


def test_the_same_seed_gives_the_same_hour_and_another_one_other_people():
    first, one = hour(agents=6, queues=2)
    _, again = hour(agents=6, queues=2)
    other, _ = hour(seed=2, agents=6, queues=2)
    assert [(each.what, each.at) for each in one] == [(each.what, each.at) for each in again]
    assert not {queue.name for queue in first.lines} & {queue.name for queue in other.lines}


def test_calls_take_minutes_and_agents_are_busy_and_some_callers_give_up():
    _, happened = hour(agents=12, queues=3)
    counts = Counter(each.what for each in happened)
    talks = [(each.at - each.contact.since["connected"]).total_seconds() for each in happened if each.what == "hung_up"]
    assert counts["queue_started"] == 3
    assert counts["agent_logged_on"] == 12
    assert 80 < counts["connected"] < 200  # twelve agents, some four minutes each
    assert 0 < counts["abandoned"] < counts["connected"] / 3
    assert 45 <= min(talks) <= max(talks) <= 425
    assert 120 < sum(talks) / len(talks) < 300
    assert counts["agent_away"] > 5


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_the_first_contact_comes_when_who_connects_at_once_is_there(speed):
    _, happened = hour(agents=4, queues=1, speed=speed)
    first = next(each for each in happened if each.contact is not None)
    assert first.at - NOON >= timedelta(seconds=BEGIN_SECONDS)


def test_each_agent_has_one_contact_at_a_time_and_each_queue_hands_out_the_first():
    _, happened = hour(agents=5, queues=2)
    having, queued = {}, {}
    for each in happened:
        match each.what:
            case "queued":
                queued.setdefault(each.queue.number, []).append(each.contact.number)
            case "offered":
                assert having.setdefault(each.agent.number, each.contact.number) == each.contact.number
                assert queued[each.queue.number][0] == each.contact.number
            case "rejected" | "rescinded":
                del having[each.agent.number]
            case "connected" | "abandoned":
                queued[each.queue.number].remove(each.contact.number)
            case "wrapup_ended":
                del having[each.agent.number]
