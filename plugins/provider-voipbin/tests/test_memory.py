"""`jackfield_voipbin.memory`: what came, and which histories are to be read; bounded."""

import json
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_voipbin import memory as module
from jackfield_voipbin.memory import Memory
from jackfield_voipbin.protocol import VoipbinProtocol
from jackfield_voipbin.times import last_change

AT = datetime(2026, 1, 1, tzinfo=UTC)


def event(resource_id="c1", second=1, status="progressing", name="call_progressing", **fields):
    moment = (AT + timedelta(seconds=second)).isoformat()
    data = {"id": resource_id, "customer_id": "C", "status": status, "tm_update": moment} | fields
    (emit,) = VoipbinProtocol("office", "C").received(json.dumps({"type": name, "data": data}).encode(), AT)
    return emit.event, last_change(data)[0]


def test_a_state_is_known_by_its_resource_and_its_moment():
    memory = Memory()
    memory.note(*event(second=2))
    memory.note(*event(second=1))
    assert memory.knows("c1", AT + timedelta(seconds=1))
    assert not memory.knows("c1", AT + timedelta(seconds=3))
    assert memory.newest({"c1", "c2"}) == {"c1": AT + timedelta(seconds=2)}


def test_what_has_no_id_or_no_moment_is_not_remembered():
    memory = Memory()
    memory.note(*event(resource_id=None))
    memory.note(*event(tm_update=None))
    assert memory.histories() == []


def test_a_history_is_read_once_more_after_the_end():
    memory = Memory()
    memory.note(*event("c1"))
    memory.note(*event("c2", status="hangup"))
    memory.note(*event("f1", status="ended", name="activeflow_updated"))
    memory.note(*event("q1", name="queuecall_waiting"))
    assert memory.histories() == [("activeflow", "f1"), ("call", "c2"), ("call", "c1")]
    for resource_id in ("c1", "c2", "f1", "unknown"):
        memory.close(resource_id)
    assert memory.histories() == [("call", "c1")]


def test_what_has_ended_stays_so_whatever_comes_late():
    memory = Memory()
    memory.note(*event("c1", 2, "hangup"))
    memory.note(*event("c1", 1, "progressing"))
    memory.close("c1")
    assert memory.histories() == []


@pytest.mark.parametrize("limit", ["MOST_OPEN", "MOST_HEARD"])
def test_it_forgets_the_oldest(monkeypatch, limit):
    monkeypatch.setattr(module, limit, 3)
    memory = Memory()
    for number in range(10):
        memory.note(*event(f"c{number}", number))
        memory.heard(f"r{number}")
    assert memory.knows("c9", AT + timedelta(seconds=9))
    sizes = {"MOST_OPEN": len(memory.histories()), "MOST_HEARD": len(memory.came)}
    assert sizes.pop(limit) <= 3
    assert set(sizes.values()) == {10}


def second(number):
    return AT + timedelta(seconds=number)


def test_states_beyond_the_limit_are_forgotten_and_dated(monkeypatch):
    monkeypatch.setattr(module, "SLICE_STATES", 3)
    monkeypatch.setattr(module, "MOST_STATES", 9)
    memory = Memory()
    for number in range(10):
        memory.note(*event(f"c{number}", number))
        assert memory.forgotten_until == (second(2) if number > 7 else None)
    assert not memory.knows("c2", second(2)) and not memory.reaches(second(2))
    assert all(memory.knows(f"c{number}", second(number)) and memory.reaches(second(number)) for number in range(3, 10))


def test_no_more_than_one_full_slice_is_sorted_at_a_time(monkeypatch):
    monkeypatch.setattr(module, "SLICE_STATES", 3)
    memory = Memory()
    for number in range(10):
        memory.note(*event(f"c{number}", number))
    for unsorted in (3, 2, 1, 0):
        assert sum(bool(full.ids) for _, full in memory._slices) == unsorted
        memory.tick(AT, 1.0)
    assert memory.knows("c4", second(4))


def test_states_are_forgotten_with_time_that_was_connected():
    memory = Memory(reach_seconds=600.0)
    memory.note(*event("c1", 1))
    for number in range(660):
        assert memory.knows("c1", second(1)) and memory.forgotten_until is None
        memory.tick(second(number), 1.0)
    assert not memory.knows("c1", second(1))
    assert memory.forgotten_until == second(1)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.sampled_from([0.0, 0.0, 1.0, 70.0])), max_size=60))
def test_what_is_not_known_and_within_reach_never_came(steps):
    """Whatever came out of order: a state is known, or no later than what was forgotten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SLICE_STATES", 3)
        patch.setattr(module, "MOST_STATES", 9)
        memory = Memory(reach_seconds=120.0)
        came = set()
        for number, moment, passed in steps:
            memory.note(*event(f"c{number}", moment))
            memory.tick(second(100), passed)
            came.add((f"c{number}", second(moment)))
        for resource_id, moment in came:
            assert memory.knows(resource_id, moment) or not memory.reaches(moment)
        assert memory._newest.count + sum(full.count for _, full in memory._slices) <= 9


def test_a_stamp_of_the_far_future_does_not_make_everything_unknowable():
    memory = Memory(reach_seconds=60.0)
    memory.note(*event("c1", 1))
    memory.note(*event("c2", 86_400 * 365 * 50))
    for _ in range(180):
        memory.tick(AT, 1.0)
    assert memory.forgotten_until == second(1)
    assert memory.reaches(second(2))


def test_the_history_of_a_long_call_is_read_however_much_came_since(monkeypatch):
    monkeypatch.setattr(module, "SLICE_STATES", 2)
    monkeypatch.setattr(module, "MOST_STATES", 4)
    memory = Memory()
    memory.note(*event("long"))
    for number in range(10):
        memory.note(*event(f"m{number}", number, name="message_created"))
    assert memory.histories() == [("call", "long")]


def test_what_came_as_something_unknown_has_not_been_delivered():
    memory = Memory()
    came, moment = event("c1", 1)
    memory.note(attrs.evolve(came, kind="unmapped.unknown"), moment)
    assert not memory.knows("c1", moment)
    memory.note(came, moment)
    assert memory.knows("c1", moment)
