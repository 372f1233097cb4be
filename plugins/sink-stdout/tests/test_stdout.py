"""`jackfield_stdout`: lines for people, lines for programs, and a reader who goes away."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jackfield.addresses import Address
from jackfield.errors import DeliveryError  # noqa: F401  # for the program below
from jackfield.events import Event
from jackfield.plugin.sink import Batch
from jackfield_stdout import Stdout
from jackfield_stdout.pretty import render

EVENT = Event(
    id="1",
    kind="contact.queued",
    address=Address("vinix", "account", "ACC", "queue", "84c28810f515fb83898ff7e39edd20a8", "join"),
    time=None,
    received=datetime(2026, 8, 20, 9, 15, 1, 720345, UTC),
    feed="support",
    data={
        "position": 3,
        "estimated_wait": 95,
        "caller_id_name": "Zoë\x1b[2J\n",
        "pid": "<0.1.0>",
        "queue_name": "",
        "state": None,
    },
)
BATCH = Batch((EVENT, EVENT))


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


async def test_jsonl_is_one_cloudevent_a_line(capfdbinary):
    async with Stdout("jsonl").open() as sink:
        await sink.write(BATCH)
    lines = capfdbinary.readouterr().out.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["contact.queued"] * 2


async def test_pretty_is_one_readable_line_an_event(capfdbinary):
    async with Stdout("pretty").open() as sink:
        await sink.write(BATCH)
    out = capfdbinary.readouterr().out.decode()
    assert out.count("\n") == 2
    assert "contact.queued" in out


def test_a_line_says_when_where_what_and_the_details_that_matter():
    line = render(EVENT)
    assert line.split() == [
        "09:15:01.720",
        "support",
        "contact.queued",
        "queue/84c28810…",
        "caller_id_name=Zoë�[2J�",
        "position=3",
        "estimated_wait=95",
    ]


def test_a_vendors_control_characters_never_reach_the_terminal():
    assert "\x1b" not in render(EVENT)
    assert "\n" not in render(EVENT)


def test_colour_surrounds_the_kind_only():
    assert "\x1b[32mcontact.queued" in render(EVENT, color=True)


@pytest.mark.parametrize(
    "data", [None, [], "text", 5, {"source": "x"}, {"source": {"target": "+1"}}, {"topics": ["a", "b"]}]
)
def test_a_payload_of_any_shape_has_a_line(data):
    event = Event("1", "unmapped.x", EVENT.address, None, EVENT.received, "f", data=data)
    assert render(event).startswith("09:15:01.720  f")


@pytest.mark.parametrize(("color", "coloured"), [("always", True), ("never", False), ("auto", False)])
async def test_colour_is_for_terminals_or_as_asked(capfdbinary, color, coloured):
    async with Stdout("pretty", color).open() as sink:
        await sink.write(BATCH)
    assert (b"\x1b[" in capfdbinary.readouterr().out) is coloured


def test_a_reader_that_has_gone_is_a_failure_that_is_not_retried():
    program = """
import sys, trio
from test_stdout import BATCH, DeliveryError, Stdout
async def main():
    async with Stdout("jsonl").open() as sink:
        try:
            while True:
                await sink.write(BATCH)
        except DeliveryError as error:
            print(error.on_error, error, file=sys.stderr)
trio.run(main)
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        first = process.stderr.readline()
        process.stderr.read()
    assert first == b"disable standard output: Broken pipe\n"
