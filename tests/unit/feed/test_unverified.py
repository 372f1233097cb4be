"""`jackfield._feed.unverified`: what nobody could know is stated for each moment once, and not too often."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jackfield._feed.unverified import PACE_SECONDS, UnverifiedSpan, UnverifiedSpans

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(second):
    return START + timedelta(seconds=second)


def span(since, until, reason="quiet"):
    return UnverifiedSpan(at(since), at(until), reason)


def test_the_first_statement_is_reported_at_once_and_the_next_ones_together_at_the_pace():
    spans = UnverifiedSpans()
    spans.add(at(0), at(10), "quiet")
    assert spans.take(0.0) == [span(0, 10)]
    spans.add(at(10), at(20), "quiet")
    spans.add(at(20), at(30), "quiet")
    assert spans.take(PACE_SECONDS - 1) == []
    assert spans.take(PACE_SECONDS) == [span(10, 30)]
    assert spans.take(9 * PACE_SECONDS) == []


def test_a_quiet_night_is_stated_at_an_ever_slower_pace():
    spans, stated = UnverifiedSpans(), []
    for minute in range(8 * 60):  # no event of one family or another, and REST compared each five minutes
        spans.add(at(60 * minute), at(60 * (minute + 1)), f"{('queue', 'recipient')[minute // 5 % 2]} events: a pause")
        stated += spans.take(60.0 * minute)
    assert len(stated) == 10
    assert all(later.since == one.until for one, later in pairwise(stated))
    assert set(stated[-1].reason.split("; ")) == {"recipient events: a pause", "queue events: a pause"}
    for minute in range(8 * 60 + 120, 8 * 60 + 130):  # after hours without anything to state it begins anew
        spans.add(at(60 * minute), at(60 * (minute + 1)), "quiet")
        stated += spans.take(60.0 * minute)
    assert len(stated) == 12
    spans.add(at(60 * 620), at(60 * 621), "quiet")
    assert len(spans.take(60.0 * 620)) == 2


def test_an_overlapping_statement_extends_what_was_reported():
    spans = UnverifiedSpans()
    spans.add(at(10), at(20), "quiet")
    assert spans.take(0.0) == [span(10, 20)]
    spans.add(at(5), at(30), "short memory")
    assert spans.take(1.0, now=True) == [span(5, 10, "short memory"), span(20, 30, "short memory")]


def test_an_empty_or_reversed_span_is_none():
    spans = UnverifiedSpans()
    spans.add(at(5), at(5), "quiet")
    spans.add(at(9), at(5), "quiet")
    assert spans.take(0.0) == []


SECOND = st.integers(0, 200)
STATEMENTS = st.lists(st.tuples(SECOND, SECOND, st.sampled_from(["quiet", "short memory"]), st.booleans()))
FEW = 3  # so few are never so many pieces that some are joined over what was stated


def seconds(since, until):
    return set(range(since, until))


@given(STATEMENTS)
def test_every_moment_that_was_stated_is_reported_exactly_once(statements):
    spans, reported, wanted = UnverifiedSpans(), [], set()
    for since, until, reason, now in statements:
        spans.add(at(since), at(until), reason)
        wanted |= seconds(since, until)
        reported += spans.take(0.0, now=now)
    reported += spans.take(0.0, now=True)
    parts = [
        seconds(*(int((moment - START).total_seconds()) for moment in (each.since, each.until))) for each in reported
    ]
    assert wanted <= set().union(*parts)
    if len(statements) <= FEW:
        assert sum(map(len, parts)) == len(set().union(*parts))


def test_a_flood_of_separate_spans_is_joined_to_a_bounded_number_of_reports():
    spans = UnverifiedSpans()
    for number in range(1000):
        spans.add(at(2 * number), at(2 * number + 1), f"reason {number}")
    (first, *others) = spans.take(0.0)
    assert first.reason == "reason 0; reason 1; reason 2; and more"
    assert len(others) == 0 and (first.since, max([first, *others], key=lambda each: each.until).until) == (
        at(0),
        at(1999),
    )


def test_spans_far_apart_are_joined_where_the_least_is_said_too_much_so_that_four_are_left():
    spans = UnverifiedSpans()
    for since in (0, 1000, 1300, 3000, 4100, 5500):
        spans.add(at(since), at(since + 100), "quiet")
    assert spans.take(0.0) == [span(0, 1400), span(3000, 3100), span(4100, 4200), span(5500, 5600)]
