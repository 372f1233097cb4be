"""What is no rate: how late events are, what a gateway keeps in memory, how soon a line is up again."""

import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from stages import STAGES, everything, gateway_of, numbers, stage
from watch import Watch

from jackfield._transport import connect
from jackfield.providers import Endpoint

__all__ = ["STAGES"]

EXTRA = {}
"""What a stage has measured beside its time."""


def resident():
    """Bytes of this process's memory that are in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@stage
def latency(url, count, vendor):
    """From the moment at which an event was due on the socket to the listener, in milliseconds; with a journal."""

    async def main():
        total, late = 0, []
        with TemporaryDirectory() as folder:
            async with gateway_of(url, vendor, gateway={"journal": f"{folder}/journal.db"}) as gateway:
                watch = Watch()
                with gateway.listen(everything(vendor), buffer=count) as events:
                    async for event in events:
                        if "seq" in event.data:
                            late.append((time.time_ns() - event.data["sent"]) / 1e6)
                            total += event.data["seq"]
                            if len(late) == count:
                                break
                watch.stop()
        late = late[count // 10 :]  # without the first, which meet a cold start
        EXTRA["p50"], EXTRA["p99"] = statistics.median(late), statistics.quantiles(late, n=100)[98]
        return watch, total

    return trio.run(main)


@stage
def memory(url, count, vendor):
    """Memory in use after half of the events and after all of them, in MB."""

    async def main():
        total, seen = 0, 0
        async with gateway_of(url, vendor, gateway={"dedupe": 10_000}) as gateway:
            watch = Watch()
            with gateway.listen(everything(vendor), buffer=count) as events:
                async for seq in numbers(events, count):
                    total += seq
                    seen += 1
                    if seen in (count // 2, count):
                        EXTRA["begin" if seen < count else "end"] = resident() / 1e6
            return watch.stop(), total

    return trio.run(main)


@stage
def reconnect(url, count, vendor):
    """From the beginning of a connection to its first event, in milliseconds."""

    async def main():
        took = []
        watch = Watch()
        for _ in range(count):
            began = time.perf_counter()
            async with connect(Endpoint(url), within=10) as line:
                await line.send("{}")
                await line.receive()
                took.append((time.perf_counter() - began) * 1e3)
        EXTRA["p50"] = statistics.median(took)
        return watch.stop(), sum(100_000_000 + number for number in range(count))

    return trio.run(main)
