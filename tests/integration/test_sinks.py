"""Sinks in trouble, on real sockets: they delay nobody else, and get everything at last."""

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import attrs
import pytest
import trio

from jackfield import Address, Event, open_gateway

HOW_MANY = 40
SLOW_SECONDS = 0.05
TROUBLES = ["hangs", "answers 500", "refuses connections", "answers 429"]


@attrs.define
class Crm:
    """A receiver that is in trouble until `recover` is called."""

    trouble: str = ""
    got: dict = attrs.field(factory=dict)
    """When each event came first."""
    came: list = attrs.field(factory=list)
    """The id of every request's event."""
    asked: list = attrs.field(factory=list)
    server: ThreadingHTTPServer | None = None
    port: int = 0
    thread: threading.Thread | None = None
    recovered: threading.Event = attrs.field(factory=threading.Event)

    def open(self):
        crm = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["content-length"])))
                crm.asked.append(time.monotonic())
                if crm.trouble == "hangs" and not crm.recovered.is_set():
                    crm.recovered.wait(30)
                    self.close_connection = True
                    return
                if crm.trouble == "slow":
                    time.sleep(SLOW_SECONDS)
                crm.came.append(event["id"])
                status = 204
                if not crm.recovered.is_set():
                    status = {"answers 500": 500, "answers 429": 429, "is not there": 404}.get(crm.trouble, 204)
                if status == 204:
                    crm.got.setdefault(event["id"], time.monotonic())
                self.send_response(status)
                if status == 429:
                    self.send_header("retry-after", "1")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def recover(self):
        self.recovered.set()
        if self.server is None:
            self.open()

    def close(self):
        self.recovered.set()
        if self.server is not None:
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()


@pytest.fixture
def crms():
    crms = {name: Crm(name) for name in ["", *TROUBLES]}
    for name, crm in crms.items():
        if name == "refuses connections":
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                crm.port = free.getsockname()[1]
        else:
            crm.open()
    yield crms
    for crm in crms.values():
        crm.close()


def make(number):
    address = Address("probe", "test", "sinks", "call", f"call-{number % 5}", "updated")
    at = datetime.now(UTC)
    return Event(f"event-{number}", "call.updated", address, at, at, "probe", f"call-{number % 5}", data={"n": number})


async def until(condition):
    with trio.fail_after(40):
        while not condition():  # noqa: ASYNC110  # a test looks from outside
            await trio.sleep(0.02)


