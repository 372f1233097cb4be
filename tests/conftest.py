"""What tests share.

Two stages: websockets over memory, where time is virtual; and real processes, as a user starts them.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import attrs
import profiles
import pytest
import trio
from memory_network import MemoryNetwork

from jackfield.simulation import serve
from jackfield.testing._rules import NotApplicable
from jackfield_vinix.simulator import VinixSimulator
from jackfield_voipbin.simulator import VoipbinSimulator

__all__ = ["profiles"]

NOT_APPLICABLE = "not applicable"

# What a shell runs in the background it has ignore Ctrl-C, and every process that is started there inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    """Mix the modules, always alike: while those that wait for processes and sockets wait, others compute."""
    profiles.deselect_thorough(config, items)
    items.sort(key=lambda item: hashlib.sha256(item.nodeid.partition("::")[0].encode()).digest())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    """A rule about what a vendor does not have is no test that was left out: it is counted by itself."""
    error = call.excinfo.value if call.excinfo is not None else None
    report = yield
    if isinstance(error, NotApplicable):
        report.outcome, report.longrepr = "passed", None
        report.user_properties.append((NOT_APPLICABLE, str(error)))
    return report


def pytest_report_teststatus(report):
    if report.when == "call" and NOT_APPLICABLE in dict(report.user_properties):
        return NOT_APPLICABLE, "-", NOT_APPLICABLE.upper()
    return None


@pytest.fixture
def network(nursery):
    return MemoryNetwork(nursery)


WAIT_SECONDS = 30.0
ENVIRONMENT = os.environ | {"PYTHONUNBUFFERED": "1", "VOIPBIN_TOKEN": "voipbin-s3cret", "VINIX_TOKEN": "vinix-s3cret"}


@attrs.define(eq=False)
class Running:
    """One process of the command, and what it has written so far."""

    process: trio.Process
    out: list[str] = attrs.field(factory=list)
    err: list[str] = attrs.field(factory=list)

    async def until(self, condition):
        """Wait until a condition on this object holds; what was said so far explains a failure."""
        with trio.move_on_after(WAIT_SECONDS):
            while not condition(self):  # noqa: ASYNC110  # a test looks from outside
                await trio.sleep(0.02)
            return
        pytest.fail("it did not come to that; standard error:\n" + "\n".join(self.err[-30:]))

    async def says(self, text):
        """Wait for a line of standard error that holds this text; the line."""
        await self.until(lambda running: any(text in line for line in running.err))
        return next(line for line in self.err if text in line)

    async def stop(self, number=signal.SIGTERM):
        """Send a signal and wait for the end; the exit status."""
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self):
        with trio.fail_after(WAIT_SECONDS):
            return await self.process.wait()


async def _collect(stream, lines):
    rest = b""
    async for data in stream:
        *whole, rest = (rest + data).split(b"\n")
        lines += [line.decode() for line in whole]
    if rest:
        lines.append(rest.decode())


@pytest.fixture
async def start(nursery, tmp_path):
    """Start ``jackfield`` with arguments in an empty folder; whatever still runs at the end is killed."""
    running = []

    async def start(*arguments, stdout=subprocess.PIPE, environment=None):
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "jackfield", *map(str, arguments)],
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=ENVIRONMENT | (environment or {}),
        )
        command = Running(process)
        running.append(command)
        if process.stdout is not None:
            nursery.start_soon(_collect, process.stdout, command.out)
        nursery.start_soon(_collect, process.stderr, command.err)
        return command

    yield start
    for command in running:
        if command.process.returncode is None:
            command.process.kill()
            await command.process.wait()


@pytest.fixture
async def simulate(start):
    """Start a simulator; the process and the URL that it tells."""

    async def simulate(provider, *arguments):
        token = ENVIRONMENT[f"{provider.upper()}_TOKEN"]
        command = await start("simulate", provider, "--token", token, "--rate", "100", *arguments)
        return command, (await command.says(f"{provider} simulator: ")).split()[-1]

    return simulate


@pytest.fixture
async def vendor(nursery):
    """Run a simulator beside the test, over real sockets all the same; its URL. One to be killed is a process."""

    async def vendor(provider, token=None, rate=100.0, **options):
        simulator = {"voipbin": VoipbinSimulator, "vinix": VinixSimulator}[provider]
        token = token or ENVIRONMENT[f"{provider.upper()}_TOKEN"]
        return await nursery.start(partial(serve, simulator(token, rate=rate, **options)))

    return vendor


@attrs.frozen
class Vendors:
    """Both vendors' simulators on a thread of their own, for programs that do not run on trio."""

    feeds: dict[str, Any]

    @classmethod
    @contextmanager
    def running(cls, rate=200.0):
        told, stop = SimpleQueue(), trio.Event()

        async def main():
            async with trio.open_nursery() as nursery:
                simulators = {"office": VoipbinSimulator("t", rate=rate), "support": VinixSimulator("t", rate=rate)}
                feeds = {
                    name: each.feed(await nursery.start(partial(serve, each))) for name, each in simulators.items()
                }
                told.put((feeds, trio.lowlevel.current_trio_token()))
                await stop.wait()
                nursery.cancel_scope.cancel()

        thread = threading.Thread(target=trio.run, args=(main,), name="vendors")
        thread.start()
        feeds, token = told.get(timeout=WAIT_SECONDS)
        try:
            yield cls(feeds)
        finally:
            token.run_sync_soon(stop.set)
            thread.join()


