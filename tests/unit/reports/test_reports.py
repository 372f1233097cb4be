"""`jackfield.reports`: each report is one line that names its subject, and no secret content."""

import types
import typing
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from jackfield import reports
from jackfield.reports import FeedState, Level

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SAMPLES = {
    str: "some-text",
    bytes: b"raw-of-a-vendor",
    int: 3,
    float: 1.5,
    bool: True,
    datetime: NOON,
    FeedState: FeedState.RECONNECTING,
    Path: Path("some-text"),
}
REPORTS = [each for each in typing.get_args(reports.Report) if attrs.has(each)]


def sample(wanted):
    if isinstance(wanted, types.UnionType):
        wanted = next(each for each in typing.get_args(wanted) if each is not types.NoneType)
    if typing.get_origin(wanted) is typing.Literal:
        return typing.get_args(wanted)[0]
    if typing.get_origin(wanted) is tuple:
        return ("some-text",)
    return SAMPLES[wanted]


def made(cls):
    fields = attrs.fields(attrs.resolve_types(cls))
    return cls(**{field.alias: sample(field.type) for field in fields})


@pytest.mark.parametrize("cls", REPORTS, ids=lambda cls: cls.__name__)
def test_each_report_is_one_line_with_a_level(cls):
    report = made(cls)
    assert report.level in typing.get_args(Level)
    assert len(str(report).splitlines()) == 1
    assert str(report).startswith(
        (
            "cluster: ",
            "configuration ",
            "journal: ",
            "plugin ",
            "selector ",
            "sink ",
            "some-text",
            "webhooks",
            "worker ",
        )
    )


@pytest.mark.parametrize("cls", REPORTS, ids=lambda cls: cls.__name__)
def test_no_report_shows_the_bytes_of_a_vendor(cls):
    report = made(cls)
    assert "raw-of-a-vendor" not in str(report)
    assert "raw-of-a-vendor" not in repr(report)


def test_every_report_is_exported():
    assert {cls.__name__ for cls in REPORTS} <= set(reports.__all__)
