"""`jackfield.reports`: each report is exported, has a level and one line of text, and shows no vendor's bytes."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import attrs
import pytest

from jackfield import reports
from jackfield.reports import FeedState, Report, is_due
from jackfield.reports.feed_states import TRANSITIONS
from jackfield.reports.feed_stats import FeedStats

KINDS = get_args(Report)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
SAMPLES = {
    "state": FeedState.RECONNECTING,
    "since": SINCE,
    "until": SINCE + timedelta(seconds=90),
    "raw": b"s3cret",
    "feeds": ("office",),
    "status": 401,
    "seconds": 2.5,
    "retry_in": 1.5,
    "regular": False,
}


def sample(kind):
    """One with a value in every field."""
    numbers = {"total", "count", "waiting", "attempt", "attempts", "events"}
    made = {
        field.name: SAMPLES.get(field.name, 3 if field.name in numbers else f"some-{field.name}")
        for field in attrs.fields(kind)
    }
    return kind(**made)


def test_every_report_is_exported_by_its_name():
    assert {kind.__name__ for kind in KINDS} <= set(reports.__all__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_is_one_line_with_a_level_and_without_the_bytes_that_it_is_about(kind):
    report = sample(kind)
    assert report.level in get_args(reports.Level)
    assert str(report).strip()
    assert "\n" not in str(report)
    assert "s3cret" not in str(report) + repr(report)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_names_what_it_is_about(kind):
    report = sample(kind)
    about = next(name for name in ("feed", "sink", "where", "entry_point", "feeds", "reason", "problem", "seconds")
                 if hasattr(report, name))  # fmt: skip
    value = getattr(report, about)
    assert str(value[0] if isinstance(value, tuple) else value) in str(report)


def test_a_count_is_reported_at_the_first_and_at_each_doubling():
    assert [total for total in range(1, 100) if is_due(total)] == [1, 2, 4, 8, 16, 32, 64]
    assert is_due(5, more=3)
    assert not is_due(7, more=3)


def test_every_state_of_a_feed_can_be_left_and_reached():
    assert set(TRANSITIONS) == set(FeedState)
    assert set().union(*TRANSITIONS.values()) == set(FeedState)


def test_a_snapshot_of_stats_does_not_change_with_them():
    stats = FeedStats()
    before = stats.snapshot()
    stats.ignored["pong"] += 1
    stats.refused_topics["t"] = "no"
    stats.webhooks.rejections["bad"] += 1
    assert (before.ignored, before.refused_topics, before.webhooks.rejections) == ({}, {}, {})
