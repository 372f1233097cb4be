"""`jackfield._cli.log_lines`: a line of the log for people, programs and journald, and no flood from a dead vendor."""

import json
import re
from datetime import UTC, datetime

import pytest

from jackfield import reports
from jackfield._cli.console import Console
from jackfield._cli.log_lines import FORMATS, LogLine
from jackfield.reports import FeedState, FeedStateChanged, FrameInvalid, GapSuspected, event_name
from jackfield.reports._repetitions import Repetitions

AT = datetime(2026, 11, 26, 12, 30, 1, 500_000, tzinfo=UTC)
GAP = GapSuspected("office", AT, AT, "the connection was cut")


def test_text_has_date_zone_level_and_name():
    line = FORMATS["text"](LogLine.of(AT, GAP))
    assert line.startswith("2026-11-26T12:30:01.500+00:00 warning gap_suspected office: ")


@pytest.mark.parametrize(("level", "priority"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3)])
def test_journald_gets_the_priority_that_it_takes_off_again(level, priority):
    assert FORMATS["journald"](LogLine(AT, level, "told", "office: up")) == f"<{priority}>told office: up"


def test_json_has_the_name_and_the_fields_of_a_report():
    line = json.loads(FORMATS["json"](LogLine.of(AT, GAP)))
    assert line["event"] == "gap_suspected"
    assert line["level"] == "warning"
    assert line["feed"] == "office"
    assert line["since"] == AT.isoformat()
    state = FeedStateChanged("office", FeedState.RECONNECTING, "refused", 1.5)
    line = json.loads(FORMATS["json"](LogLine.of(AT, state)))
    assert (line["state"], line["retry_in"]) == ("reconnecting", 1.5)


def test_json_of_a_message_and_of_a_frame_is_one_line_without_the_frame():
    line = LogLine(AT, "info", "gateway_stopping", "SIGTERM: stopping", {"level": "no", "signal": 15})
    said = json.loads(FORMATS["json"](line))
    assert said == {
        "time": "2026-11-26T12:30:01.500+00:00",
        "level": "info",
        "event": "gateway_stopping",
        "message": "SIGTERM: stopping",
        "signal": 15,
    }
    invalid = FrameInvalid("office", "not JSON\nat all", b"\xff", 1)
    line = FORMATS["json"](LogLine.of(AT, invalid))
    assert "\n" not in line and "raw" not in json.loads(line)


def test_every_report_has_a_name_that_stays():
    names = [event_name(cls.__new__(cls)) for cls in reports.Report.__args__]
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)
    assert len(set(names)) == len(names)


def test_a_dead_vendor_is_logged_at_each_doubling_and_again_after_it_came_back():
    repetitions = Repetitions()
    failing = (FeedState.CONNECTING, FeedState.DISCONNECTED, FeedState.RECONNECTING)
    shown = [
        attempt
        for attempt in range(1, 21)
        for state in failing
        if not repetitions.hides(FeedStateChanged("office", state))
    ]
    assert sorted(set(shown)) == [1, 2, 3, 5, 9, 17]
    assert not repetitions.hides(FeedStateChanged("support", FeedState.CONNECTING))
    repetitions.hides(FeedStateChanged("office", FeedState.SUBSCRIBED))
    assert not repetitions.hides(FeedStateChanged("office", FeedState.DISCONNECTED))
    assert not repetitions.hides(GAP)


def test_a_console_writes_what_it_says_in_its_format_and_above_its_level(capsys):
    console = Console("info", "json")
    console.say("sink_summary", "sink archive: 5 delivered", sink="archive")
    console.say("more", "details", level="debug")
    console.jackfield_observe(GAP)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["sink_summary", "gap_suspected"]
    assert lines[0]["sink"] == "archive"
