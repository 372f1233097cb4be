"""The figures of several gateways as those of one."""

from datetime import UTC, datetime, timedelta

import attrs

from jackfield._cli.workers.figures import NO_JOURNAL, continued, journal_of, sinks_of, without_connection
from jackfield._cli.workers.messages import UnitState
from jackfield.reports import FeedState, FeedStats, Latency, SinkStats, WebhookStats

AT = datetime(2026, 11, 27, tzinfo=UTC)


def unit(feed="office", count=1, **sink):
    webhooks = WebhookStats(count, 0, {"late": count})
    stats = FeedStats(AT, FeedState.SUBSCRIBED, events=count, topics=frozenset({"t"}), webhooks=webhooks)
    latency = Latency((count,) + (0,) * 14, 0.5)
    journal = attrs.evolve(NO_JOURNAL, taken=count, kept=count, size_bytes=10, limit_bytes=100, commits=latency)
    return UnitState({feed: stats}, {"crm": SinkStats(delivered=count, lag=count, batches=latency, **sink)}, journal)


def test_a_sink_that_every_worker_has_is_one_whose_counts_are_summed_and_whose_state_is_the_worst():
    (sink,) = sinks_of(
        [unit(count=1), unit("other", 2, state="paused", waiting_since=AT), unit("third", 4, breaker_open=True)]
    ).values()
    assert (sink.delivered, sink.lag, sink.batches.count) == (7, 7, 7)
    assert (sink.state, sink.waiting_since, sink.breaker_open) == ("paused", AT, True)


def test_journals_are_summed_and_fail_where_one_does():
    failing = unit("other")
    failing.journal = attrs.evolve(failing.journal, failing=True, oldest_at=AT)
    journal = journal_of([unit(), failing])
    assert (journal.taken, journal.size_bytes, journal.limit_bytes) == (2, 20, 200)
    assert (journal.failing, journal.oldest_at) == (True, AT)
    assert journal_of([]) == NO_JOURNAL


def test_counts_go_on_where_the_process_before_stopped_and_what_stands_is_of_now():
    later = AT + timedelta(hours=1)
    now = continued(without_connection(unit(count=5), later), unit(count=2))
    feed, sink = now.feeds["office"], now.sinks["crm"]
    assert (feed.events, feed.webhooks.accepted, feed.webhooks.rejections) == (7, 7, {"late": 7})
    assert (feed.state, feed.since, feed.topics) == (FeedState.SUBSCRIBED, AT, {"t"})
    assert (sink.delivered, sink.lag) == (7, 2)
    assert (now.journal.taken, now.journal.kept, now.journal.limit_bytes) == (7, 2, 100)


def test_a_feed_whose_process_has_ended_is_not_connected():
    feed = without_connection(unit(), AT).feeds["office"]
    assert (feed.state, feed.topics, feed.events) == (FeedState.DISCONNECTED, frozenset(), 1)
