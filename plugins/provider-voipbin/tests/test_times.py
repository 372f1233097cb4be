"""`jackfield_voipbin.times`: every form of a moment, and what only looks like one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_voipbin.times import latest_time, parse_time


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
        ("9999-01-01T00:00:00.000000Z", None),
        ("9999-01-01 00:00:00.000000", None),
        ("0001-01-01T00:00:12.1Z", None),
        ("2026-02-30T00:00:00Z", None),
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


@given(st.text())
def test_any_text_is_a_moment_or_none(text):
    parse_time(text)


def test_a_resource_changed_when_it_was_updated_or_else_when_anything_of_it_happened_last():
    data = {
        "tm_create": "2026-01-01T00:00:01Z",
        "tm_hangup": "2026-01-01T00:00:03Z",
        "tm_delete": "9999-01-01T00:00:00Z",
    }
    assert latest_time(data).second == 3
    assert latest_time(data | {"tm_update": "2026-01-01T00:00:02Z"}).second == 2
    assert latest_time({"tm_update": None, "id": "x"}) is None
    assert latest_time([1]) is None
