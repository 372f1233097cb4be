"""A gateway that is watched: what Prometheus reads of it under load, and the alert that each death raises."""

import json
import shutil
import subprocess
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import jackfield
from jackfield._net.http_client import perform
from jackfield._net.http_server import HTTPServer, listen, whole
from jackfield._serve.metrics import Process, families
from jackfield._serve.monitor import open_probes
from jackfield.plugin.http import Request, Response
from jackfield.simulation import serve
from jackfield_voipbin.simulator import VoipbinSimulator

RULES = Path(__file__).parents[2] / "docs" / "examples" / "service" / "alerts.yaml"
# So many scrapes, four a minute, are as they were before a death, and so many as they are after it.
BEFORE, AFTER = 20, 60


@attrs.define
class Mortal:
    """Something that serves until it is killed."""

    url: str = ""
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    async def run(self, work, *, task_status):
        with self.scope:
            async with trio.open_nursery() as nursery:
                self.url = await nursery.start(work)
                task_status.started()


async def receiver(*, task_status):
    """A CRM that takes everything."""
    listeners, url = await listen("127.0.0.1", 0)
    task_status.started(url)

    async def respond(_request):
        await trio.lowlevel.checkpoint()
        return Response(200)

    await HTTPServer(whole(respond, most=10_000_000)).run(listeners)


@attrs.define
class Watched:
    gateway: object
    url: str
    vendor: Mortal
    crm: Mortal
    journal: Path

    async def scrape(self):
        """What Prometheus gets, by curl where that is installed."""
        if shutil.which("curl") is None:

            def exchange():
                return (yield Request("GET", self.url))

            return (await perform(exchange())).body.decode()
        done = await trio.run_process(["curl", "--silent", "--fail", self.url], capture_stdout=True)
        return done.stdout.decode()

    async def until(self, condition):
        with trio.fail_after(20):
            while not condition(self.gateway.state()):  # noqa: ASYNC110  # a test looks from outside
                await trio.sleep(0.02)


@asynccontextmanager
async def watched(folder, nursery, rate=400.0):
    simulator = VoipbinSimulator("t", rate=rate)
    vendor, crm = Mortal(), Mortal()
    await nursery.start(vendor.run, partial(serve, simulator))
    await nursery.start(crm.run, receiver)
    document = {
        "gateway": {"journal": str(folder / "journal"), "drain_seconds": 0.1},
        "feeds": {"office": simulator.feed(vendor.url)},
        "sinks": {
            "crm": {"type": "http", "url": crm.url, "delivery": {"batch_seconds": 0.01}},
            "archive": {"type": "file", "path": str(folder / "events.jsonl")},
        },
        "routes": [{"select": ["**"], "sinks": ["crm", "archive"]}],
    }
    async with (
        open_probes("127.0.0.1:0") as probes,
        jackfield.open_gateway(document) as gateway,
        probes.of(gateway),
    ):
        yield Watched(gateway, f"{probes.url}/metrics", vendor, crm, folder / "journal")


def samples(text):
    """By name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_under_load_every_counter_is_there_and_the_official_parser_reads_it(tmp_path, nursery):
    async with watched(tmp_path, nursery) as running:
        await running.until(lambda state: state.sinks["crm"].delivered > 200)
        text = await running.scrape()
        state = running.gateway.state()
        again = await running.scrape()
    first, second = samples(text), samples(again)
    written = {each.name for each in text_string_to_metric_families(text)}
    assert written == {each.name for each in families(state, Process("0"), state.feeds["office"].since)}
    counters = [key for key in first if key[0].endswith(("_total", "_count", "_bucket"))]
    assert len(counters) > 100
    assert all(first[key] <= second[key] for key in counters)
    between = {
        ("jackfield_feed_events_total", ("feed", "office")): state.feeds["office"].events,
        ("jackfield_journal_events_total",): state.journal.taken,
        ("jackfield_journal_commit_seconds_count",): state.journal.commits.count,
        ("jackfield_sink_delivered_events_total", ("sink", "archive")): state.sinks["archive"].delivered,
    }
    for key, value in between.items():
        assert 0 < first[key] <= value <= second[key], key


def scrapes(before, after):
    """Series that go over from one scrape to another, as promtool has them."""
    series = []
    for name, *labels in sorted({*before, *after}):
        then, now = before.get((name, *labels)), after.get((name, *labels))
        # What waits for a sink that takes nothing grows older by the time that goes by.
        delivering = after.get(("jackfield_sink_state", ("jackfield_sink_state", "delivering"), *labels))
        step = 15 if name == "jackfield_sink_lag_seconds" and not delivering else 0
        first = "_" if then is None else f"{then:g}"
        second = "_" if now is None else f"{now:g}+{step}"
        shown = ", ".join(f"{key}={json.dumps(text)}" for key, text in [*labels, ("instance", "gateway")])
        series.append({"series": f"{name}{{{shown}}}", "values": f"{first}x{BEFORE} {second}x{AFTER}"})
    return series


async def raised(folder, before, after, *expected):
    """Whether these alerts, and no others, are raised by what has changed."""
    names = [{"labels": f'{{alertname="Jackfield{each}"}}', "value": 1} for each in expected]
    alerts = 'count by (alertname) (ALERTS{alertstate="firing"})'
    well = {"expr": alerts, "eval_time": "4m", "exp_samples": []}
    found = {"expr": alerts, "eval_time": "16m", "exp_samples": names}
    test = {"interval": "15s", "input_series": scrapes(before, after), "promql_expr_test": [well, found]}
    path = folder / "alerts.json"  # which is YAML, too
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "15s", "tests": [test]}))
    done = await trio.run_process(
        ["promtool", "test", "rules", str(path)],
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool, of the package prometheus")
@pytest.mark.parametrize("dies", ["vendor", "sink", "disk"])
async def test_a_death_raises_the_alert_that_is_meant_for_it_and_no_other(tmp_path, nursery, dies):
    async with watched(tmp_path, nursery, rate=100.0) as running:
        await running.until(lambda state: state.sinks["crm"].delivered > 20)
        well = samples(await running.scrape())
        match dies:
            case "vendor":
                running.vendor.scope.cancel()
                await running.until(lambda state: state.feeds["office"].state.value == "reconnecting")
                alert = "FeedDown"
            case "sink":
                running.crm.scope.cancel()
                await running.until(lambda state: state.sinks["crm"].failures > 2)
                alert = "SinkLags"
            case "disk":
                running.journal.rename(tmp_path / "away")
                await running.until(lambda state: state.journal.failing)
                alert = "JournalFails"
        ill = samples(await running.scrape())
    await raised(tmp_path, well, ill, alert)
