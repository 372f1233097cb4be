"""Three delivery members, as processes, that are killed and stopped under load: what reaches the receiver."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trio

from jackfield.plugin.sink import Batch
from jackfield_redis import RedisSink

CONFIG = """
[gateway]
journal = "journal-{name}"

[feeds.bus]
provider = "redis"
url = "{url}"
member = "{name}"
lease_seconds = 2.0

[sinks.crm]
type = "http"
url = "{receiver}"
mode = "batch"
allow_private = true
headers = {{ x-member = "{name}" }}

[[routes]]
select = ["call.*"]
sinks = ["crm"]
"""


class Receiver(ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.lock = [], threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            now = time.monotonic()
            self.server.got += [
                (int(each["id"]), each["correlationid"], self.headers["x-member"], now) for each in body
            ]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def receiver():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def assess(got, count, harmed):
    """Nothing is missing; what comes out of order comes from a member that was harmed before, and is late."""
    first, newest, late, disorder = set(), {}, [], []
    for number, key, name, at in got:
        if number in first:
            continue
        first.add(number)
        if number < newest.get(key, -1):
            excused = any(who == name and when <= at for who, when, _ in harmed)
            (late if excused else disorder).append(number)
        newest[key] = max(number, newest.get(key, -1))
    harms, loads = Counter(how for _, _, how in harmed), Counter(name for _, _, name, _ in got)
    sys.stderr.write(
        f"{count} events, {dict(harms)}: {count - len(first)} missing, {len(got) - len(first)} copies,"
        f" {len(late)} late from a member that was harmed, {len(disorder)} out of order; loads {dict(loads)}\n"
    )
    assert set(range(count)) - first == set()
    assert disorder == []


@pytest.mark.thorough
async def test_members_are_killed_and_stopped_and_every_event_arrives_in_order_but_what_a_dead_one_had_kept(
    servers, event, receiver, tmp_path
):
    server = servers(appendonly="yes", appendfsync="everysec")
    running, killed, chance = {}, [], random.Random(23)
    count = 4000

    def start(name):
        path = tmp_path / f"{name}.toml"
        path.write_text(CONFIG.format(name=name, url=server.url, receiver=receiver.url))
        with (tmp_path / f"{name}.log").open("ab") as log:
            running[name] = subprocess.Popen(
                [sys.executable, "-m", "jackfield", "run", path.name], cwd=tmp_path, stderr=log, stdout=log
            )

    async def publish():
        async with RedisSink(url=server.url).open() as out:
            for first in range(0, count, 20):
                await out.write(Batch(tuple(event(n, f"c-{n % 200}") for n in range(first, first + 20))))
                await trio.sleep(0.1)
        nursery.cancel_scope.cancel()

    async def harm():
        await trio.sleep(4)
        for number in range(100):
            name = chance.choice(sorted(running))
            if number % 3 == 2:
                os.kill(running[name].pid, signal.SIGSTOP)
                await trio.sleep(3.5)
                os.kill(running[name].pid, signal.SIGCONT)
                killed.append((name, time.monotonic(), "stopped"))
            else:
                running[name].kill()
                running[name].wait()
                killed.append((name, time.monotonic(), "killed"))
                await trio.sleep(1.5)
                start(name)
            await trio.sleep(2)

    try:
        for name in ("m1", "m2", "m3"):
            start(name)
        for name in running:
            while b"connected" not in (tmp_path / f"{name}.log").read_bytes():  # noqa: ASYNC110
                await trio.sleep(0.1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(publish)
            nursery.start_soon(harm)
        for process in running.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGCONT)
        for name, process in [*running.items()]:
            if process.poll() is not None:
                start(name)
        with trio.move_on_after(60):
            while len({each[0] for each in receiver.got}) < count:  # noqa: ASYNC110  # what other processes do
                await trio.sleep(0.2)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()
    assess(receiver.got, count, killed)
