"""A contact's timeline: in the order in which it happened, with what may be missing."""

import random
from datetime import timedelta

from jackfield.state.timeline import Timeline, shown

LIFE = (
    ("contact.created", 0, {"caller": "+491234", "caller_name": "Ada", "callee": "+4930"}),
    ("contact.queued", 2, {"queue_id": "q1", "queue_name": "Sales"}),
    ("contact.dequeued", 62, {}),
    ("contact.connected", 62, {"agent_name": "alice"}),
    ("contact.disconnected", 182, {}),
    ("contact.ended", 182, {"cause": "normal"}),
)


def gap(happened, at, since, until, feed="office"):
    data = {"since": at(since).isoformat(), "until": at(until).isoformat(), "cause": "cut"}
    return happened("stream.gap_suspected", until, data=data, feed=feed)


def test_a_contact_is_told_in_its_order(happened, at):
    events = [happened(kind, second, **parties) for kind, second, parties in LIFE]
    shuffled = [*events, *events]
    random.Random(1).shuffle(shuffled)
    timeline = Timeline.of(shuffled)
    assert [entry.kind for entry in timeline.entries] == [
        "contact.created",
        "contact.queued",
        "contact.connected",
        "contact.dequeued",
        "contact.disconnected",
        "contact.ended",
    ]
    assert (timeline.waited, timeline.handled) == (timedelta(seconds=60), timedelta(seconds=120))
    lines = list(timeline.lines())
    assert lines[0] == "2026-11-26 09:00:00 to 09:03:02 (3:02), by office"
    assert lines[1] == "09:00:00             contact.created       Ada (+491234) → +4930"
    assert lines[2] == "09:00:02      +2 s   contact.queued        queue Sales"
    assert lines[3] == "09:01:02     +1:00   contact.connected     agent alice"
    assert lines[-2] == "09:03:02             contact.ended         normal"
    assert lines[-1] == "waited 1:00, with an agent for 2:00"


def test_a_gap_is_shown_where_it_touches_the_contact(happened, at):
    events = [happened(kind, second, **parties) for kind, second, parties in LIFE]
    during, before = gap(happened, at, 70, 90), gap(happened, at, -90, -70)
    lines = list(Timeline.of([*events, during, before, happened("stream.subscribed", 100)]).lines())
    assert [line for line in lines if "stream" in line] == [
        "09:01:30     +28 s ! stream.gap_suspected  events of office may be missing from 09:01:10 to 09:01:30"
    ]


def test_who_gave_up_waited_too(happened):
    events = [happened("contact.queued", 0), happened("contact.abandoned", 45), happened("contact.ended", 45)]
    assert list(Timeline.of(events).lines())[-1] == "waited 45 s"


def test_nothing_is_nothing(happened, at):
    assert list(Timeline.of([]).lines()) == []
    assert Timeline.of([gap(happened, at, 0, 1)]).entries == ()


def test_durations():
    spans = [timedelta(seconds=each) for each in (0.4, 59, 60, 3599, 3727)]
    assert list(map(shown, spans)) == ["0 s", "59 s", "1:00", "59:59", "1:02:07"]
