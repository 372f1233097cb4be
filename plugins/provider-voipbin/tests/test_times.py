"""`jackfield_voipbin.times`: every form of a moment, and what only looks like one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_voipbin.times import last_change, parse_time


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-15T10:30:00.000000Z", datetime(2024, 1, 15, 10, 30, tzinfo=UTC)),
        ("2026-08-20T09:15:00.120345Z", datetime(2026, 8, 20, 9, 15, 0, 120345, UTC)),
        ("2026-08-20T09:15:00.5Z", datetime(2026, 8, 20, 9, 15, 0, 500000, UTC)),
        ("2026-08-20T09:15:00.123456789Z", datetime(2026, 8, 20, 9, 15, 0, 123456, UTC)),
        ("2026-08-20T09:15:00Z", datetime(2026, 8, 20, 9, 15, tzinfo=UTC)),
        ("2026-08-20T11:15:00+02:00", datetime(2026, 8, 20, 9, 15, tzinfo=UTC)),
        ("2022-04-11 00:23:53.636000", datetime(2022, 4, 11, 0, 23, 53, 636000, UTC)),
        ("2026-08-20 09:15:00Z", datetime(2026, 8, 20, 9, 15, tzinfo=UTC)),
        ("2026-08-20T09:15:00.25", datetime(2026, 8, 20, 9, 15, 0, 250000, UTC)),
        ("2026-08-20T02:15:00.1-0700", datetime(2026, 8, 20, 9, 15, 0, 100000, UTC)),
        ("0001-01-01T00:00:08.99184Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("9999-01-01T00:00:00.000000Z", None),
        ("9999-01-01 00:00:00.000000", None),
        ("0001-01-01T00:00:12.1Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-08-20T09:15:0Z", None),
        ("2026-08-20T09:15:07.Z", None),
        ("2026-08-20T09:15:07.123456 Z", None),
        ("2026-08-20T09:15:07.1234567890Z", None),
        ("20260820", None),
        ("2026-W01", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1767225600, None),
    ],
)
def test_a_moment_is_read_in_utc(text, moment):
    assert parse_time(text) == moment


@given(st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1), timezones=st.just(UTC)))
def test_what_go_writes_is_read_to_the_microsecond(moment):
    trimmed = moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".") + "Z"
    assert parse_time(f"{moment.year:04d}{trimmed[trimmed.index('-') :]}") == moment


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1), timezones=st.timezones()),
    st.sampled_from("T "),
    st.integers(0, 9),
)
def test_every_offset_separator_and_length_of_fraction_is_one_moment_in_utc(moment, separator, digits):
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=moment.utcoffset() // timedelta(minutes=1))))
    fraction = f"{moment.microsecond:06d}000"[:digits]
    whole = moment.replace(microsecond=0)
    text = whole.isoformat(separator)
    found = parse_time(f"{text[:19]}{fraction and '.'}{fraction}{text[19:]}")
    assert found == whole + timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
    assert found.tzinfo is UTC


@given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([+-][0-9]{2}:[0-9]{2})?"))
def test_any_text_is_a_moment_or_none(text):
    found = parse_time(text)
    assert found is None or 1970 <= found.year <= 9998


def test_a_resource_changed_when_it_was_updated_or_else_when_anything_of_it_happened_last():
    data = {
        "tm_create": "2026-01-01T00:00:01Z",
        "tm_hangup": "2026-01-01T00:00:03Z",
        "tm_delete": "9999-01-01T00:00:00Z",
    }
    latest, dated = last_change(data)
    assert (latest.second, dated) == (3, True)
    latest, dated = last_change(data | {"tm_update": "2026-01-01T00:00:02Z"})
    assert (latest.second, dated) == (2, True)
    latest, dated = last_change(
        {"tm_create": "2026-01-01T00:00:02Z", "tm_update": None, "tm_end": "9999-01-01T00:00:00Z"}
    )
    assert (latest.second, dated) == (2, False)
    assert last_change({"tm_update": None, "id": "x"}) == (None, False)
    assert last_change([1]) == (None, False)
