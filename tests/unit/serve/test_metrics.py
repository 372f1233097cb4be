"""`jackfield._serve.metrics`: every figure of a gateway's state, in the form that Prometheus reads."""

from collections import Counter
from datetime import UTC, datetime

import attrs
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from jackfield._gateway.snapshot import GatewayState
from jackfield._serve import metrics
from jackfield._serve.metrics import Process, exposition
from jackfield.reports import FeedState
from jackfield.reports.feed_stats import FeedStats, WebhookStats
from jackfield.reports.stats import JournalStats, ListenerState, SinkStats
from jackfield.selectors import EVERYTHING

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
# What is no figure, or has a family of its own.
NO_FIGURES = {"since", "state", "last_unreadable", "webhooks"}


def numbered(cls, start=1, **given):
    """A row in which every number is another, so that a wrong one shows."""
    values = {}
    for field in attrs.fields(cls):
        if field.name in given:
            values[field.name] = given[field.name]
        elif field.type in ("int", "float", int, float):
            values[field.name] = start = start + 1
    return cls(**values)


FEED = numbered(
    FeedStats,
    since=AT,
    last_event_at=AT,
    state=FeedState.SUBSCRIBED,
    ignored=Counter(reply=3),
    topics=frozenset("abc"),
    refused_topics={"d": "no", "e": "no"},
    webhooks=WebhookStats(100, 101, {"bad signature": 102}),
)
SINK = numbered(SinkStats, 200)
JOURNAL = numbered(JournalStats, 300, dead_lettered={"crm": 310}, failing=True)
STATE = GatewayState(
    {"office": FEED},
    {"crm": SINK},
    JOURNAL,
    (ListenerState((EVERYTHING,), 401, 1000, "drop_oldest", 402),),
    (),
    {"no such feed": 403},
)


def samples(state=STATE):
    text = exposition(state, Process("0.1.0", 0.25)).decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_counter_of_the_state_is_there():
    values = list(samples().values())
    for row in (FEED, FEED.webhooks, SINK, JOURNAL):
        for field in attrs.fields(type(row)):
            value = getattr(row, field.name)
            if field.name not in NO_FIGURES and isinstance(value, int | float):
                assert values.count(float(value)) >= 1, field.name
            elif isinstance(value, dict | Counter) and field.name != "refused_topics":
                assert set(map(float, value.values())) <= set(values), field.name


def test_states_labels_and_units_are_as_the_conventions_have_them():
    found = samples()
    feed = ("feed", "office")
    assert found["jackfield_feed_state", feed, ("jackfield_feed_state", "subscribed")] == 1
    assert found["jackfield_feed_state", feed, ("jackfield_feed_state", "disconnected")] == 0
    assert found["jackfield_feed_ignored_frames_total", feed, ("reason", "reply")] == 3
    assert found["jackfield_feed_topics", feed] == 3
    assert found["jackfield_feed_refused_topics", feed] == 2
    assert found["jackfield_feed_last_event_timestamp_seconds", feed] == AT.timestamp()
    assert found["jackfield_journal_dead_letters", ("sink", "crm")] == 310
    assert found["jackfield_process_loop_delay_seconds",] == 0.25
    assert found["jackfield_gateway_listener_waiting_events",] == 401


def test_what_never_came_has_no_time():
    state = attrs.evolve(STATE, feeds={"office": attrs.evolve(FEED, last_event_at=None)})
    assert not [key for key in samples(state) if key[0] == "jackfield_feed_last_event_timestamp_seconds"]


def test_each_name_is_given_once():
    names = [each.name for each in metrics.families(STATE, Process("0"))]
    assert len(names) == len(set(names))
