"""The sink by the conformance kit, and behind a gateway that is killed."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jackfield_vcon.conformance import Conformance

__all__ = ["TestVcon"]

TestVcon = Conformance

PROGRAM = """
import json, sys
from pathlib import Path
import trio
import jackfield
from jackfield.events import Event

async def main(folder, events):
    events = [Event.from_cloudevent(line) for line in Path(events).read_bytes().splitlines()]
    feed = {"provider": "voipbin", "url": "ws://127.0.0.1:1/", "token": "t", "customer_id": "C"}
    sink = {"type": "vcon", "path": folder + "/vcons", "domain": "example.com", "settle_seconds": 6.0}
    config = {"feeds": {"office": feed}, "gateway": {"journal": folder + "/journal"}, "sinks": {"records": sink},
              "routes": [{"select": ["**"], "sinks": ["records"]}]}
    async with jackfield.open_gateway(config) as gateway:
        print("open", flush=True)
        for start in range(0, len(events), 50):
            await gateway.publish(*events[start : start + 50])
            await trio.sleep(0.01)
        await trio.sleep(8)

trio.run(main, *sys.argv[1:])
"""


def play(folder, events, seconds):
    """Run the gateway over the whole day, or until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), str(events)], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"open\n"
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return process.returncode


def written(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).glob("vcons/*/*")}


@pytest.mark.thorough
def test_twenty_kills_during_the_day_change_nothing(tmp_path, conversations):
    events = [event for vendor in ("vinix", "deployed") for each in conversations(vendor).values() for event in each]
    events.sort(key=lambda event: (event.received, event.id))
    day = tmp_path / "day.jsonl"
    day.write_bytes(b"".join(event.to_json() + b"\n" for event in events))
    once, killed = tmp_path / "once", tmp_path / "killed"
    once.mkdir()
    killed.mkdir()
    assert play(once, day, 60) == 0
    chance = random.Random(1)
    kills = sum(play(killed, day, chance.uniform(0, 0.6)) != 0 for _ in range(20))
    assert play(killed, day, 60) == 0
    assert kills == 20
    assert written(killed) == written(once)
    vcons = [json.loads(body) for body in written(once).values()]
    assert len(vcons) == len({vcon["uuid"] for vcon in vcons}) > 50
