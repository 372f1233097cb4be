"""`jackfield_vinix.times`: each clock by its size, and none where there is none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.testing import strategies
from jackfield_vinix.times import event_time, parse_time

CAPTURED = datetime(2020, 10, 27, 20, 5, 49, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (63771048349, CAPTURED),
        (1603829149, CAPTURED),
        (1603829149000, CAPTURED),
        (1603829149500, CAPTURED + timedelta(milliseconds=500)),
        (63771048349.5, CAPTURED + timedelta(milliseconds=500)),
        ("63771048349", CAPTURED),
        (" 63771048349\n", CAPTURED),
        ("1603829149.5", CAPTURED + timedelta(milliseconds=500)),
        ("2020-10-27T20:05:49Z", CAPTURED),
        ("2020-10-27 20:05:49", CAPTURED),
        ("2020-10-27T22:05:49.000000000+02:00", CAPTURED),
        (1, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        (60_000_000_000, datetime.fromtimestamp(60_000_000_000, UTC)),
        (62_167_219_200, datetime(1970, 1, 1, tzinfo=UTC)),
        (99_999_999_999, datetime.fromtimestamp(37_832_780_799, UTC)),
        (10**12, datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
    ],
)
def test_each_clock_is_reported_by_its_size(value, moment):
    assert parse_time(value) == moment


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, 0, -5, 0.0, 1e300, 10**400, -(10**400), [], {}, [1603829149]),
        *(
            "",
            "0",
            "soon",
            "-1",
            "1e9",
            "٣",
            "9" * 19,
            "2020-13-01T00:00:00Z",
            "2020-10-27",
            "0001-01-01T00:00:00+23:59",
        ),
    ],
)
def test_what_is_no_moment_is_none(value):
    assert parse_time(value) is None


@pytest.mark.parametrize(
    ("fields", "moment"),
    [
        ({"event_unix_timestamp": 1603829149, "event_timestamp": 63771048349}, CAPTURED),
        ({"event_timestamp": 63771048349}, CAPTURED),
        ({"event_timestamp": 1603829149}, CAPTURED),
        ({"event_unix_timestamp": 63771048349}, CAPTURED),
        ({"event_unix_timestamp": 0, "event_timestamp": 63771048349}, CAPTURED),
        ({"event_unix_timestamp": "soon", "event_timestamp": 63771048349}, CAPTURED),
        ({"event_unix_timestamp": 0}, None),
        ({}, None),
    ],
)
def test_an_event_happened_at_the_first_usable_of_its_times(fields, moment):
    assert event_time(fields) == moment


@given(st.integers(1, 4_102_444_800))
def test_a_second_is_the_same_on_both_clocks(seconds):
    moment = parse_time(seconds)
    assert moment == parse_time(seconds + 62_167_219_200) == parse_time(str(seconds))
    assert moment == parse_time(moment.isoformat())
    assert int(moment.timestamp()) == seconds


@given(strategies.json_values())
def test_any_value_is_a_moment_in_utc_or_none(value):
    moment = parse_time(value)
    assert moment is None or moment.utcoffset() == timedelta(0)
