"""What serving costs: how late events are at a client and in a browser, how many go out, and what a crowd takes.

python serving.py URL PATH CLIENTS EVENTS    # so many clients of one URL, each until it has so many events
"""

import json
import os
import re
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from stages import everything, gateway_of, stage
from watch import Watch
from watching import EXTRA, lateness, resident

import jackfield
from jackfield._serve.server import open_serving
from jackfield.config import GatewayConfig, GatewayOptions, ServeOptions

TESTS = Path(__file__).parents[1]
sys.path.append(str(TESTS))
SENT = re.compile(rb'"sent": ?(\d+)')
SELECT = "/v1/events?select=**"
FIRST = 100_000_000
BATCH, AHEAD = 500, 1_500
SOCKETS = 4_000


def many_sockets():
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOCKETS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def connected(url, path):
    host, _, port = url.removeprefix("http://").rpartition(":")
    line = socket.create_connection((host, int(port)))
    line.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    while b"\r\n\r\n" not in line.recv(1):
        if b"retry" in line.recv(65536, socket.MSG_PEEK):
            break
    return line


def follow(url, path, clients, events):
    """Read events as fast as they come; how late each was at the first client, where they say when they were sent."""
    many_sockets()
    print("started", flush=True)
    sys.stdin.readline()
    with selectors.DefaultSelector() as waiting:
        got = {}
        for _ in range(clients):
            line = connected(url, path)
            got[line] = 0
            waiting.register(line, selectors.EVENT_READ)
        print("ready", flush=True)
        first, late, left = next(iter(got)), [], clients
        while left:
            for key, _ in waiting.select():
                data = key.fileobj.recv(262_144)
                got[key.fileobj] += data.count(b"\ndata: {")
                if key.fileobj is first:
                    now = time.time_ns()
                    late += [(now - int(each)) / 1e6 for each in SENT.findall(data)]
                if got[key.fileobj] >= events or not data:
                    waiting.unregister(key.fileobj)
                    left -= 1
    late = late[len(late) // 10 :]
    quantiles = [statistics.median(late), statistics.quantiles(late, n=100)[98]] if len(late) > 1 else [0, 0]
    print(json.dumps({"events": sum(got.values()), "late": quantiles}), flush=True)


@asynccontextmanager
async def followers(url, path, clients, events, *, connect=True):
    """Clients in a process of their own, off this one's core; what they found, at the end."""
    cores = sorted(os.sched_getaffinity(os.getppid()) - os.sched_getaffinity(0)) or [0]
    command = ["taskset", "-c", str(cores[0]), sys.executable, __file__, url, path, str(clients), str(events)]
    process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    told = b""

    async def until(lines):
        nonlocal told
        while told.count(b"\n") < lines:
            told += await process.stdout.receive_some()

    async def begin():
        await process.stdin.send_all(b"\n")
        await until(2)

    await until(1)
    found = {"connect": begin}
    if connect:
        await begin()
    yield found
    if events < FIRST:
        await until(3)
        found |= json.loads(told.splitlines()[2])
    process.kill()
    await process.wait()


def configured(folder):
    return GatewayConfig(
        (), gateway=GatewayOptions(journal=f"{folder}/journal"), serve=ServeOptions(listen="127.0.0.1:0", open=True)
    )


def noted(name, late):
    late = late[len(late) // 10 :]
    EXTRA[f"{name} p50"], EXTRA[f"{name} p99"] = statistics.median(late), statistics.quantiles(late, n=100)[98]


@stage
def served(url, count, vendor):
    """How late events are at a client by server-sent events, at a browser if there is one, and at a listener."""
    from browser import find_chromium, open_page

    async def main():
        total, late, watch = 0, [], Watch()

        async def hear(gateway, *, task_status):
            nonlocal total
            with gateway.listen(everything(vendor), buffer=count) as events:
                task_status.started()
                async for event in events:
                    if "seq" in event.data:
                        late.append(lateness(event.data))
                        total += event.data["seq"]
                        if len(late) == count:
                            return

        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            async with AsyncExitStack() as stack:
                page = await stack.enter_async_context(open_page(folder)) if find_chromium() else None
                place = await stack.enter_async_context(open_serving(configured(folder)))
                opening = gateway_of(url, vendor, gateway={"journal": f"{folder}/journal"})
                gateway = await stack.enter_async_context(opening)
                await stack.enter_async_context(place.of(gateway))
                if page is not None:
                    await page.open(f"{place.url}/v1/kinds")
                clients = followers(place.url, f"{SELECT}&after=oldest", 1, count, connect=False)
                async with clients as found, trio.open_nursery() as nursery:
                    await nursery.start(hear, gateway)
                    await found["connect"]()
                    if page is not None:
                        await page.value(PAGE)
                        await page.until(f"window.late.length >= {count}")
                        noted("EventSource in Chromium", await page.value("window.late"))
                watch.stop()
        EXTRA["client p50"], EXTRA["client p99"] = found["late"]
        noted("listener in process", late)
        return watch, total

    return trio.run(main)


PAGE = """
new Promise((resolve) => {
  window.late = [];
  window.source = new EventSource("/v1/events?select=**&after=oldest");
  window.source.onmessage = ({ data }) => {
    const { sent } = JSON.parse(data).data ?? {};
    if (sent) window.late.push(performance.timeOrigin + performance.now() - sent / 1e6);
  };
  window.source.onopen = () => resolve(true);
})
"""


def made(number, sent=0):
    from served import event

    return event(number, data={"seq": number, "sent": sent, "text": "x" * 400})


async def publish(gateway, events, clients):
    """As fast as the clients get them."""
    for first in range(0, events, BATCH):
        await gateway.publish(*map(made, range(first, min(events, first + BATCH))))
        await sent(gateway, (first - AHEAD) * clients)


async def sent(gateway, count):
    while gateway.state().serve.sent < count:  # noqa: ASYNC110  # a counter
        await trio.sleep(0.001)


@stage
def fanned(_url, count, _vendor, clients=1):
    """Events to so many clients at once, each with a journal in a file behind it."""

    async def main():
        many_sockets()
        with TemporaryDirectory() as folder:
            config = configured(folder)
            async with (
                open_serving(config) as place,
                jackfield.open_gateway(config) as gateway,
                place.of(gateway),
                followers(place.url, SELECT, clients, count) as found,
            ):
                watch = Watch()
                await publish(gateway, count, clients)
                await sent(gateway, count * clients)
                watch.stop()
            assert found["events"] == count * clients, found
            EXTRA["dropped"] = gateway.state().serve.dropped
        return watch, sum(range(FIRST, FIRST + count))

    return trio.run(main)


@stage
def crowd(_url, count, _vendor, idle=2000, busy=200, rate=50):
    """Idle clients beside busy ones, each of which gets every event, at so many a second."""

    async def main():
        many_sockets()
        with TemporaryDirectory() as folder:
            config = configured(folder)
            before = resident()
            async with (
                open_serving(config) as place,
                jackfield.open_gateway(config) as gateway,
                place.of(gateway),
                followers(place.url, "/v1/events?select=agent.*", idle, FIRST),
                followers(place.url, SELECT, busy, count) as found,
            ):
                EXTRA["MB"] = (resident() - before) / 1e6
                watch, began = Watch(), trio.current_time()
                for number in range(count):
                    await trio.sleep_until(began + number / rate)
                    await gateway.publish(made(number, time.time_ns()))
                watch.stop()
                EXTRA["clients"] = gateway.state().serve.clients
            EXTRA["p50"], EXTRA["p99"] = found["late"]
            EXTRA["dropped"] = gateway.state().serve.dropped
            EXTRA["share"] = watch.processor / watch.seconds
        return watch, sum(range(FIRST, FIRST + count))

    return trio.run(main)


if __name__ == "__main__":
    follow(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
