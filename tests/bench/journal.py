"""What it costs to keep an event, beside the least that SQLite costs.

The section ``writing`` of the benchmark. Events of 600 bytes in groups of 200. Each figure is the median of all
groups, in µs an event.
"""

import os
import sqlite3
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from jackfield._journal import Journal
from jackfield._journal.dedup import key_of
from jackfield._journal.log import Bounds
from jackfield._journal.store import SegmentStore
from jackfield.addresses import Address
from jackfield.events import Event

LEAST = "SQLite alone: executemany and commit"
GROUP = 200
GROUPS = 200
SIZES = (1_000, 100_000, 1_000_000)
NOW = datetime.now(UTC)
ADDRESS = Address("voipbin", "customer", "5e1c", "call", "7", "status")
TEXT = b'{"text":"%s"}' % os.urandom(130).hex().encode()


def make(number):
    return Event(
        f"{number:032x}", "call.connected", ADDRESS, NOW, NOW, "office", "c", "call.status", "t:1", data_json=TEXT
    )


def groups():
    return [[make(group * GROUP + n) for n in range(GROUP)] for group in range(GROUPS)]


def timed(step, each):
    times = []
    for group in each:
        start = time.perf_counter()
        step(group)
        times.append((time.perf_counter() - start) / GROUP * 1e6)
    return statistics.median(times)


def plain(folder):
    """The least: rows that are made before, one statement, one commit."""
    db = sqlite3.connect(folder / "plain.db", isolation_level=None)
    db.executescript("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, received INTEGER, body BLOB)")

    def step(values):
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO event VALUES (?, ?, ?)", values)
        db.execute("COMMIT")

    every = [[(int(event.id, 16), 1, event.to_json()) for event in group] for group in groups()]
    found = timed(step, every)
    db.close()
    return found


def rows(events):
    return [event.to_json() for event in events], [1] * len(events), 1, (events, [key_of(event) for event in events])


def stored(folder, *, fsync):
    store = SegmentStore.open(folder / f"fsync-{fsync}", fsync=fsync)
    found = timed(lambda group: store.append(*group), list(map(rows, groups())))
    store.close()
    return found


async def journaled(folder):
    """From `admit` to readable, one group after the other; and `admit` alone, which is what the reading side pays."""
    store = SegmentStore.open(folder / "journal")
    journal = Journal(Bounds(10_000), store, print)
    whole, taking = [], []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        for group in groups():
            start = time.perf_counter()
            journal.admit(group)
            taking.append((time.perf_counter() - start) / GROUP * 1e6)
            await journal.publish(())
            whole.append((time.perf_counter() - start) / GROUP * 1e6)
        journal.finish()
    store.close()
    return statistics.median(taking), statistics.median(whole)


async def flooded(folder):
    """Events as fast as they are taken, so that groups grow while a commit is under way."""
    store = SegmentStore.open(folder / "flood")
    journal = Journal(Bounds(GROUP * GROUPS), store, print)
    every = groups()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        start = time.perf_counter()
        for group in every:
            journal.admit(group)
            await trio.lowlevel.checkpoint()
        await journal.publish(())
        found = (time.perf_counter() - start) / GROUP / GROUPS * 1e6
        journal.finish()
    store.close()
    return found


def growth():
    """By how many events the folder holds already: µs to keep one more, and to read one from the middle."""
    found = {}
    many, few = (rows([make(number) for number in range(count)]) for count in (GROUP * 10, GROUP))
    with TemporaryDirectory() as name:
        store = SegmentStore.open(Path(name) / "grown")
        for size in SIZES:
            while store.next <= size:
                store.append(*many)
            kept = timed(lambda group: store.append(*group), [few] * GROUPS)
            middle = store.next // 2
            found[size] = kept, timed(lambda start: store.read(start, GROUP), range(middle, middle + GROUPS))
        store.close()
    return found


def measure():
    """By what is measured: µs an event."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        least = plain(folder)
        encoding = timed(lambda group: [event.to_json() for event in group], groups())
        taking, whole = trio.run(journaled, folder)
        return {
            LEAST: least,
            "SegmentStore.append": stored(folder, fsync=False),
            "SegmentStore.append, fsync": stored(folder, fsync=True),
            "Event.to_json": encoding,
            "Journal.admit, to_json within": taking,
            "Journal, from admit to readable": whole,
            "Journal, a flood, mean": trio.run(flooded, folder),
        }
