"""`jackfield.plugin.logs`: reports in a program's own log, under stable names, with their fields."""

import json
import logging
import typing
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from jackfield import reports
from jackfield.plugin.logs import LoggingObserver, StructlogObserver
from jackfield.reports import FeedState, FeedStateChanged, FrameInvalid, GapSuspected, event_name, report_fields

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
GAP = GapSuspected("office", AT, AT, "the connection was cut")
OF_RECORDS = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"} - {"msg", "args"}


class Odd:
    level = "info"

    def __str__(self):
        return "odd"


@pytest.fixture
def records():
    """What the logger of these tests gets."""
    found = []
    handler = logging.Handler()
    handler.emit = found.append
    logger = logging.getLogger("of a program")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    yield logger, found
    logger.removeHandler(handler)


def test_a_record_has_the_text_as_message_and_the_fields_as_attributes(records):
    logger, found = records
    LoggingObserver(logger).jackfield_observe(GAP)
    (record,) = found
    assert (record.getMessage(), record.levelname, record.event, record.level) == (
        str(GAP),
        "WARNING",
        "gap_suspected",
        "warning",
    )
    assert (record.feed, record.cause, record.since) == ("office", "the connection was cut", AT.isoformat())


def test_what_the_logger_leaves_out_costs_nothing_more(records, monkeypatch):
    logger, found = records
    logger.setLevel(logging.ERROR)
    monkeypatch.setattr("jackfield.plugin.logs.report_fields", pytest.fail)
    LoggingObserver(logger).jackfield_observe(GAP)
    assert found == []


def test_by_default_it_is_the_logger_of_the_packages_name():
    assert LoggingObserver().logger is logging.getLogger("jackfield")


@pytest.mark.parametrize("report", reports.Report.__args__, ids=lambda report: report.__name__)
def test_no_field_of_a_report_is_one_of_structlogs(report):
    names = {field.name for field in attrs.fields(report)}
    assert not names & {"event", "level", "message", "exc_info", "stack_info", "timestamp"}


@pytest.mark.parametrize("name", sorted(OF_RECORDS))
def test_a_field_that_every_record_has_for_something_else_gets_a_name_of_its_own(name, records):
    logger, found = records
    report = attrs.make_class("Odd", [name], bases=(Odd,))("mine")
    LoggingObserver(logger).jackfield_observe(report)
    assert getattr(found[0], f"report_{name}") == "mine"
    assert found[0].getMessage() == "odd"


def test_a_vendors_bytes_are_in_no_log(records):
    logger, found = records
    LoggingObserver(logger).jackfield_observe(FrameInvalid("office", "not JSON", b"secret?", 1))
    assert "raw" not in vars(found[0])


@pytest.mark.parametrize("make", [LoggingObserver, StructlogObserver])
def test_of_attempts_that_fail_in_a_row_those_between_the_doublings_are_for_debugging(make, records):
    logger, found = records
    levels = []
    if make is LoggingObserver:
        observer = make(logger)
    else:
        observer = make(type("Bound", (), dict.fromkeys(typing.get_args(reports.Level), None))())
        for level in typing.get_args(reports.Level):
            setattr(observer.logger, level, lambda _, level=level, **_more: levels.append(level))
    for _ in range(20):
        observer.jackfield_observe(FeedStateChanged("office", FeedState.CONNECTING))
        observer.jackfield_observe(FeedStateChanged("office", FeedState.RECONNECTING, "refused", 1.0))
    levels += [record.level for record in found]
    assert (levels.count("info"), levels.count("debug")) == (12, 28)


def test_structlog_gets_the_name_as_event_and_the_fields_as_values(capsys):
    structlog = pytest.importorskip("structlog")
    processors = [structlog.processors.add_log_level, structlog.processors.JSONRenderer()]
    logger = structlog.wrap_logger(structlog.PrintLogger(), processors=processors)
    StructlogObserver(logger).jackfield_observe(GAP)
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "event": "gap_suspected",
        "level": "warning",
        "message": str(GAP),
        "feed": "office",
        "since": AT.isoformat(),
        "until": AT.isoformat(),
        "cause": "the connection was cut",
    }


def test_the_names_that_the_guide_lists_exist():
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "operate.md").read_text()
    section = page[page.index("## The log") : page.index("## When something")]
    named = {
        each for row in section.splitlines() if row.startswith("| `") for each in row.split("|")[1].split("`")[1::2]
    }
    known = {event_name(cls.__new__(cls)) for cls in reports.Report.__args__}
    assert named - known == {"gateway_stopping", "feed_summary", "sink_summary", "journal_summary"}
    assert report_fields(GAP)["feed"] == "office"
