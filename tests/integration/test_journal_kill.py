"""The journal in processes that are killed, and on a disk that takes no more."""

import json
import random
import signal
import subprocess
import sys
import time

from jackfield._journal.store import SegmentStore
from jackfield.events import Event

KILLS = 10

# Publishes event after event from two tasks, prints each that was confirmed, and delivers what it reads to a file.
CHILD = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
import trio
from jackfield._journal import Journal
from jackfield._journal.log import Bounds
from jackfield._journal.store import SegmentStore
from jackfield.addresses import Address
from jackfield.events import Event

path, run, fsync, *delivered = Path(sys.argv[1]), *sys.argv[2:]
address = Address("v", "s", "i", "call", "7", "status")

def make(name):
    return Event(name, "call.connected", address, None, datetime.now(UTC), "f", data={"text": "x" * 300})

async def publish(journal, task):
    n = 0
    while True:
        names = [f"{run}-{task}-{n + i}" for i in range(1 + n % 7)]
        n += len(names)
        await journal.publish([make(name) for name in names])
        os.write(1, "".join(f"{name}\\n" for name in names).encode())

async def deliver(cursor, file):
    while True:
        found, lost = await cursor.read(10)
        assert not lost
        os.write(file, "".join(f"{event.id}\\n" for _, event in found).encode())
        cursor.commit(found[-1][0] + 1)

async def main():
    store = SegmentStore.open(path, fsync=fsync == "fsync")
    journal = Journal(Bounds(50), store, lambda report: os.write(2, f"{report}\\n".encode()))
    async with trio.open_nursery() as nursery:
        for sink in delivered:
            file = os.open(sink, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            nursery.start_soon(deliver, journal.cursor(Path(sink).name), file)
        nursery.start_soon(journal.run)
        for task in "ab":
            nursery.start_soon(publish, journal, task)

trio.run(main)
"""


def test_what_was_confirmed_is_there_after_each_kill_and_is_delivered_in_order(tmp_path):
    chance = random.Random(7)
    path, sinks = tmp_path / "journal", [tmp_path / "one", tmp_path / "two"]
    confirmed = []
    for run in range(KILLS):
        fsync = ("no", "fsync")[run % 2]
        command = [sys.executable, "-c", CHILD, path, str(run), fsync, *sinks]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            lines = [child.stdout.readline()]
            time.sleep(chance.uniform(0.0, 0.15))  # anywhere in what it does
            child.send_signal(signal.SIGKILL)
            out, err = child.communicate()
        assert err == b""
        *whole, _ = (lines[0] + out).decode().split("\n")
        confirmed += whole
        store = SegmentStore.open(path)
        assert store.findings == []
        stored = [Event.from_cloudevent(line.body).id for page in store.scan(0, 2**62, print) for line in page]
        store.close()
        assert set(confirmed) <= set(stored)
        assert len(stored) == len(set(stored)) == store.next - 1
        assert any(name.startswith(f"{run}-") for name in whole)
    for sink in sinks:
        *got, _ = sink.read_text().split("\n")
        assert list(dict.fromkeys(got)) == stored[: len(set(got))]  # each at least once, in order
        assert len(set(got)) > KILLS


# Fills the disk as far as it is allowed to, and gives it room when the journal has told that it waits.
FULL = """
import json, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import trio
from jackfield._journal import Journal
from jackfield._journal.log import Bounds
from jackfield._journal.store import SegmentStore
from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.reports import JournalRecovered, JournalWriteFailed

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
address = Address("v", "s", "i", "call", "7", "status")
reports = []

def make(n):
    return Event(str(n), "call.connected", address, None, datetime.now(UTC), "f", data={"text": "x" * 300})

async def until(condition):
    with trio.fail_after(20):
        while not condition():
            await trio.sleep(0.01)

async def main():
    journal = Journal(Bounds(10_000), SegmentStore.open(Path(sys.argv[1])), reports.append)
    cursor = journal.cursor("crm")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        for n in range(3000):
            journal.admit([make(n)])
            if n % 100 == 0:
                await trio.sleep(0.001)
        await until(lambda: any(isinstance(each, JournalWriteFailed) for each in reports))
        waited = journal.snapshot().waiting
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await until(lambda: journal.snapshot().waiting == 0)
        seen = []
        while len(seen) < 3000:
            found, lost = await cursor.read(500)
            assert not lost
            seen += [int(event.id) for _, event in found]
        journal.finish()
    print(json.dumps({
        "in order": seen == list(range(3000)), "waited": waited, "dropped": journal.snapshot().dropped,
        "stalled": [str(each) for each in reports if isinstance(each, JournalWriteFailed)],
        "resumed": sum(isinstance(each, JournalRecovered) for each in reports),
    }))

trio.run(main)
"""


def test_a_disk_that_takes_no_more_pauses_the_journal_and_nothing_is_lost_when_it_has_room_again(tmp_path):
    command = [sys.executable, "-c", FULL, tmp_path / "journal"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.stderr == b""
    told = json.loads(done.stdout)
    assert told["in order"]
    assert told["waited"] > 0
    assert told["dropped"] == 0
    assert "cannot be written: " in told["stalled"][0]
    assert told["resumed"] >= 1
