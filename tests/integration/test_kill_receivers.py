"""The promise at a receiver that misbehaves in twenty ways and at a slow one, across SIGKILLs at any moment.

Nothing lost, nothing out of order for its key, and nothing that was acknowledged comes again without a kill. Six kills
here, sixty by ``nox -s thorough -- tests/integration/test_kill_receivers.py``.
"""

import json
import random
import signal
import subprocess
import sys
from collections import defaultdict

import pytest
import trio
from misbehaving import WAYS, Receiver
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
        if run == "drain":
            while any(sink.lag for sink in gateway.state().sinks.values()):
                await trio.sleep(0.05)
            for name, sink in gateway.state().sinks.items():
                print(name, sink.dropped, sink.dead)
            return
        for first in range(0, 10**9, 10):
            await gateway.publish(*[event(run, number) for number in range(first, first + 10)])
            print("committed", flush=True)
            await trio.sleep(0.02)

trio.run(main, *sys.argv[1:])
"""

CONFIG = """
[gateway]
journal = "var/journal"

[feeds.office]
provider = "voipbin"
url = "ws://127.0.0.1:9/"
token = "x"
customer_id = "a"

[sinks.bad]
type = "http"
url = "{bad}"
mode = "batch"
timeout = 0.4
[sinks.bad.delivery]
concurrency = 3
batch_events = 20

[sinks.slow]
type = "http"
url = "{slow}"
[sinks.slow.delivery]
concurrency = 4
timeout = 0.2

[[routes]]
select = ["call.*"]
sinks = ["bad", "slow"]
"""


@pytest.fixture
def receivers():
    found = Receiver(1, share=0.3), Receiver(2, seconds=0.01)
    yield found
    for each in found:
        each.close()


async def test_nothing_is_lost_out_of_order_or_repeated_without_a_kill(receivers, start, tmp_path, folder):
    bad, slow = receivers
    kills = 60 if is_thorough() else 4
    chance = random.Random(kills)
    config = folder.path / "gateway.toml"
    config.write_text(CONFIG.format(bad=bad.url, slow=slow.url))

    async def open_probe(run):
        command = [sys.executable, "-c", PROBE, str(config), run]
        return await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, cwd=folder.path)

    for run in range(kills):
        bad.run = slow.run = run
        process = await open_probe(str(run))
        await process.stdout.receive_some()
        await trio.sleep(chance.uniform(0.0, 0.8))
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
        await process.stdout.aclose()
    bad.run = slow.run = kills
    process = await open_probe("drain")
    with trio.fail_after(600):
        out = b"".join([data async for data in process.stdout]).decode()
        assert await process.wait() == 0
    assert out.split() == ["bad", "0", "0", "slow", "0", "0"]

    listing = await start("journal", "events", str(config))
    assert await listing.ended() == 0
    numbers = {json.loads(line)["id"]: number for number, line in enumerate(listing.out)}
    assert len(numbers) == len(listing.out) > 10 * kills
    assert len(bad.ways) > len(WAYS) / 2
    for receiver in receivers:
        check(receiver.got, numbers)


def check(got, numbers):
    assert {event["id"] for _, event in got} == set(numbers), "lost, or never published"
    last, runs = defaultdict(int), defaultdict(list)
    for run, event in got:
        if event["id"] not in runs:
            key, number = event["correlationid"], numbers[event["id"]]
            assert number >= last[key], f"{event['id']} came after what followed it"
            last[key] = number
        runs[event["id"]].append(run)
    repeated = {name: each for name, each in runs.items() if len(each) != len(set(each))}
    assert not repeated, "acknowledged twice in one run: no kill explains that"
