"""`jackfield_stdout`: lines for people, lines for programs, and a reader who goes away."""

import fcntl
import io
import json
import os
import pty
import select
import socket
import subprocess
import sys
import termios
import time
import tty
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
import trio

from jackfield.addresses import Address
from jackfield.errors import DeliveryError
from jackfield.events import Event, Parties
from jackfield.plugin.sink import Batch
from jackfield_stdout import Stdout
from jackfield_stdout.pretty import render

EVENT = Event(
    parties=Parties(caller="+4930", caller_name="Zoë\x1b[2J\n", queue_id="84c2", queue_name="Sales"),
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
        "caller=Zoë�[2J�",
        "+4930",
        "queue=Sales",
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


WRITER = """
import sys, trio
from test_stdout import Stdout, DeliveryError, numbered
from jackfield.plugin.sink import Batch
async def main():
    async with Stdout("jsonl").open() as sink:
        for first in range(0, 2000, 100):
            batch = Batch(tuple(numbered(first + each) for each in range(100)))
            while True:
                try:
                    await sink.write(batch)
                    break
                except DeliveryError as error:
                    print(error, file=sys.stderr, flush=True)
                    await trio.sleep(0.05)
                    batch = Batch(tuple(batch.events[index] for index in batch.missing))
    print("done", file=sys.stderr, flush=True)
trio.run(main)
"""


def numbered(number):
    return attrs.evolve(EVENT, id=str(number), data={"text": "x" * (number * 37 % 9000)})


def writing(stdout, *, unbuffered, text=WRITER):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "PYTHONUNBUFFERED": "1" if unbuffered else ""}
    return subprocess.Popen([sys.executable, "-c", text], stdout=stdout, stderr=subprocess.PIPE, env=environment)


TWICE = ((True, True), (False, False))


def ids(lines):
    return [int(json.loads(line)["id"]) for line in lines]


@pytest.mark.parametrize(
    ("unbuffered", "blocking"),
    [(True, False), (False, True), *(pytest.param(*both, marks=pytest.mark.thorough) for both in TWICE)],
)
def test_every_line_arrives_whole_at_a_reader_of_a_pipe_that_is_slow(unbuffered, blocking):
    source, target = os.pipe()
    os.set_blocking(target, blocking)
    process = writing(target, unbuffered=unbuffered)
    os.close(target)
    out = b""
    while piece := os.read(source, 100_000):
        out += piece
        time.sleep(0.001)
    os.close(source)
    assert process.stderr.read() == b"done\n"
    process.communicate()
    assert ids(out.splitlines()) == list(range(2000))


def test_every_line_arrives_whole_at_a_socket():
    ours, theirs = socket.socketpair()
    process = writing(theirs, unbuffered=True)
    theirs.close()
    with ours.makefile("rb") as lines:
        assert ids(lines) == list(range(2000))
    ours.close()
    process.communicate()


def test_every_line_arrives_whole_at_a_terminal_that_is_stopped_for_a_while():
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    termios.tcflow(theirs, termios.TCOOFF)
    process = writing(theirs, unbuffered=True)
    assert not select.select([ours], [], [], 0.5)[0]
    termios.tcflow(theirs, termios.TCOON)
    os.close(theirs)
    out = b""
    while True:
        try:
            out += os.read(ours, 100_000)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    process.communicate()
    assert ids(out.splitlines()) == list(range(2000))


def test_a_full_disk_is_waited_for_and_leaves_no_torn_line(tmp_path):
    # A limit on the file's size, lifted after the first failure: full in the middle of a line, and then not.
    limited = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_003, resource.RLIM_INFINITY))
lift = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""
    path = tmp_path / "out"
    with path.open("wb") as file:
        process = writing(file, unbuffered=True, text=limited + WRITER.replace("await trio", "lift(); await trio"))
        said = process.communicate()[1].decode().splitlines()
    assert said == ["standard output: File too large", "done"]
    assert ids(path.read_bytes().splitlines()) == list(range(2000))


def test_a_full_device_is_a_failure_that_is_tried_again():
    once = WRITER.replace("await trio.sleep(0.05)", "return print(error.on_error, file=sys.stderr)")
    with Path("/dev/full").open("wb") as full:
        said = writing(full, unbuffered=True, text=once).communicate()[1]
    assert said.decode() == "standard output: No space left on device\nretry\n"


def test_what_is_begun_at_the_end_is_taken_back_from_a_file(tmp_path):
    stopped = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_003, resource.RLIM_INFINITY))
""" + WRITER.replace("await trio.sleep(0.05)", "return")
    path = tmp_path / "out"
    with path.open("wb") as file:
        writing(file, unbuffered=True, text=stopped).communicate()
    content = path.read_bytes()
    assert content.endswith(b"\n") and 900_000 < len(content) < 1_000_003
    assert ids(content.splitlines()) == list(range(len(content.splitlines())))


async def test_a_write_to_a_stalled_reader_can_be_cancelled_and_goes_on_in_the_middle_of_a_line(monkeypatch):
    source, target = os.pipe()
    events = tuple(map(numbered, range(60)))
    with os.fdopen(target, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        async with Stdout("jsonl").open() as sink:
            batch = Batch(events)
            with trio.move_on_after(0.1) as scope:
                await sink.write(batch)
            assert scope.cancelled_caught
            assert 0 < len(batch.missing) < 60
            rest = Batch(tuple(events[index] for index in batch.missing))
            out = bytearray()

            async def read():
                while out.count(b"\n") < 60:
                    await trio.lowlevel.wait_readable(source)
                    out.extend(os.read(source, 100_000))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                await sink.write(rest)
    os.close(source)
    assert rest.missing == ()
    assert ids(out.splitlines()) == list(range(60))


async def test_a_standard_output_that_is_closed_is_said_at_the_start(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(DeliveryError, match="standard output is closed"):
        async with Stdout().open():
            pass


async def test_what_a_program_has_put_in_the_place_of_standard_output_is_written_to(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    async with Stdout("pretty").open() as sink:
        await sink.write(BATCH)
    assert sys.stdout.getvalue().count("contact.queued") == 2


async def test_long_lines_of_several_writers_to_one_pipe_are_whole(monkeypatch):
    source, target = os.pipe()
    fcntl.fcntl(target, fcntl.F_SETPIPE_SZ, 4096)
    long = attrs.evolve(EVENT, data={"text": "x" * 30_000})
    came = bytearray()

    async def read():
        while len(came) < 20 * (len(long.to_json()) + 1):
            await trio.lowlevel.wait_readable(source)
            came.extend(os.read(source, 65536))

    async def write(sink):
        for _ in range(5):
            await sink.write(Batch((long, long)))

    with os.fdopen(target, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        async with Stdout().open() as one, Stdout().open() as other, trio.open_nursery() as nursery:
            nursery.start_soon(read)
            nursery.start_soon(write, one)
            nursery.start_soon(write, other)
    os.close(source)
    assert set(bytes(came).splitlines()) == {long.to_json()}