@pytest.fixture
def vendors():
    with Vendors.running() as vendors:
        yield vendors


@pytest.fixture
def quiet_vendors():
    """The same with few events, where these are not what is tried."""
    with Vendors.running(rate=20.0) as vendors:
        yield vendors


CONFIG = """
[feeds.office]
provider = "voipbin"
url = "{voipbin}"
token = {{ env = "VOIPBIN_TOKEN" }}
customer_id = "550e8400-e29b-41d4-a716-446655440000"

[feeds.support]
provider = "vinix"
url = "{vinix}"
auth_token = {{ env = "VINIX_TOKEN" }}
account_id = "4b31dd1d32ce6d249897c06332375d65"

[sinks.archive]
type = "file"
path = "var/events.jsonl"

[[routes]]
select = ["**"]
sinks = ["archive"]
"""


@attrs.frozen
class Folder:
    """The folder that commands run in."""

    path: Path

    def configure(self, voipbin, vinix, more=""):
        (self.path / "gateway.toml").write_text(CONFIG.format(voipbin=voipbin, vinix=vinix) + more)
        return "gateway.toml"

    def events(self):
        archive = self.path / "var" / "events.jsonl"
        content = archive.read_bytes() if archive.exists() else b""
        # Who reads while a line is being written may see a part of it.
        return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]

    def count(self, feed, *, vendor_only=True):
        return sum(
            event["feed"] == feed and not (vendor_only and event["type"].startswith("stream."))
            for event in self.events()
        )


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


class Poster:
    """Sends webhooks as a vendor does, or as nobody should: HTTP by hand, so that nothing is corrected."""

    @staticmethod
    async def answer(stream):
        """Status, headers and body of the next answer; ``None`` where the server has hung up."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := await stream.receive_some()):
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        while len(body) < int(headers["content-length"]):
            body += await stream.receive_some()
        return int(status.split()[1]), headers, json.loads(body)

    @staticmethod
    def request(path, body, *, method="POST", **headers):
        lines = [f"{method} {path} HTTP/1.1", "Host: inbox", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def post(self, stream, path, body, **more):
        """One request on a connection that stays open, and what is answered."""
        await stream.send_all(self.request(path, body, **more))
        return await self.answer(stream)

    @staticmethod
    async def connect(url):
        """A connection to where this URL leads."""
        host, _, port = url.partition("://")[2].partition("/")[0].rpartition(":")
        return await trio.open_tcp_stream(host, int(port))


@pytest.fixture
def poster():
    return Poster()
