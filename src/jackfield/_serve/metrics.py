"""A gateway's state as OpenMetrics: nothing is counted here, so an event costs the same whether anybody asks or not."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import accumulate
from typing import Any

import attrs
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from jackfield._gateway.snapshot import GatewayState
from jackfield.reports.feed_states import FeedState
from jackfield.reports.latency import BOUNDS, Latency
from jackfield.reports.stats import SINK_STATES

__all__ = ["CONTENT_TYPE_LATEST", "Process", "exposition", "families"]


@attrs.frozen
class Process:
    """What the process says of itself."""

    version: str
    loop_delays: Latency = attrs.field(factory=Latency)
    """How late the event loop was each time that it was measured."""
    python: str = attrs.field(factory=platform.python_version)


def exposition(state: GatewayState, process: Process, now: datetime) -> bytes:
    """The text that Prometheus reads."""
    generate: Callable[[Any], bytes] = generate_latest
    return generate(_Collected(list(families(state, process, now))))


@attrs.frozen
class _Collected:
    _families: list[Metric]

    def collect(self) -> Iterable[Metric]:
        return self._families


def families(state: GatewayState, process: Process, now: datetime) -> Iterator[Metric]:
    """Every figure of a state; names as Prometheus' conventions have them."""
    info = GaugeMetricFamily("jackfield_build_info", "Versions.", labels=["version", "python"])
    info.add_metric([process.version, process.python], 1)
    yield info
    yield from _group("process", PROCESS, {(): process})
    states = StateSetMetricFamily("jackfield_feed_state", "State of the feed's connection.", labels=["feed"])
    for name, feed in state.feeds.items():
        states.add_metric([name], {each.value: feed.state is each for each in FeedState})
    yield states
    yield from _group("feed", FEED, {(name,): each for name, each in state.feeds.items()}, "feed")
    states = StateSetMetricFamily("jackfield_sink_state", "How the sink stands.", labels=["sink"])
    for name, sink in state.sinks.items():
        states.add_metric([name], {each: sink.state == each for each in SINK_STATES})
    yield states
    yield from _group("sink", SINK, {(name,): each for name, each in state.sinks.items()}, "sink")
    lag = GaugeMetricFamily("jackfield_sink_lag_seconds", "Age of the oldest event of the lag.", labels=["sink"])
    for name, sink in state.sinks.items():
        lag.add_metric([name], max(0.0, (now - sink.waiting_since).total_seconds()) if sink.waiting_since else 0.0)
    yield lag
    yield from _group("journal", JOURNAL, {(): state.journal})
    yield from _group("serve", SERVE, {(): state.serve})
    yield from _group("durable", DURABLE, {(name,): each for name, each in state.durable.items()}, "name")
    yield from _group("worker", WORKER, {(name,): each for name, each in state.workers.items()}, "worker")
    yield from _group("gateway", GATEWAY, {(): state})
    if state.cluster is not None:
        yield from _group("cluster", CLUSTER, {(): state.cluster})
        yield from _group("cluster_feed", SHARED, {(name,): each for name, each in state.cluster.feeds.items()}, "feed")


def _group(of: str, figures: Iterable[Figure], rows: Mapping[tuple[str, ...], Any], *labels: str) -> Iterator[Metric]:
    """The families of one sort of row, such as feeds."""
    for figure in figures:
        family = figure.make(f"jackfield_{of}_{figure.name}", figure.text, labels=[*labels, *figure.by])
        for key, row in rows.items():
            value = figure.read(row)
            for more, each in value.items() if isinstance(value, Mapping) else [((), value)]:
                if isinstance(each, Latency):
                    bounds = [*map(str, BOUNDS), "+Inf"]
                    family.add_metric(key, list(zip(bounds, accumulate(each.counts), strict=True)), each.seconds)
                elif each is not None:
                    family.add_metric([*key, *((more,) if isinstance(more, str) else more)], each)
        yield family


@attrs.frozen
class Figure:
    """One figure of a row, or several by one more label."""

    name: str
    text: str
    read: Callable[[Any], Any]
    make: Callable[..., Any] = CounterMetricFamily
    """A counter's name gets ``_total``."""
    by: tuple[str, ...] = ()


