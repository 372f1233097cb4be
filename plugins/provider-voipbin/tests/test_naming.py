"""`jackfield_voipbin.naming`: what bare frames say happened, and ids that depend on no memory."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jackfield.plugin.protocol import Ignore
from jackfield_voipbin.protocol import VoipbinProtocol

AT = datetime(2026, 11, 26, tzinfo=UTC)
HERE = Path(__file__).parent
CALL = {"id": "c1", "customer_id": "C", "source": {}, "destination": {}, "action": {}, "direction": "incoming"}
AGENT = {"id": "a1", "customer_id": "C", "ring_method": "ringall", "permission": 16}
STREAM = {"customer_id": "C", "streaming_id": "s1", "transcribe_id": "t1"}


def lines(name):
    return [json.loads(line) for line in (HERE / name).read_text().split("\n") if line]


def events(protocol, frame):
    return [action.event for action in protocol.received(json.dumps(frame).encode(), AT)]


def kinds(protocol, frame):
    return [event.kind for event in events(protocol, frame)]


def second(number):
    return f"2026-11-26T10:00:{number:02d}Z"


def progressing(updated, stamp=2):
    return CALL | {
        "status": "progressing",
        "tm_create": second(0),
        "tm_progressing": second(stamp),
        "tm_update": second(updated),
    }


def test_every_delivered_name_has_its_kind():
    protocol = VoipbinProtocol("office")
    for line in lines("every_name.jsonl"):
        assert kinds(protocol, line["wire"]) == [line["expected_kind"]], line["wire"]["type"]


def test_whole_lives_of_calls_come_out_in_order_and_copies_change_nothing():
    protocol = VoipbinProtocol("office")
    for line in lines("bare_lives.jsonl"):
        first = events(protocol, line["wire"])
        assert [event.kind for event in first] == [line["expected_kind"]]
        assert [event.id for event in events(protocol, line["wire"])] == [event.id for event in first]


# Speech of one stream whose frames the fixture holds out of order is left to the topic.
NAMED = [line for line in lines("bare_named.jsonl") if not line.get("published_as", "").startswith("transcribe_speech")]


@pytest.mark.parametrize("line", NAMED, ids=lambda line: line["expected_kind"])
def test_a_bare_frame_is_what_it_was_published_as(line):
    assert kinds(VoipbinProtocol("office"), line["wire"]) == [line["expected_kind"]]


def test_a_transition_has_one_id_whichever_frame_shows_it():
    fresh, stale = progressing(2), progressing(9)
    (of_fresh,) = events(VoipbinProtocol("office"), fresh)
    of_stale, update = events(VoipbinProtocol("other"), stale)
    (wrapped,) = events(VoipbinProtocol("office"), {"type": "call_progressing", "data": stale})
    assert of_fresh.id == of_stale.id == wrapped.id
    assert (of_stale.kind, update.kind) == ("call.connected", "call.updated")
    assert update.id != of_stale.id


def test_a_stale_frame_after_its_transition_is_an_update_only():
    protocol = VoipbinProtocol("office")
    assert kinds(protocol, {"type": "call_progressing", "data": progressing(2)}) == ["call.connected"]
    assert kinds(protocol, progressing(5)) == ["call.updated"]


def test_memory_outlives_the_connection():
    before, after = VoipbinProtocol("office"), VoipbinProtocol("office")
    kinds(before, progressing(2))
    after.take_over(before)
    assert kinds(after, progressing(5)) == ["call.updated"]


def test_a_status_without_a_stamp_is_the_transition_once():
    protocol = VoipbinProtocol("office")
    frames = [CALL | {"status": "terminating", "tm_create": second(0), "tm_update": second(n)} for n in (3, 4)]
    assert [kinds(protocol, frame) for frame in frames] == [["call.clearing"], ["call.updated"]]


def test_an_agents_change_of_status_differs_from_other_changes():
    protocol = VoipbinProtocol("office")
    states = [("offline", None), ("available", 1), ("available", 2), ("busy", 3), ("busy", 3), ("busy", 4)]
    found = [
        kinds(protocol, AGENT | {"status": status, "tm_create": second(0), "tm_update": at and second(at)})
        for status, at in states
    ]
    words = ["created", "ready", "updated", "busy", "busy", "updated"]
    assert found == [[f"agent.{word}"] for word in words]


def test_speech_of_a_stream_begins_goes_on_and_ends_again_and_again():
    protocol = VoipbinProtocol("office")
    frames = [STREAM | {"id": f"x{n}", "tm_create": second(n)} for n in range(5)]
    frames[1]["message"] = frames[4]["message"] = "Hi"
    words = [kind for frame in frames for kind in kinds(protocol, frame) for _ in kinds(protocol, frame)]
    assert words == [f"transcription.speech_{word}" for word in ("started", "interim", "ended", "started", "interim")]


def test_an_unknown_shape_is_reported_once_with_the_nearest_resource():
    protocol = VoipbinProtocol("office")
    for number in range(3):
        frame = {"id": str(number), "customer_id": "C", "subject": "", "tm_create": second(1)}
        assert kinds(protocol, frame) == ["unmapped.unknown"]
    reports = [action.reason for action in protocol.tick(AT, 1.0) if isinstance(action, Ignore)]
    (report,) = reports
    assert "the nearest is email, which also has attachments, content, " in report
    assert not list(protocol.tick(AT, 1.0))
    assert "no known resource" in protocol.explain()


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("jackfield_voipbin.naming.MOST_REMEMBERED", 4)
    protocol = VoipbinProtocol("office")
    for number in range(10):
        kinds(protocol, progressing(2) | {"id": f"c{number}"})
    for table in (protocol._namer._reached, protocol._namer._decided):
        assert len(table._young) + len(table._old) <= 4
        assert table.get("c9") or table.get("c8") or table._old
