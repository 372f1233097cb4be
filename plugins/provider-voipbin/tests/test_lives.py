"""Whole lives as the platform publishes them bare, of every resource that has states: each frame is what it was."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jackfield.plugin.protocol import Emit
from jackfield_voipbin.kinds import kind_by, rule_of
from jackfield_voipbin.protocol import VoipbinProtocol
from jackfield_voipbin.shapes import SHAPES

AT = datetime(2026, 11, 26, tzinfo=UTC)

# By resource: the states that it may be created in; what may follow in any order that the platform has; the stamps.
# After each of them any number of updates with an unchanged status may come, where the platform has such an event.
LIVES = {
    "call": [
        (("dialing", "ringing"), ("ringing", "progressing", "terminating", "hangup")),
        (("dialing",), ("ringing", "canceling", "hangup")),
        (("dialing", "ringing"), ("hangup",)),
    ],
    "groupcall": [(("progressing",), ("progressing", "hangup"))],
    "queuecall": [
        (("initiating",), ("waiting", "connecting", "service", "done")),
        (("initiating",), ("waiting", "abandoned")),
    ],
    "recording": [(("initiating",), ("ended",))],
    "transcribe": [(("progressing",), ("progressing", "done"))],
    "aicall": [
        (("initiating",), ("progressing", "pausing", "resuming", "terminating", "terminated")),
        (("initiating",), ("terminated",)),
    ],
    "campaign": [(("stop",), ("run", "stopping", "stop", "run"))],
    "conference": [(("starting", "progressing"), ("progressing", "terminated"))],
}
STAMPS = {
    "call": {"ringing": "tm_ringing", "progressing": "tm_progressing", "hangup": "tm_hangup"},
    "queuecall": {"service": "tm_service"},
    "recording": {"ended": "tm_end"},
    "aicall": {"terminated": "tm_end"},
    "conference": {"terminated": "tm_end"},
}
WORDS = {
    "queuecall": {"service": "serviced"},
    "recording": {"initiating": "started", "ended": "finished"},
    "aicall": {"initiating": "status_initializing"},
    "conference": {"progressing": "updated", "terminated": "deleted"},
    "campaign": {"run": "status_run", "stopping": "status_stopping", "stop": "status_stop"},
}
UPDATES = ("call", "campaign", "conference")
CREATED = {"recording": "started", "aicall": "status_initializing"}


def word_of(resource, status):
    own = {"aicall": f"status_{status}"}.get(resource, status)
    return WORDS.get(resource, {}).get(status, own)


@st.composite
def lives(draw):
    """Frames with the names that they were published under, of some resources, as they come over one connection."""
    streams = []
    for number in range(draw(st.integers(1, 3))):
        resource = draw(st.sampled_from(sorted(LIVES)))
        first, following = draw(st.sampled_from(LIVES[resource]))
        skipped = draw(st.integers(0, 1)) if resource == "call" else 0
        moment = AT + timedelta(seconds=number)
        row = dict.fromkeys(SHAPES[resource].always, "") | {"id": f"{resource}-{number}", "customer_id": "c"}
        row |= {key: None for key in row if key.startswith("tm_")}
        row |= {"source": {}, "destination": {}, "action": {}, "status": draw(st.sampled_from(first))}
        row |= {"tm_create": moment.isoformat(), "type": draw(st.sampled_from(["flow", "", "conference"]))}
        if resource not in ("call", "conference", "campaign"):
            del row["type"]
        frames = [(f"{resource}_{CREATED.get(resource, 'created')}", dict(row))]
        for status in following[skipped:] if row["status"] != "ringing" else following:
            if resource == "call" and status == row["status"]:
                continue
            for _ in range(draw(st.integers(0, 2)) if resource in UPDATES else 0):
                moment += timedelta(microseconds=draw(st.integers(1, 10**7)))
                row |= {"tm_update": moment.isoformat()}
                frames.append((f"{resource}_updated", dict(row)))
            moment += timedelta(microseconds=draw(st.integers(1, 10**7)))
            row |= {"status": status, "tm_update": moment.isoformat()}
            if stamp := STAMPS.get(resource, {}).get(status):
                row[stamp] = moment.isoformat()
            frames.append((f"{resource}_{word_of(resource, status)}", dict(row)))
        streams.append(frames)
    merged = []
    while streams := [each for each in streams if each]:
        merged.append(draw(st.sampled_from(streams)).pop(0))
    return merged


@given(lives(), st.integers(1, 4))
def test_a_life_comes_out_as_it_was_published_and_each_copy_with_the_same_id(frames, copies):
    protocol = VoipbinProtocol("office", "c")
    for name, row in frames:
        expected = kind_by(rule_of(name), row)
        raw, reordered = (json.dumps(each).encode() for each in (row, dict(reversed(row.items()))))
        seen = [
            [action.event for action in protocol.received(each, AT) if isinstance(action, Emit)]
            for each in (raw, reordered) * copies
        ]
        assert [event.kind for event in seen[0]] == [expected], (name, row["status"])
        assert {tuple((event.kind, event.id) for event in each) for each in seen} == {
            tuple((event.kind, event.id) for event in seen[0])
        }