def _gauge(name: str, text: str, read: Callable[[Any], Any], *by: str) -> Figure:
    return Figure(name, text, read, GaugeMetricFamily, by)


def _histogram(name: str, text: str, read: Callable[[Any], Latency]) -> Figure:
    return Figure(name, text, read, HistogramMetricFamily)


def _timestamp(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


PROCESS = (
    _histogram(
        "loop_delay_seconds",
        "How late the event loop was, measured four times a second.",
        lambda each: each.loop_delays,
    ),
)
FEED = (
    Figure("connections", "Connections that came up.", lambda feed: feed.connections),
    Figure("frames", "Frames that the vendor sent.", lambda feed: feed.frames),
    Figure("events", "Events of the vendor's.", lambda feed: feed.events),
    Figure("copies", "Events that had come already.", lambda feed: feed.copies),
    Figure("ignored_frames", "Frames and webhooks that were no events.", lambda feed: feed.ignored, by=("reason",)),
    Figure("unreadable_frames", "Frames and webhooks that could not be read.", lambda feed: feed.unreadable),
    Figure("gaps", "Gaps that were announced.", lambda feed: feed.gaps),
    Figure("gap_seconds", "Length of the announced gaps.", lambda feed: feed.gap_seconds),
    Figure("not_verified", "Spans in which a loss could not be known.", lambda feed: feed.not_verified_count),
    Figure("not_verified_seconds", "Length of these spans.", lambda feed: feed.not_verified_seconds),
    Figure("backfills", "Backfills that came to their end.", lambda feed: feed.backfills),
    Figure("backfilled_events", "Events that backfills brought.", lambda feed: feed.backfilled),
    Figure("failed_backfills", "Backfills that failed.", lambda feed: feed.backfills_failed),
    Figure("failed_requests", "Requests of the protocol by HTTP that failed.", lambda feed: feed.requests_failed),
    Figure("slow_steps", "Steps of the protocol that held up the event loop.", lambda feed: feed.slow_steps),
    Figure("webhooks", "Webhooks that were answered with 200.", lambda feed: feed.webhooks.accepted),
    Figure("webhook_copies", "Events in webhooks that were there already.", lambda feed: feed.webhooks.copies),
    Figure(
        "rejected_webhooks", "Webhooks answered with an error.", lambda feed: feed.webhooks.rejections, by=("reason",)
    ),
    _gauge("topics", "Active topics.", lambda feed: len(feed.topics)),
    _gauge("refused_topics", "Topics that the vendor refused.", lambda feed: len(feed.refused_topics)),
    _gauge("state_timestamp_seconds", "When the feed came into its state.", lambda feed: _timestamp(feed.since)),
    _gauge("last_event_timestamp_seconds", "When its last event came.", lambda feed: _timestamp(feed.last_event_at)),
)
SINK = (
    Figure("delivered_events", "Events that were delivered.", lambda sink: sink.delivered),
    Figure("lost_events", "Events that were routed to the sink and lost.", lambda sink: sink.dropped),
    Figure("dead_letters", "Events that the sink rejected for good.", lambda sink: sink.dead),
    Figure("failed_attempts", "Attempts to deliver that failed.", lambda sink: sink.failures),
    Figure("retried_events", "Events that were sent once more, each time.", lambda sink: sink.retried),
    _histogram("batch_seconds", "How long attempts took to send a batch.", lambda sink: sink.batches),
    _gauge("breaker_open", "1 while nothing but a probe is sent.", lambda sink: sink.breaker_open),
    _gauge("held_bytes", "Memory of events that were read and are not done with.", lambda sink: sink.held_bytes),
    _gauge("lag_events", "Events in the journal behind the sink's cursor.", lambda sink: sink.lag),
)
JOURNAL = (
    Figure("events", "Events that were taken.", lambda journal: journal.taken),
    Figure("duplicates", "Copies that were left out.", lambda journal: journal.duplicates),
    Figure("dropped_events", "Events not taken, or not committed by the end.", lambda journal: journal.dropped),
    Figure("rescued_events", "Events saved beside a journal that was gone.", lambda journal: journal.rescued),
    Figure("damaged_reads", "Events that could not be read.", lambda journal: journal.damaged),
    Figure("unread_events", "Events deleted before every sink had passed them.", lambda journal: journal.unread),
    _histogram("commit_seconds", "How long commits took.", lambda journal: journal.commits),
    _gauge("waiting_events", "Events that are not committed yet.", lambda journal: journal.waiting),
    _gauge("waiting_bytes", "Bytes of these.", lambda journal: journal.waiting_bytes),
    _gauge("kept_events", "Events that can be read.", lambda journal: journal.kept),
    _gauge("size_bytes", "Bytes of the journal's files of events.", lambda journal: journal.size_bytes),
    _gauge("limit_bytes", "Beyond that the oldest events are deleted.", lambda journal: journal.limit_bytes),
    _gauge("retain_seconds", "Passed events older than that are deleted.", lambda journal: journal.retain_seconds),
    _gauge(
        "oldest_event_timestamp_seconds", "When its oldest event came.", lambda journal: _timestamp(journal.oldest_at)
    ),
    _gauge("failing", "1 while writing fails, so that nothing is confirmed.", lambda journal: journal.failing),
    _gauge("dead_letters", "Dead letters that are kept.", lambda journal: journal.dead_lettered, "sink"),
)
SERVE = (
    _gauge("clients", "Streams that are open.", lambda serve: serve.clients),
    Figure("streams", "Streams that were opened.", lambda serve: serve.accepted),
    Figure("sent_events", "Events that were sent, to all clients together.", lambda serve: serve.sent),
    Figure("sent_bytes", "Bytes of events and states that were sent.", lambda serve: serve.sent_bytes),
    Figure("dropped_events", "Events that were dropped for slow clients.", lambda serve: serve.dropped),
    Figure("rejected_requests", "Requests that were refused.", lambda serve: serve.rejections, by=("reason",)),
)
DURABLE = (
    _gauge("behind_events", "Events that it has not acknowledged.", lambda durable: durable.behind),
    _gauge("owned", "0 where its token is not configured.", lambda durable: durable.owned),
)
WORKER = (
    _gauge("up", "1 while the process holds its feeds.", lambda worker: worker.up),
    _gauge("feeds", "Feeds that it holds.", lambda worker: len(worker.feeds)),
    Figure("restarts", "How often the process was started again.", lambda worker: worker.restarts),
)
GATEWAY = (
    Figure(
        "unroutable_webhooks",
        "Webhooks that were for no feed.",
        lambda state: state.unroutable_webhooks,
        by=("reason",),
    ),
    _gauge("routes", "Routes.", lambda state: len(state.routes)),
    _gauge("listeners", "Listeners in the process.", lambda state: len(state.listeners)),
    _gauge("listener_waiting_events", "In their buffers.", lambda state: sum(each.waiting for each in state.listeners)),
    _gauge(
        "listener_dropped_events",
        "Events that the listeners which are open now have lost.",
        lambda state: sum(each.dropped for each in state.listeners),
    ),
)
CLUSTER = (
    _gauge("members", "Gateways that share feeds, as this one sees them.", lambda cluster: len(cluster.members)),
    _gauge("connected", "0 while the coordinator does not answer.", lambda cluster: not cluster.trouble),
)
SHARED = (
    _gauge("writes", "1 where this gateway writes the feed.", lambda feed: feed.role == "writes"),
    _gauge("stands_by", "1 where this gateway keeps copies of it.", lambda feed: feed.role == "stands by"),
    _gauge("held", "1 where any gateway has its lease.", lambda feed: bool(feed.holder)),
    _gauge("fence", "How often its lease was won.", lambda feed: feed.fence),
    _gauge("kept_copies", "Copies that are kept here while another gateway writes.", lambda feed: feed.kept),
    Figure("dropped_copies", "Copies that did not fit, and may not have been written.", lambda feed: feed.overflowed),
)
