"""`jackfield_file.rotation`: when, under which name, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_file.rotation import PART, TORN, Policy, find_rotated, next_moment, rotated_name

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAMES = ["events.jsonl", "a@b.jsonl", "x", ".jsonl", "a.b.jsonl.gz", "a@20261121T120000.000000Z.jsonl"]


def moments():
    start = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    return st.datetimes(start, start.replace(year=2900), timezones=st.just(UTC))


def suffix_of(name):
    return ".jsonl" if name.endswith(".jsonl") else ""


@pytest.mark.parametrize(
    ("policy", "size", "adding", "written", "due"),
    [
        (Policy(), 10**12, 10**6, NOON - timedelta(days=400), False),
        (Policy(rotate_bytes=100), 60, 40, NOON, False),
        (Policy(rotate_bytes=100), 60, 41, NOON, True),
        (Policy(rotate_bytes=100), 0, 500, NOON, False),
        (Policy(rotate_every="day"), 1, 1, NOON - timedelta(hours=12), False),
        (Policy(rotate_every="day"), 1, 1, NOON - timedelta(hours=12, microseconds=1), True),
        (Policy(rotate_every="day"), 0, 1, NOON - timedelta(days=2), False),
        (Policy(rotate_every="day"), 1, 1, NOON + timedelta(days=2), False),
        (Policy(rotate_every="hour"), 1, 1, NOON, False),
        (Policy(rotate_every="hour"), 1, 1, NOON - timedelta(microseconds=1), True),
        (Policy(rotate_every="hour", rotate_bytes=100), 60, 41, NOON, True),
    ],
)
def test_a_file_is_due_when_it_would_grow_too_large_or_its_time_is_over(policy, size, adding, written, due):
    assert policy.due(size=size, adding=adding, written=written, now=NOON) is due


@given(st.lists(moments()), moments(), st.none() | st.integers(1, 5), st.none() | st.floats(1, 10**9, allow_nan=False))
def test_what_is_kept_is_the_newest_and_what_goes_is_beyond_a_limit(given_moments, now, keep, keep_seconds):
    policy = Policy(keep_files=keep, keep_seconds=keep_seconds)
    gone = policy.expired(given_moments, now)
    kept = set(given_moments) - gone
    assert gone <= set(given_moments)
    assert not gone or not kept or max(gone) < min(kept)
    assert keep is None or len(kept) <= keep
    assert keep_seconds is None or all((now - moment).total_seconds() <= keep_seconds for moment in kept)
    if gone:
        newest_gone = max(gone)
        too_many = keep is not None and len(kept) == keep
        assert too_many or (keep_seconds is not None and (now - newest_gone).total_seconds() > keep_seconds)
    assert policy.expired(kept, now) == set()


@given(st.lists(moments()), moments())
def test_without_limits_everything_is_kept(given_moments, now):
    assert Policy().expired(given_moments, now) == set()


@given(st.sampled_from(NAMES), moments(), st.sampled_from(["", ".gz", ".zst"]))
def test_a_rotated_file_is_found_by_its_name(name, moment, packed):
    rotated = rotated_name(name, suffix_of(name), moment) + packed
    (found,) = find_rotated(name, suffix_of(name), [rotated])
    assert (found.name, found.moment, found.packed, found.partial) == (rotated, moment, packed, False)
    if packed:
        (part,) = find_rotated(name, suffix_of(name), [rotated + PART])
        assert (part.moment, part.packed, part.partial) == (moment, packed, True)


@given(st.sampled_from(NAMES), moments(), moments())
def test_names_sort_as_their_moments_do(name, one, other):
    first, second = (rotated_name(name, suffix_of(name), moment) for moment in (one, other))
    assert (first < second) == (one < other)


@given(st.lists(moments(), max_size=5), moments())
def test_the_next_name_sorts_behind_all_that_are_there(before, now):
    rotated = find_rotated("e.jsonl", ".jsonl", [rotated_name("e.jsonl", ".jsonl", moment) for moment in before])
    chosen = next_moment(now, rotated)
    assert all(chosen > each.moment for each in rotated)
    assert chosen == now or now <= max(before)


@pytest.mark.parametrize(
    "name",
    [
        "events.jsonl",
        "events.jsonl" + TORN,
        "events.jsonl.1",
        "events-20261121T120000.000000Z.jsonl",
        "events@20261121T120000Z.jsonl",
        "events@20269921T120000.000000Z.jsonl",
        "events@20261121T120000.000000Z.jsonl.bz2",
        "events@20261121T120000.000000Z.jsonl@part",
        "events@20261121T120000.000000Z",
        "xevents@20261121T120000.000000Z.jsonl",
        "events2@20261121T120000.000000Z.jsonl",
        "events@20261121T120000.000000Z.jsonl.gz.bak",
    ],
)
def test_a_file_that_is_not_ours_is_let_alone(name):
    assert find_rotated("events.jsonl", ".jsonl", [name]) == []
