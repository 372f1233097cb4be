"""`jackfield._serve.health`: ready while posts can be committed; everything else is degraded, with its reason."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from jackfield._gateway.snapshot import GatewayState
from jackfield._serve.health import LAG_EVENTS, LAG_SECONDS, health_of
from jackfield.reports import FeedState
from jackfield.reports.feed_stats import FeedStats
from jackfield.reports.stats import ClusterStats, JournalStats, SharedFeed, SinkStats
from jackfield.reports.workers import WorkerStats

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
WELL = GatewayState(
    {"office": FeedStats(AT, FeedState.SUBSCRIBED), "hooks": FeedStats(AT, FeedState.LISTENING)},
    {"crm": SinkStats(lag=5)},
    JournalStats(0, 0, 0, 0, 0, 0, 0, {}),
    (),
    (),
    {},
)


def changed(feed=None, sink=None, journal=None):
    return attrs.evolve(
        WELL,
        feeds=dict(WELL.feeds) | ({"office": feed} if feed else {}),
        sinks={"crm": sink} if sink else WELL.sinks,
        journal=attrs.evolve(WELL.journal, **(journal or {})),
    )


def test_where_all_is_well_it_is_ok():
    health = health_of(WELL, AT)
    assert (health.ready, health.status, health.as_document()["reasons"]) == (True, "ok", {})


@pytest.mark.parametrize(
    ("state", "reasons"),
    [
        (changed(FeedStats(AT, FeedState.RECONNECTING)), {"feeds.office": "reconnecting for 90 s"}),
        (
            changed(FeedStats(AT, FeedState.SUBSCRIBED, refused_topics={"a": "forbidden"})),
            {"feeds.office": "1 topics are refused"},
        ),
        (changed(sink=SinkStats("paused", lag=7)), {"sinks.crm": "paused, 7 events behind"}),
        (changed(sink=SinkStats(lag=LAG_EVENTS)), {"sinks.crm": f"{LAG_EVENTS} events behind"}),
        (
            changed(sink=SinkStats(lag=2, waiting_since=AT - timedelta(seconds=LAG_SECONDS))),
            {"sinks.crm": "2 events behind, the oldest for 390 s"},
        ),
        (
            changed(sink=SinkStats("retrying", lag=2, waiting_since=AT)),
            {"sinks.crm": "retrying, 2 events behind, the oldest for 90 s"},
        ),
    ],
)
def test_a_feed_or_a_sink_in_trouble_is_degraded_and_ready_all_the_same(state, reasons):
    health = health_of(state, AT + timedelta(seconds=90))
    assert (health.ready, health.status, dict(health.reasons)) == (True, "degraded", reasons)


def test_a_journal_that_cannot_write_is_not_ready():
    health = health_of(changed(journal={"failing": True, "waiting": 3}), AT)
    assert (health.ready, health.status) == (False, "unavailable")
    assert health.reasons["journal"] == "writing fails; 3 events are not committed"


def test_a_feed_that_another_gateway_holds_is_well_and_one_that_nobody_holds_is_not():
    idle = changed(feed=FeedStats(AT, FeedState.DISCONNECTED))
    for holder, trouble, reasons in (
        ("m2", "", {}),
        ("", "", {"feeds.office": "no member of the cluster holds it"}),
        ("m2", "no answer", {"cluster": "no answer"}),
    ):
        cluster = ClusterStats("m1", ("m1", "m2"), {"office": SharedFeed("elsewhere", holder, 1)}, trouble)
        health = health_of(attrs.evolve(idle, cluster=cluster), AT)
        assert (health.ready, dict(health.reasons)) == (True, reasons)


def test_while_a_worker_is_down_it_is_not_ready_and_says_whose_feeds_nobody_holds():
    up = WorkerStats(up=True, since=AT, feeds=("hooks",))
    state = attrs.evolve(WELL, workers={"1": up, "2": attrs.evolve(up, up=False, feeds=("office", "shop"))})
    health = health_of(state, AT + timedelta(seconds=3))
    assert health.as_document() == {
        "status": "unavailable",
        "ready": False,
        "reasons": {"workers.2": "down for 3 s; it holds office, shop"},
    }
    assert health_of(attrs.evolve(WELL, workers={"1": up}), AT).status == "ok"
