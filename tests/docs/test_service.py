"""The files for running a gateway as a service: each names what exists."""

import json
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
from jackfield.reports import WorkerStats
from jackfield.reports.feed_stats import FeedStats, WebhookStats
from jackfield.reports.stats import ClusterStats, JournalStats, ServeStats, SharedFeed, SinkStats

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "service"
OPERATE = FOLDER.parents[1] / "how-to" / "operate.md"
RULES, RULE_TESTS = FOLDER / "alerts.yaml", FOLDER / "alerts.test.yaml"
DASHBOARD = FOLDER / "grafana" / "dashboards" / "gateways.json"
NAME = re.compile(r"\bjackfield_(?:feed|sink|journal|gateway|process|serve|build|cluster|worker)_[a-z_]+\b")
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool, of the package prometheus"
)


def names():
    """The names of all samples; those that have more than one label have a row of each sort to be there."""
    now = datetime.now(UTC)
    feed = FeedStats(now, last_event_at=now, ignored={"r": 1}, webhooks=WebhookStats(rejections={"r": 1}))
    journal = JournalStats(0, 0, 0, 0, 0, 0, 0, {"s": 1}, limit_bytes=1, retain_seconds=1.0, oldest_at=now)
    cluster = ClusterStats("a", ("a",), {"f": SharedFeed("writes", "a", 1)})
    serve = ServeStats(rejections={"r": 1})
    state = GatewayState(
        {"f": feed},
        {"s": SinkStats()},
        journal,
        (),
        (),
        {"r": 1},
        serve,
        cluster,
        {"1": WorkerStats(up=True, since=now, feeds=("f",))},
    )
    lines = exposition(state, Process("0"), now).decode().splitlines()
    return {re.match(r"[a-z_]+", line)[0] for line in lines if not line.startswith("#")}


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def queries():
    """What the dashboard's panels ask Prometheus for."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [(panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", [])]


@pytest.mark.parametrize("path", [RULES, RULE_TESTS, DASHBOARD, OPERATE], ids=lambda path: path.name)
def test_every_metric_that_is_named_exists(path):
    named = set(NAME.findall(path.read_text()))
    assert named
    assert named <= names()


def test_every_metric_is_on_the_dashboard_or_can_be_done_without():
    asked = {name for _, query in queries() for name in NAME.findall(query)}
    assert len(asked) > 30
    for family in ("lag_seconds", "lag_events", "batch_seconds_bucket", "breaker_open", "retried_events_total"):
        assert f"jackfield_sink_{family}" in asked


def test_each_alert_has_its_row_in_the_guide():
    alerts = re.findall(r"alert: Jackfield(\w+)", RULES.read_text())
    assert re.findall(r"^\| `Jackfield(\w+)` \|", OPERATE.read_text(), re.MULTILINE) == alerts


@needs_promtool
def test_the_rules_are_rules():
    promtool("check", "rules", str(RULES))
    promtool("check", "config", "--syntax-only", str(FOLDER / "prometheus.yaml"))


@needs_promtool
def test_each_alert_is_raised_by_what_it_is_for_and_by_nothing_else():
    promtool("test", "rules", str(RULE_TESTS))


@needs_promtool
def test_prometheus_can_read_what_the_dashboard_asks(tmp_path):
    rules = [
        {"record": f"q:{number}", "expr": re.sub(r"\$__\w+", "5m", query).replace("$instance", ".*")}
        for number, (_, query) in enumerate(queries())
    ]
    path = tmp_path / "queries.json"  # which is YAML, too
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(path))


def test_panels_have_titles_and_places_of_their_own():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["title"] for panel in panels}) == len({panel["id"] for panel in panels}) == len(panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)


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
