"""The files for running a gateway as a service: each names what exists."""

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jackfield._cli import COMMANDS
from jackfield._gateway.snapshot import GatewayState
from jackfield._serve.metrics import Process, exposition
from jackfield.reports.feed_stats import FeedStats
from jackfield.reports.stats import JournalStats, SinkStats

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "service"
OPERATE = FOLDER.parents[1] / "how-to" / "operate.md"


def names():
    state = GatewayState(
        {"f": FeedStats(datetime.now(UTC), last_event_at=datetime.now(UTC), ignored={"r": 1})},
        {"s": SinkStats()},
        JournalStats(0, 0, 0, 0, 0, 0, 0, {"s": 1}),
        (),
        (),
        {"r": 1},
    )
    lines = exposition(state, Process("0")).decode().splitlines()
    return {re.match(r"[a-z_]+", line)[0] for line in lines if not line.startswith("#")}


@pytest.mark.parametrize("path", [FOLDER / "alerts.yaml", OPERATE], ids=lambda path: path.name)
def test_every_metric_that_is_named_exists(path):
    named = set(re.findall(r"\bjackfield_(?:feed|sink|journal|gateway|process)_[a-z_]+\b", path.read_text()))
    assert named - {"jackfield_feed_state"} <= names()


def test_the_rules_are_rules():
    if (promtool := shutil.which("promtool")) is not None:
        subprocess.run([promtool, "check", "rules", FOLDER / "alerts.yaml"], check=True)


@pytest.mark.parametrize("name", ["jackfield.service", "Containerfile"])
def test_the_commands_exist(name):
    text = (FOLDER / name).read_text()
    commands = re.findall(r"bin/jackfield (\w+)", text) + re.findall(r'CMD \["(?:jackfield", ")?(\w+)', text)
    assert commands and set(commands) <= set(COMMANDS)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path):
    unit = (FOLDER / "jackfield.service").read_text().replace("/opt/jackfield/bin/jackfield", sys.executable)
    (tmp_path / "jackfield.service").write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "jackfield.service"], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "jackfield" in line] == []
