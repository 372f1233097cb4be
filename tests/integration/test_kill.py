"""The promise: what the journal has accepted reaches every sink at least once, in order for its key.

A process fed by both simulators and by a probe of its own is SIGKILLed at random moments and started again.
"""

import json
import random
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
import pytest
import trio
from profiles import is_thorough

PROBE = """
import sys
from datetime import UTC, datetime
import trio
import jackfield
from jackfield import Address, Event

def event(run, number):
    key = f"key-{number % 7}"
    address = Address("probe", "test", "kill", "call", key, "updated")
    at = datetime.now(UTC)
    return Event(f"{run}-{number}", "call.updated", address, at, at, "probe", key, data={"number": number})

async def main(config, run):
    async with jackfield.open_gateway(config) as gateway:
        for first in range(0, 10**9, 10):
            events = [event(run, number) for number in range(first, first + 10)]
            await gateway.publish(*events)
            print(*(each.id for each in events), sep="\\n", flush=True)
            await trio.sleep(0.002)

trio.run(main, *sys.argv[1:])
"""

SINKS = """
[sinks.crm]
type = "http"
url = "{url}"

[sinks.crm.delivery]
concurrency = 4

[[routes]]
select = ["**"]
sinks = ["crm"]
"""


@attrs.define
class Receiver:
    """Counts what is posted to it, by the run of the gateway in which it came."""

    run: int = 0
    got: list = attrs.field(factory=list)
    server: ThreadingHTTPServer = attrs.field(init=False)

    def __attrs_post_init__(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                self.run = receiver.run  # what a killed gateway sent last may be handled while the next one runs

            def do_POST(self):
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:  # the sender was killed
                    return
                receiver.got.append((self.run, json.loads(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a sender that is killed in the middle of a request

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/events"


@pytest.fixture
def receiver():
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


def identity(event):
    return event["source"], event["id"]


def key_of(event):
    return event.get("correlationid") or (event["source"], event["subject"])


def first_of_each(events):
    return list({identity(event): event for event in events[::-1]}.values())[::-1]


def check_order(events, numbers):
    """The first time that each event came: in the journal's order, key by key."""
    last = defaultdict(int)
    for event in first_of_each(events):
        number = numbers[identity(event)]
        assert number > last[key_of(event)], f"{event} came after what followed it"
        last[key_of(event)] = number


async def killed_after(process, seconds, confirmed):
    """Read what the probe says is committed, and kill it so long after its first word."""
    rest = b""
    with trio.move_on_after(20) as patience:
        async for data in process.stdout:
            patience.deadline = min(patience.deadline, trio.current_time() + seconds)
            *lines, rest = (rest + data).split(b"\n")
            confirmed += [line.decode() for line in lines]
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert process.returncode == -signal.SIGKILL
    left = await process.stdout.receive_some()
    confirmed += [line.decode() for line in (rest + left).split(b"\n")[:-1]]
    await process.stdout.aclose()


async def test_nothing_that_was_accepted_is_lost_or_out_of_order_however_often_the_process_is_killed(
    start, simulate, folder, receiver
):
    kills = 20 if is_thorough() else 2
    chance = random.Random(kills)
    voipbin, voipbin_url = await simulate("voipbin")
    vinix, vinix_url = await simulate("vinix")
    config = folder.configure(voipbin_url, vinix_url, SINKS.format(url=receiver.url))
    text = (folder.path / config).read_text()
    (folder.path / config).write_text('[gateway]\njournal = "var/journal"\ndrain_seconds = 25\n' + text)
    environment = {"VOIPBIN_TOKEN": "voipbin-s3cret", "VINIX_TOKEN": "vinix-s3cret"}
    confirmed = []
    for receiver.run in range(kills):
        process = await trio.lowlevel.open_process(
            [sys.executable, "-c", PROBE, config, str(receiver.run)],
            stdout=subprocess.PIPE,
            cwd=folder.path,
            env=environment,
        )
        await killed_after(process, chance.uniform(0.0, 0.6), confirmed)
    await voipbin.stop()
    await vinix.stop()
    receiver.run = kills
    gateway = await start("run", config)
    await gateway.says("office: ")
    assert await gateway.stop() == 0  # which drains its sinks
    stats = await start("journal", "stats", config, "--json")
    assert await stats.ended() == 0
    assert {sink["behind"] for sink in json.loads("\n".join(stats.out))["sinks"].values()} == {0}

    listing = await start("journal", "events", config)
    assert await listing.ended() == 0
    accepted = [json.loads(line) for line in listing.out]
    numbers = {identity(event): number for number, event in enumerate(accepted, 1)}
    assert len(numbers) == len(accepted)
    assert {event["id"] for event in accepted} >= set(confirmed)
    assert len(confirmed) > 10 * kills
    assert {event["feed"] for event in accepted} == {"probe", "office", "support"}

    posted = [event for _, event in receiver.got]
    archived = folder.events()
    for got in (posted, archived):
        assert {identity(event) for event in got} == set(numbers)
        check_order(got, numbers)
    runs = defaultdict(list)
    for run, event in receiver.got:
        runs[identity(event)].append(run)
    for each in runs.values():
        assert len(each) == len(set(each)), "twice in one run: no kill explains that"
