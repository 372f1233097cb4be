"""`jackfield._serve.metrics`: every figure of a gateway's state, in the form that Prometheus reads."""

import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from jackfield._gateway.snapshot import GatewayState
from jackfield._serve import metrics
from jackfield._serve.metrics import Process, exposition
from jackfield.reports import DurableStats, FeedState
from jackfield.reports.feed_stats import FeedStats, WebhookStats
from jackfield.reports.latency import BOUNDS, Latency, LatencyCounter
from jackfield.reports.stats import ClusterStats, JournalStats, ListenerState, ServeStats, SharedFeed, SinkStats
from jackfield.reports.workers import WorkerStats
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
NOW = AT + timedelta(seconds=17)
SINK = numbered(SinkStats, 200, batches=Latency((1,) * 15, 250), waiting_since=AT, breaker_open=True)
GIVEN = {"limit_bytes": 360, "retain_seconds": 361.0, "oldest_at": AT - timedelta(seconds=1)}
JOURNAL = numbered(
    JournalStats, 300, dead_lettered={"crm": 350}, failing=True, commits=Latency((2,) * 15, 352), **GIVEN
)
SERVE = numbered(ServeStats, 500, rejections={"no token": 510})
STATE = GatewayState(
    {"office": FEED},
    {"crm": SINK},
    JOURNAL,
    (ListenerState((EVERYTHING,), 401, 1000, "drop_oldest", 402),),
    (),
    {"no such feed": 403},
    SERVE,
    durable={"old/desk": DurableStats(404, owned=False)},
)


DELAYS = Latency((0, 3, *(0,) * 12, 1), 42.5)


def samples(state=STATE):
    text = exposition(state, Process("0.1.0", DELAYS), NOW).decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_counter_of_the_state_is_there():
    values = list(samples().values())
    for row in (FEED, FEED.webhooks, SINK, JOURNAL, SERVE):
        for field in attrs.fields(type(row)):
            value = getattr(row, field.name)
            if field.name not in NO_FIGURES and isinstance(value, int | float):
                assert values.count(float(value)) >= 1, field.name
            elif isinstance(value, Latency):
                assert {float(value.count), float(value.seconds)} <= set(values), field.name
            elif isinstance(value, datetime) and field.name not in ("since", "waiting_since"):
                assert value.timestamp() in values, field.name
            elif isinstance(value, dict | Counter) and field.name != "refused_topics":
                assert set(map(float, value.values())) <= set(values), field.name


def test_what_a_state_has_beside_these_rows_is_there_too():
    """A part of the state that comes anew fails here until it has its figures."""
    parts = {"feeds", "sinks", "journal", "listeners", "routes", "unroutable_webhooks", "serve", "durable", "cluster"}
    assert {field.name for field in attrs.fields(GatewayState)} == parts | {"workers"}
    found = samples()
    assert found["jackfield_gateway_listener_dropped_events",] == 402
    assert found["jackfield_gateway_unroutable_webhooks_total", ("reason", "no such feed")] == 403
    assert found["jackfield_durable_behind_events", name := ("name", "old/desk")] == 404
    assert found["jackfield_durable_owned", name] == 0


def test_states_labels_and_units_are_as_the_conventions_have_them():
    found = samples()
    feed = ("feed", "office")
    assert found["jackfield_feed_state", feed, ("jackfield_feed_state", "subscribed")] == 1
    assert found["jackfield_feed_state", feed, ("jackfield_feed_state", "disconnected")] == 0
    assert found["jackfield_feed_ignored_frames_total", feed, ("reason", "reply")] == 3
    assert found["jackfield_feed_topics", feed] == 3
    assert found["jackfield_feed_refused_topics", feed] == 2
    assert found["jackfield_feed_last_event_timestamp_seconds", feed] == AT.timestamp()
    assert found["jackfield_journal_dead_letters", ("sink", "crm")] == 350
    assert found["jackfield_sink_breaker_open", sink := ("sink", "crm")] == 1
    assert found["jackfield_sink_lag_seconds", sink] == 17
    assert found["jackfield_gateway_listener_waiting_events",] == 401


def test_what_takes_time_is_a_histogram():
    found, name = samples(), "jackfield_process_loop_delay_seconds"
    assert [found[f"{name}_bucket", ("le", str(bound))] for bound in (*BOUNDS, "+Inf")] == [0.0, *[3.0] * 13, 4.0]
    assert (found[f"{name}_count",], found[f"{name}_sum",]) == (4, 42.5)


def test_a_bucket_counts_what_took_at_most_as_long_as_its_bound():
    counter = LatencyCounter()
    for seconds in (0.0, BOUNDS[0], BOUNDS[0] * 1.01, BOUNDS[-1], 1000.0):
        counter.observe(seconds)
    latency = counter.snapshot()
    assert (latency.counts[0], latency.counts[1], latency.counts[-2], latency.counts[-1]) == (2, 1, 1, 1)
    assert latency.count == 5


def test_a_sink_that_is_done_with_everything_lags_by_no_second():
    state = attrs.evolve(STATE, sinks={"crm": SinkStats()})
    assert samples(state)["jackfield_sink_lag_seconds", ("sink", "crm")] == 0


def test_what_never_came_has_no_time():
    state = attrs.evolve(STATE, feeds={"office": attrs.evolve(FEED, last_event_at=None)})
    assert not [key for key in samples(state) if key[0] == "jackfield_feed_last_event_timestamp_seconds"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool, of the package prometheus")
def test_prometheus_own_linter_has_nothing_to_say_of_the_names():
    plain = generate_latest(metrics._Collected(list(metrics.families(STATE, Process("0.1.0", DELAYS), NOW))))
    done = subprocess.run(["promtool", "check", "metrics"], input=plain, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_each_name_is_given_once():
    names = [each.name for each in metrics.families(STATE, Process("0"), NOW)]
    assert len(names) == len(set(names))


def test_a_gateway_that_shares_feeds_says_what_it_writes():
    shared = {"office": SharedFeed("writes", "m1", 7), "line": SharedFeed("stands by", "m2", 2, 30, 4)}
    found = samples(attrs.evolve(STATE, cluster=ClusterStats("m1", ("m1", "m2"), shared, "away")))
    assert found["jackfield_cluster_members",] == 2
    assert found["jackfield_cluster_connected",] == 0
    office, line = ("feed", "office"), ("feed", "line")
    assert [found[f"jackfield_cluster_feed_{name}", office] for name in ("writes", "stands_by", "fence")] == [1, 0, 7]
    assert found["jackfield_cluster_feed_kept_copies", line] == 30
    assert found["jackfield_cluster_feed_dropped_copies_total", line] == 4
    assert not any(name.startswith("jackfield_cluster") for name, *_ in samples())


def test_the_processes_that_hold_the_feeds_are_there_by_their_numbers():
    worker = WorkerStats(up=False, since=AT, feeds=("a", "b"), restarts=3)
    text = exposition(attrs.evolve(STATE, workers={"1": worker}), Process("1"), NOW).decode()
    for line in ('up{worker="1"} 0.0', 'feeds{worker="1"} 2.0', 'restarts_total{worker="1"} 3.0'):
        assert f"jackfield_worker_{line}\n" in text
