"""`jackfield._dashboard.operations`: the operator's figures and notices, without a gateway."""

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import attrs
import msgspec
import pytest

from jackfield._dashboard.operations import MOST_NOTICES, Operations
from jackfield._gateway.snapshot import GatewayState
from jackfield.reports import ClusterStats, FeedState, FeedStateChanged, GapSuspected, SharedFeed
from jackfield.reports.feed_stats import FeedStats
from jackfield.reports.stats import JournalStats, SinkStats

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def state(events=0, delivered=0, **feed):
    journal = JournalStats(events, 0, 0, 0, events, 0, 0, MappingProxyType({}))
    feeds = {"office": FeedStats(NOON, events=events, **feed)}
    return GatewayState(feeds, {"crm": SinkStats(delivered=delivered, lag=3)}, journal, (), (), {})


def changed(to, reason=""):
    return FeedStateChanged("office", to, reason)


def test_rates_are_of_the_last_measurements_and_the_rest_is_counted():
    operations = Operations()
    for second in range(10):
        counts = state(events=second * second, delivered=second, state=FeedState.SUBSCRIBED)
        operations.measure(counts, {"office": "acme"}, second)
    shown = operations.shown()
    (feed,), (sink,) = shown["feeds"], shown["sinks"]
    assert (feed["key"], feed["provider"], feed["state"], feed["events"]) == ("office", "acme", "subscribed", 81)
    assert feed["rate"] == shown["rate"] == 13.0  # from 16 to 81 in five seconds
    assert (sink["key"], sink["rate"], sink["delivered"], sink["lag"]) == ("crm", 1.0, 9, 3)
    assert msgspec.json.decode(msgspec.json.encode(shown)) == shown


def test_a_feed_that_stays_down_is_down_since_the_first_time_and_says_so_once():
    operations = Operations()
    operations.measure(state(), {}, 0)
    operations.observe(changed(FeedState.RECONNECTING, "connection refused"), NOON)
    for minute in range(1, 5):
        again = changed(FeedState.CONNECTING if minute % 2 else FeedState.RECONNECTING)
        operations.observe(again, NOON + timedelta(minutes=minute))
    shown = operations.shown()
    assert (shown["feeds"][0]["since"], shown["feeds"][0]["reason"]) == (NOON.timestamp(), "connection refused")
    assert len(shown["notices"]) == 1
    operations.observe(changed(FeedState.SUBSCRIBED), NOON + timedelta(minutes=9))
    assert operations.shown()["feeds"][0]["reason"] == ""
    assert len(operations.shown()["notices"]) == 2


def test_the_last_gap_is_shown_and_notices_are_bounded():
    operations = Operations()
    operations.measure(state(), {}, 0)
    for number in range(100):
        until = NOON + timedelta(seconds=number)
        operations.observe(GapSuspected("office", NOON, until, "disconnected " + "x" * 1000), NOON)
    shown = operations.shown()
    since, until, cause = shown["feeds"][0]["gap"]
    assert (until - since, cause.partition(" ")[0]) == (99.0, "disconnected")
    assert len(shown["notices"]) == MOST_NOTICES
    assert len({each["key"] for each in shown["notices"]}) == MOST_NOTICES
    assert max(len(each["text"]) for each in shown["notices"]) <= 500


def test_before_the_first_measurement_there_are_no_figures():
    assert Operations().shown() == {"rate": 0.0, "journal": {}, "feeds": [], "sinks": [], "notices": []}


@pytest.mark.parametrize(
    ("role", "holder", "said"),
    [
        ("writes", "m1", "writes it, under number 7"),
        ("stands by", "m2", "stands by, m2 writes it"),
        ("elsewhere", "m2", "m2 writes it"),
        ("elsewhere", "", "nobody writes it"),
    ],
)
def test_a_feed_that_is_shared_with_other_gateways_says_who_writes_it(role, holder, said):
    operations = Operations()
    cluster = ClusterStats("m1", ("m1", "m2"), {"office": SharedFeed(role, holder, 7)})
    operations.measure(attrs.evolve(state(), cluster=cluster), {}, 0)
    assert operations.shown()["feeds"][0]["reason"] == said
