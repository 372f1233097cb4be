"""`jackfield_voipbin.memory`: what came, and what has a history that is worth a look; bounded."""

import json
from datetime import UTC, datetime, timedelta

import pytest

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
    assert memory.newest("c1") == AT + timedelta(seconds=2)
    assert memory.newest("c2") is None


def test_what_has_no_id_or_no_moment_is_not_remembered():
    memory = Memory()
    memory.note(*event(resource_id=None))
    memory.note(*event(tm_update=None))
    assert memory.histories() == []


def test_a_history_is_looked_at_once_more_after_the_end():
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


@pytest.mark.parametrize("limit", ["MOST_STATES", "MOST_RESOURCES", "MOST_OPEN", "MOST_HEARD"])
def test_it_forgets_the_oldest(monkeypatch, limit):
    monkeypatch.setattr(module, limit, 3)
    memory = Memory()
    for number in range(10):
        memory.note(*event(f"c{number}", number))
        memory.heard(f"r{number}")
    assert memory.knows("c9", AT + timedelta(seconds=9))
    sizes = {
        "MOST_STATES": len(memory._states),
        "MOST_RESOURCES": len(memory._newest),
        "MOST_OPEN": len(memory._open),
        "MOST_HEARD": len(memory.came),
    }
    assert sizes == dict.fromkeys(sizes, 10) | {limit: 3}


def test_what_nobody_asks_for_does_not_pile_up(monkeypatch):
    monkeypatch.setattr(module, "MOST_NOTES", 3)
    memory = Memory()
    for number in range(10):
        memory.note(*event(f"c{number}", number))
    assert len(memory._notes) == 3
    assert not memory.knows("c6", AT + timedelta(seconds=6))
    assert memory.knows("c7", AT + timedelta(seconds=7))
    assert not memory._notes


def test_a_long_call_is_looked_at_however_much_came_since(monkeypatch):
    monkeypatch.setattr(module, "MOST_NOTES", 3)
    memory = Memory()
    memory.note(*event("long"))
    for number in range(10):
        memory.note(*event(f"m{number}", number, name="message_created"))
    assert memory.histories() == [("call", "long")]