async def test_a_sink_in_trouble_delays_no_other_and_gets_everything_when_it_is_well(crms, tmp_path):
    names = {name: name.replace(" ", "-") or "well" for name in crms}
    document = {
        "gateway": {"journal": str(tmp_path / "journal")},
        "feeds": {
            "office": {
                "provider": "voipbin",
                "url": "ws://127.0.0.1:9/v1.0/ws",
                "token": "x",
                "customer_id": "abc123",
            }
        },
        "sinks": {
            names[name]: {
                "type": "http",
                "url": f"http://127.0.0.1:{crm.port}/",
                "delivery": {"concurrency": 3, "timeout": 1.5},
            }
            for name, crm in crms.items()
        },
        "routes": [{"select": ["call.*"], "sinks": list(names.values())}],
    }
    sent = {}
    async with open_gateway(document) as gateway:
        for number in range(HOW_MANY):
            sent[f"event-{number}"] = time.monotonic()
            await gateway.publish(make(number))
            await trio.sleep(0.02)
        await until(lambda: len(crms[""].got) == HOW_MANY)
        await until(lambda: all(gateway.state().sinks[names[name]].state == "retrying" for name in TROUBLES))
        assert not any(crms[name].got for name in TROUBLES)
        # A second of latency would show that somebody waited for a sick neighbour; the machine may be busy.
        late = [came - sent[event] for event, came in crms[""].got.items()]
        assert sorted(late)[HOW_MANY // 2] < 0.5
        for crm in crms.values():
            crm.recover()
        await until(lambda: all(len(crm.got) == HOW_MANY for crm in crms.values()))
    stats = gateway.state().sinks
    for name in TROUBLES:
        assert list(crms[name].got) != [] and stats[names[name]].failures > 0
        assert (stats[names[name]].dropped, stats[names[name]].dead, stats[names[name]].lag) == (0, 0, 0)
        order = {}
        for event in crms[name].got:
            number = int(event.split("-")[1])
            assert number > order.get(number % 5, -1)
            order[number % 5] = number
    pauses = crms["answers 429"].asked
    assert max(later - earlier for earlier, later in pairwise(pauses)) >= 0.9


@pytest.fixture
def slow():
    crm = Crm("slow")
    crm.open()
    yield crm
    crm.close()


def towards(crm, folder, **delivery):
    """A gateway's configuration with one sink."""
    return {
        "gateway": {"journal": str(folder / "journal"), "drain_seconds": 0.3},
        "feeds": {
            "office": {"provider": "voipbin", "url": "ws://127.0.0.1:9/v1.0/ws", "token": "x", "customer_id": "a"}
        },
        "sinks": {"crm": {"type": "http", "url": f"http://127.0.0.1:{crm.port}/", "delivery": delivery}},
        "routes": [{"select": ["call.*"], "sinks": ["crm"]}],
    }


async def test_a_receiver_that_is_slow_for_its_time_limit_gets_each_event_once(slow, tmp_path):
    # A batch needs 2 s here, and may go without progress for half a second.
    async with open_gateway(towards(slow, tmp_path, timeout=0.5)) as gateway:
        await gateway.publish(*map(make, range(HOW_MANY)))
        await until(lambda: gateway.state().sinks["crm"].lag == 0)
    assert slow.came == [f"event-{number}" for number in range(HOW_MANY)]
    stats = gateway.state().sinks["crm"]
    assert (stats.delivered, stats.failures) == (HOW_MANY, 0)


@pytest.fixture
def misplaced():
    crm = Crm("is not there")
    crm.open()
    yield crm
    crm.close()


async def test_a_url_that_is_not_there_pauses_the_sink_and_makes_no_dead_letters(misplaced, tmp_path, monkeypatch):
    monkeypatch.setattr("jackfield._delivery.sink_runner.PAUSE_SECONDS", (0.2, 0.3))
    async with open_gateway(towards(misplaced, tmp_path)) as gateway:
        await gateway.publish(*map(make, range(HOW_MANY)))
        await until(lambda: len(misplaced.came) == 16)
        stats = gateway.state().sinks["crm"]
        assert (stats.state, stats.dead, stats.delivered) == ("paused", 0, 0)
        # Ten in a row, and then a probe of each of the five calls in turn.
        assert misplaced.came == [f"event-{number}" for number in [*range(10), *range(5), 0]]
        misplaced.recover()
        await until(lambda: gateway.state().sinks["crm"].lag == 0)
    stats = gateway.state().sinks["crm"]
    assert (stats.dead, stats.delivered) == (0, HOW_MANY)


async def test_an_orderly_stop_in_the_middle_of_a_batch_repeats_nothing_that_was_acknowledged(slow, tmp_path):
    config = towards(slow, tmp_path)
    for run in range(4):
        async with open_gateway(config) as gateway:
            if not run:
                await gateway.publish(*map(make, range(HOW_MANY)))
            enough = len(slow.came) + 4
            await until(lambda: len(slow.came) >= enough)  # noqa: B023  # called in this turn only
    config["gateway"]["drain_seconds"] = 30
    async with open_gateway(config):
        pass
    repeated = [event for event in set(slow.came) if slow.came.count(event) > 1]
    # At each stop one request is under way and not answered yet.
    assert len(repeated) <= 4
    assert list(dict.fromkeys(slow.came)) == [f"event-{number}" for number in range(HOW_MANY)]


STDOUT = """
[gateway]
drain_seconds = 1
journal = "var/journal"

[sinks.console]
type = "stdout"

[[routes]]
select = ["**"]
sinks = ["console"]
"""


@pytest.mark.parametrize("unbuffered", ["1", ""])
async def test_sigterm_ends_the_gateway_in_time_although_the_reader_of_its_output_has_stopped(
    vendor, folder, unbuffered
):
    config = folder.configure(await vendor("voipbin"), await vendor("vinix"), STDOUT)
    source, target = os.pipe()
    fcntl.fcntl(target, fcntl.F_SETPIPE_SZ, 4096)
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "jackfield", "run", config],
        stdout=target,
        stderr=subprocess.DEVNULL,
        cwd=folder.path,
        env=os.environ
        | {"PYTHONUNBUFFERED": unbuffered, "VOIPBIN_TOKEN": "voipbin-s3cret", "VINIX_TOKEN": "vinix-s3cret"},
    )

    try:
        await until(lambda: not select.select([], [target], [], 0)[1])
        process.send_signal(signal.SIGTERM)
        with trio.fail_after(20):
            assert await process.wait() == 0
    finally:
        process.kill()
        await process.wait()
        os.close(target)
    out = b""
    while piece := os.read(source, 100_000):
        out += piece
    os.close(source)
    assert all(json.loads(line)["specversion"] == "1.0" for line in out.splitlines())
