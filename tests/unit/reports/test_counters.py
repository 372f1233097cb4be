"""`jackfield.reports._counters`: what a program gets are values that never change; what counts is private."""

from collections.abc import Mapping
from datetime import UTC, datetime

import attrs
import pytest

from jackfield.errors import FrameError
from jackfield.reports import FeedStats, JournalStats, ListenerState, SinkStats, WebhookStats
from jackfield.reports._counters import FeedCounters, SinkCounters, WebhookCounters, count_reason

SINK_KNOWN = {"lag", "waiting_since", "held_bytes", "breaker_open"}  # by the pipeline and the journal
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("kind", [FeedStats, WebhookStats, SinkStats, JournalStats, ListenerState])
def test_public_stats_are_frozen_and_hold_nothing_that_changes(kind):
    values = {"since": NOON} if kind is FeedStats else {}
    required = [field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING]
    stats = kind(**{name: values.get(name, 0) for name in required})
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(stats, attrs.fields(kind)[0].name, 1)
    for field in attrs.fields(kind):
        assert not isinstance(getattr(stats, field.name), dict | list | set)


def test_a_snapshot_stays_as_it_was_while_the_counting_goes_on():
    counters = FeedCounters(NOON)
    count_reason(counters.ignored, "hello")
    count_reason(counters.webhooks.rejections, "no key")
    counters.refused_topics["a"] = "no"
    counters.last_unreadable.append(error := FrameError("gibberish", b"?"))
    counters.events = 7
    then = counters.snapshot()
    count_reason(counters.ignored, "hello")
    count_reason(counters.webhooks.rejections, "no key")
    counters.refused_topics.clear()
    counters.last_unreadable.clear()
    counters.events = 8
    assert (then.ignored, then.webhooks.rejections) == ({"hello": 1}, {"no key": 1})
    assert (then.refused_topics, then.last_unreadable, then.events) == ({"a": "no"}, (error,), 7)
    for mapping in (then.ignored, then.webhooks.rejections, then.refused_topics):
        assert isinstance(mapping, Mapping)
        with pytest.raises(TypeError):
            mapping["x"] = 1


@pytest.mark.parametrize(
    ("counters", "stats", "known"),
    [
        (FeedCounters, FeedStats, {"copies"}),
        (WebhookCounters, WebhookStats, set()),
        (SinkCounters, SinkStats, SINK_KNOWN),
    ],
)
def test_whatever_is_counted_is_public_under_the_same_name(counters, stats, known):
    assert {field.name for field in attrs.fields(counters)} | known == {field.name for field in attrs.fields(stats)}
