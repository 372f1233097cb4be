"""What one to four delivery members bring: events a second out of Redis into files, processor time, and how even it is.

``python tests/bench/delivery_tier.py --members 1 2 4``; each member is a process ``jackfield run`` with a journal and a
sink of its own, and 1,000 correlations lie in 16 partitions. All is written while the members are stopped, which then
go on at once. Others on the machine change the events a second, and hardly the processor time.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import trio
from through_redis import BATCH, events

from jackfield.errors import ConnectionLost
from jackfield.plugin.sink import Batch
from jackfield_redis import RedisFeed, RedisSink
from jackfield_redis.local_server import LocalServer
from jackfield_redis.status import status_of

PARTITIONS = 16
MEMBER = """
[gateway]
journal = "journal-{name}"
[feeds.bus]
provider = "redis"
url = "{url}"
member = "{name}"
lease_seconds = 30.0
[sinks.out]
type = "file"
path = "{name}.jsonl"
[[routes]]
select = ["call.*"]
sinks = ["out"]
"""


def processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """Of a process so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lines(path: Path, seen: dict[Path, tuple[int, int]]) -> int:
    """How many lines a file has by now, of which what was `seen` is not read again."""
    size, count = seen.get(path, (0, 0))
    if path.exists():
        with path.open("rb") as file:
            file.seek(size)
            data = file.read()
        size, count = size + len(data), count + data.count(b"\n")
        seen[path] = size, count
    return count


async def shared_out(server: LocalServer, members: int) -> None:
    """Wait until each member reads its share."""
    with trio.fail_after(120):
        while True:
            try:
                held = [
                    each.holder.rpartition("-")[0] for each in (await status_of(RedisFeed(url=server.url))).partitions
                ]
                if all(held) and max(map(held.count, held)) == -(-PARTITIONS // members) and len(set(held)) == members:
                    return
            except ConnectionLost:
                pass
            await trio.sleep(0.5)


async def measured(members: int, count: int, folder: Path) -> str:
    """One run."""
    server = LocalServer(folder)
    server.start()
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        batches = [Batch(tuple(made)) for made in cut(events(count + BATCH))]
        async with RedisSink(url=server.url).open() as out:
            await out.write(batches[0])
            for name in (f"d{number}" for number in range(members)):
                (folder / f"{name}.toml").write_text(MEMBER.format(name=name, url=server.url))
                with (folder / f"{name}.log").open("wb") as log:
                    command = [sys.executable, "-m", "jackfield", "run", f"{name}.toml"]
                    running[name] = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)  # noqa: ASYNC220
            await shared_out(server, members)
            seen: dict[Path, tuple[int, int]] = {}
            files = [folder / f"{name}.jsonl" for name in running]
            with trio.fail_after(60):
                while sum(lines(file, seen) for file in files) < BATCH:  # noqa: ASYNC110  # a file has no event
                    await trio.sleep(0.1)
            first = [lines(file, seen) for file in files]
            for process in running.values():
                process.send_signal(signal.SIGSTOP)
            for batch in batches[1:]:
                await out.write(batch)
            used, began = [processor_seconds(each) for each in running.values()], time.monotonic()
            for process in running.values():
                process.send_signal(signal.SIGCONT)
            with trio.fail_after(300):
                while sum(lines(file, seen) for file in files) < count + BATCH:  # noqa: ASYNC110
                    await trio.sleep(0.05)
        wall = time.monotonic() - began
        loads = [lines(file, seen) - before for file, before in zip(files, first, strict=True)]
        times = [processor_seconds(each) - before for each, before in zip(running.values(), used, strict=True)]
        each = ", ".join(f"{1e6 * own / load:.0f}" for own, load in zip(times, loads, strict=True))
        even = count / members
        return (
            f"{members} members: {count / wall:,.0f} events/s; "
            f"processor time of each (us an event of its own): {each}; loads {loads}, "
            f"within {max(abs(load - even) / even for load in loads):.0%} of even; "
            f"{sum(times) / wall:.2f} processors for all members"
        )
    finally:
        for process in running.values():
            process.kill()
            process.wait()
        server.stop()


def cut(made: list) -> list[list]:
    """In batches."""
    return [made[start : start + BATCH] for start in range(0, len(made), BATCH)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--members", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    for chosen in options.members:
        with tempfile.TemporaryDirectory() as temporary:
            print(trio.run(partial(measured, chosen, options.events, Path(temporary))), flush=True)
