"""SIGKILL in the middle of everything, again and again: no torn line, and nothing acknowledged is missing."""

import random
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import trio
from profiles import is_thorough

from jackfield.plugin.sink import Batch
from jackfield_file import File

PER_BATCH = 50
TASKS = 4

WRITES = """
    import os, sys, trio
    from datetime import UTC, datetime
    from jackfield.addresses import Address
    from jackfield.events import Event
    from jackfield.plugin.sink import Batch
    from jackfield_file import File

    folder, fsync, per_batch, *starts = sys.argv[1:]
    at = datetime(2026, 1, 1, tzinfo=UTC)

    def event(number):
        address = Address("v", "s", "ab"[number % 2], "r", "n", "w")
        return Event(str(number), "a.b", address, None, at, "f", data={"x": "y" * 1000})

    async def write(sink, batch, size):
        while True:
            await sink.write(Batch(tuple(event(n) for n in range(batch * size, batch * size + size))))
            os.write(1, b"%d\\n" % batch)
            batch += len(starts)

    async def main():
        path = folder + "/{scope_id}/events.jsonl"
        async with File(path, rotate_bytes=300_000, compress="gzip", fsync=fsync).open() as sink:
            async with trio.open_nursery() as nursery:
                for start in starts:
                    nursery.start_soon(write, sink, int(start), int(per_batch))

    trio.run(main)
"""


async def restart(folder, event):
    """Write once more to both files, which a kill in the middle of a write may have left with a torn line."""
    async with File(str(folder / "{scope_id}" / "events.jsonl")).open() as sink:
        await sink.write(Batch((event(10**9, scope_id="a"), event(10**9 + 1, scope_id="b"))))


@pytest.mark.parametrize("fsync", ["never", "batch"])
def test_after_a_kill_no_line_is_torn_and_none_that_was_acknowledged_is_missing(tmp_path, written, event, fsync):
    """Like a journal, the parent has each task begin again with its first batch that was not acknowledged."""
    chance = random.Random(f"kill {fsync}")
    starts = list(range(TASKS))
    acknowledged = set()
    for _ in range((10 if is_thorough() else 4) if fsync == "never" else 3):
        arguments = [str(tmp_path), fsync, str(PER_BATCH), *map(str, starts)]
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITES), *arguments], stdout=subprocess.PIPE
        ) as process:
            seen = [process.stdout.readline() for _ in range(chance.randrange(1, 120))]
            time.sleep(chance.uniform(0, 0.01))
            process.send_signal(signal.SIGKILL)
            seen += process.stdout.readlines()
        assert process.returncode == -signal.SIGKILL
        for batch in map(int, seen):
            acknowledged.add(batch)
            starts[batch % TASKS] = batch + TASKS
    trio.run(restart, tmp_path, event)
    found = set(written.all_ids())
    assert len(acknowledged) > 100
    assert {number for batch in acknowledged for number in range(batch * PER_BATCH, (batch + 1) * PER_BATCH)} <= found
    assert any("@" in name for name in written.names())
    assert {name.partition("/")[0] for name in written.names()} == {"a", "b"}
