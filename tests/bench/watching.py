"""What is no rate: how late events are, what a gateway keeps in memory, how soon a line is up again."""

import os
import socket
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import floor
import msgspec
import trio
from stages import STAGES, everything, gateway_of, numbers, stage
from watch import Watch

from jackfield._feed.transport import connect
from jackfield.plugin.transport import Endpoint

__all__ = ["STAGES", "floor"]

EXTRA = {}
"""What a stage has measured beside its time."""


def resident():
    """Bytes of this process's memory that are in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def note(late):
    """Keep the quantiles of how late events were, in ms; without the first tenth, which meets a cold start."""
    late = late[len(late) // 10 :]
    EXTRA["p50"], EXTRA["p99"] = statistics.median(late), statistics.quantiles(late, n=100)[98]


def lateness(data):
    """Milliseconds since the moment at which an event was due on the socket."""
    return (time.time_ns() - data["sent"]) / 1e6


@stage
def latency(url, count, vendor):
    """How late events are at a listener, behind a journal in a file."""

    async def main():
        total, late = 0, []
        with TemporaryDirectory() as folder:
            async with gateway_of(url, vendor, gateway={"journal": f"{folder}/journal"}) as gateway:
                watch = Watch()
                with gateway.listen(everything(vendor), buffer=count) as events:
                    async for event in events:
                        if "seq" in event.data:
                            late.append(lateness(event.data))
                            total += event.data["seq"]
                            if len(late) == count:
                                break
                watch.stop()
        note(late)
        return watch, total

    return trio.run(main)


@stage
def machine(url, count, _vendor):
    """How late events are at a blocking socket that is read by nobody else: what is the machine's, and not ours."""
    total, late, rest = 0, [], b""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: x\r\n\r\n")
        line.recv(4096)
        watch = Watch()
        line.sendall(b"\x81\x80\0\0\0\0")
        while len(late) < count:
            rest += line.recv(65536)
            while len(rest) >= 4 and len(rest) >= 4 + (size := int.from_bytes(rest[2:4], "big")):
                data = msgspec.json.decode(rest[4 : 4 + size])["data"]
                rest = rest[4 + size :]
                late.append(lateness(data))
                total += data["seq"]
    note(late)
    return watch.stop(), total


@stage
def memory(url, count, vendor):
    """Memory in use after half of the events and after all of them, in MB."""

    async def main():
        total, seen = 0, 0
        async with gateway_of(url, vendor, gateway={"dedupe_window": 10_000}) as gateway:
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
            async with connect(Endpoint(url), timeout=10) as line:
                await line.send("{}")
                await line.receive()
                took.append((time.perf_counter() - began) * 1e3)
        EXTRA["p50"] = statistics.median(took)
        return watch.stop(), sum(100_000_000 + number for number in range(count))

    return trio.run(main)
