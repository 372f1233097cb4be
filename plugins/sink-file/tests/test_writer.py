"""`jackfield_file.writer`: each event once into its file, through rotations, renames, failures and cancellations."""

import gzip
import os
import random
import subprocess
import sys
import textwrap
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio

from jackfield.errors import DeliveryError
from jackfield.plugin.sink import Batch
from jackfield_file import File
from jackfield_file.paths import Template
from jackfield_file.rotation import Policy
from jackfield_file.writer import Writer


@pytest.fixture
def sink(tmp_path, clock):
    """Open the sink for a path below the folder."""
    return lambda path="events.jsonl", **options: File(str(tmp_path / path), **options).open(now=clock)


async def test_each_event_goes_into_its_own_file_in_order(sink, written, event):
    kinds = ["agent.ready", "contact.queued", "agent.away"]
    async with sink("{entity}/{kind}.jsonl") as opened:
        await opened.write(Batch(tuple(event(number, kinds[number % 3]) for number in range(9))))
        await opened.write(Batch(tuple(event(number, kinds[number % 3]) for number in range(9, 12))))
    assert written.names() == ["agent/agent.away.jsonl", "agent/agent.ready.jsonl", "contact/contact.queued.jsonl"]
    assert written.ids("agent/agent.ready.jsonl") == [0, 3, 6, 9]
    assert written.ids("agent/agent.away.jsonl") == [2, 5, 8, 11]


async def test_a_file_that_fails_costs_no_event_and_repeats_only_what_is_behind_it(sink, written, event, tmp_path):
    """``b`` is a folder, so its file cannot be; the host comes again from the first event that is missing."""
    feeds = ["a", "a", "b", "a", "c", "b"]
    events = [event(number, scope_id=feed) for number, feed in enumerate(feeds)]
    (tmp_path / "b.jsonl").mkdir()
    async with sink("{scope_id}.jsonl") as opened:
        for _ in range(3):
            with pytest.raises(DeliveryError, match=r"/b\.jsonl: Is a directory") as caught:
                await opened.write(Batch(tuple(events)))
            del events[: caught.value.delivered]
        assert caught.value.on_error == "retry"
        assert (caught.value.delivered, len(events)) == (0, 4)
        (tmp_path / "b.jsonl").rmdir()
        await opened.write(Batch(tuple(events)))
    assert written.ids("a.jsonl") == [0, 1, 3, 3]
    assert written.ids("b.jsonl", "c.jsonl") == [2, 5, 4]


async def test_a_descriptor_that_went_bad_is_replaced_at_the_next_attempt(sink, written, batch):
    async with sink() as opened:
        await opened.write(batch(1))
        with open("/dev/full", "ab") as full:  # noqa: ASYNC230, PTH123  # a device that really is full
            os.dup2(full.fileno(), opened._files["events.jsonl"]._descriptor)
        with pytest.raises(DeliveryError, match=r"events\.jsonl: No space left on device"):
            await opened.write(batch(2))
        await opened.write(batch(2))
    assert written.ids("events.jsonl") == [1, 2]


async def test_who_tends_rotated_files_is_reported_of_each_path_once_and_of_each_rotation(tmp_path, event, clock):
    seen = []
    template, policy = Template.parse(f"{tmp_path}/{{scope_id}}"), Policy(rotate_bytes=1)
    writer = Writer(template, policy, 0o640, durable=False, most=1, now=clock, tend=seen.append)
    for number, scope_id in enumerate("abab"):
        await writer.write(Batch((event(number, scope_id=scope_id),)))
    writer.close()
    assert seen == [tmp_path / name for name in "abab"]


async def test_no_more_files_stay_open_than_was_said(sink, written, event, tmp_path):
    def held():
        found = []
        for link in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # the housekeeper's thread looks at folders meanwhile, and closes them
                found.append(link.readlink())
        return [file for file in found if file.parent == tmp_path]

    async with sink("{scope_id}.jsonl", open_files=3) as opened:
        for turn in range(3):
            await opened.write(Batch(tuple(event(turn * 10 + each, scope_id=str(each)) for each in range(10))))
            assert len(held()) <= 3
    assert held() == []
    assert sorted(written.all_ids()) == list(range(30))
    assert written.ids("4.jsonl") == [4, 14, 24]


async def test_a_file_is_set_aside_before_it_grows_too_large(sink, written, batch, clock):
    async with sink(rotate_bytes=1000) as opened:
        for number in range(20):
            clock.move(seconds=1)
            await opened.write(batch(number))
    *rotated, live = sorted(written.names(), key=lambda name: ("@" not in name, name))
    assert live == "events.jsonl"
    assert [len(written.ids(name)) for name in rotated] == [4, 4, 4, 4]
    assert written.ids(*rotated, live) == list(range(20))
    assert all(len(written.bytes_of(name)) <= 1000 for name in written.names())


async def test_a_batch_is_not_split_however_large(sink, written, batch):
    async with sink(rotate_bytes=500) as opened:
        await opened.write(batch(0))
        await opened.write(batch(*range(1, 100)))
        await opened.write(batch(100))
    assert sorted(len(written.ids(name)) for name in written.names()) == [1, 1, 99]


async def test_files_of_one_moment_and_of_a_clock_that_goes_back_sort_in_their_order(sink, written, batch, clock):
    async with sink(rotate_bytes=1) as opened:
        for number in range(10):
            await opened.write(batch(number))
            clock.move(hours=-1 if number == 5 else 0)
    *rotated, live = sorted(written.names(), key=lambda name: ("@" not in name, name))
    assert written.ids(*rotated, live) == list(range(10))
    assert rotated[:2] == ["events@20261121T120000.000000Z.jsonl", "events@20261121T120000.000001Z.jsonl"]


async def test_a_new_hour_begins_a_new_file(sink, written, batch, clock):
    async with sink(rotate_every="hour") as opened:
        await opened.write(batch(1))
        clock.move(minutes=59, seconds=59)
        await opened.write(batch(2))
        clock.move(seconds=1)
        await opened.write(batch(3))
    assert written.names() == ["events.jsonl", "events@20261121T130000.000000Z.jsonl"]
    assert written.ids("events@20261121T130000.000000Z.jsonl") == [1, 2]


async def test_a_file_of_yesterday_is_set_aside_after_a_restart_too(sink, written, batch, clock, tmp_path):
    async with sink(rotate_every="day") as opened:
        await opened.write(batch(1))
    yesterday = (clock() - timedelta(days=1)).timestamp()
    os.utime(tmp_path / "events.jsonl", (yesterday, yesterday))
    async with sink(rotate_every="day") as opened:
        await opened.write(batch(2))
    assert written.ids("events.jsonl") == [2]
    assert len(written.names()) == 2


async def test_a_path_by_date_takes_the_date_of_receipt(sink, written, event):
    times = [datetime(2026, 11, 21, 23, 59, tzinfo=UTC), datetime(2026, 11, 22, 0, 0, tzinfo=UTC)]
    async with sink("{date}/{hour}.jsonl") as opened:
        await opened.write(Batch(tuple(event(number, received=time) for number, time in enumerate(times))))
    assert written.names() == ["2026-11-21/23.jsonl", "2026-11-22/00.jsonl"]


@pytest.mark.parametrize("change", ["rename", "remove the file", "remove the folder"])
async def test_whoever_renames_or_removes_the_file_gets_a_new_one(sink, written, batch, tmp_path, change):
    path = tmp_path / "in" / "events.jsonl"
    async with sink("in/events.jsonl") as opened:
        await opened.write(batch(1))
        if change == "rename":
            path.rename(path.with_name("events.jsonl.1"))
        else:
            path.unlink()
        if change == "remove the folder":
            path.parent.rmdir()
        await opened.write(batch(2))
    assert written.ids("in/events.jsonl") == [2]
    assert written.all_ids() == ([2, 1] if change == "rename" else [2])


async def test_a_file_that_is_removed_during_the_very_write_is_written_again(
    sink, written, batch, tmp_path, monkeypatch
):
    real = os.write

    def write(descriptor, data):
        (tmp_path / "events.jsonl").unlink()
        monkeypatch.undo()
        return real(descriptor, data)

    async with sink() as opened:
        monkeypatch.setattr(os, "write", write)
        await opened.write(batch(1))
    assert written.ids("events.jsonl") == [1]


async def test_a_file_that_is_removed_again_and_again_is_a_failure_and_no_endless_loop(
    sink, batch, tmp_path, monkeypatch
):
    real = os.write

    def write(descriptor, data):
        (tmp_path / "events.jsonl").unlink()
        return real(descriptor, data)

    async with sink() as opened:
        monkeypatch.setattr(os, "write", write)
        with pytest.raises(DeliveryError, match="renamed or removed as fast as it is made"):
            await opened.write(batch(1))


@pytest.mark.parametrize("compress", ["none", "gzip", "zstd"])
async def test_rotation_under_load_loses_doubles_and_tears_nothing(tmp_path, written, batch, compress):
    """Five tasks write as fast as they can, through hundreds of rotations, while files are compressed."""
    options = {"rotate_bytes": 20_000, "compress": compress}

    async def write(opened, first):
        for number in range(first, first + 2000, 20):
            await opened.write(batch(*range(number, number + 20)))

    async with File(str(tmp_path / "{scope_id}.jsonl"), **options).open() as opened, trio.open_nursery() as nursery:
        for first in range(0, 10_000, 2000):
            nursery.start_soon(write, opened, first)
    assert len(written.names()) > 100
    assert sorted(written.all_ids()) == list(range(10_000))


async def test_renames_from_outside_under_load_lose_double_and_tear_nothing(tmp_path, written, batch):
    """As logrotate does it, every few milliseconds, from a thread of its own."""
    path = tmp_path / "events.jsonl"
    stop = trio.Event()

    async def rename():
        for number in range(10_000):
            if stop.is_set():
                return
            await trio.sleep(0.002)
            await trio.to_thread.run_sync(lambda number=number: path.exists() and path.rename(f"{path}.{number}"))

    async def write(opened, first):
        for number in range(first, first + 3000, 10):
            await opened.write(batch(*range(number, number + 10)))

    async with File(str(path)).open() as opened, trio.open_nursery() as around:
        around.start_soon(rename)
        async with trio.open_nursery() as nursery:
            for first in (0, 3000, 6000):
                nursery.start_soon(write, opened, first)
        stop.set()
    assert len(written.names()) > 10
    assert sorted(written.all_ids()) == list(range(9000))


async def test_a_cancellation_at_any_moment_tears_no_line_and_loses_nothing_that_was_acknowledged(
    tmp_path, written, batch
):
    chance = random.Random(7)
    acknowledged = []
    async with File(str(tmp_path / "events.jsonl"), rotate_bytes=50_000).open() as opened:
        for number in range(0, 4000, 20):
            with trio.move_on_after(chance.uniform(0, 0.001)):
                await opened.write(batch(*range(number, number + 20)))
                acknowledged += range(number, number + 20)
    found = written.all_ids()
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    assert 0 < len(acknowledged) < 4000
    assert all(number - number % 20 + each in found for number in found for each in range(20))


WRITES = """
    import sys, trio
    from datetime import UTC, datetime
    from jackfield.addresses import Address
    from jackfield.events import Event
    from jackfield.plugin.sink import Batch
    from jackfield_file import File

    path, first = sys.argv[1], int(sys.argv[2])
    at = datetime(2026, 1, 1, tzinfo=UTC)
    address = Address("v", "s", "i", "r", "n", "w")

    async def main():
        async with File(path, rotate_bytes=30_000, compress="gzip").open() as sink:
            for number in range(first, first + 4000, 10):
                numbers = range(number, number + 10)
                await sink.write(Batch(tuple(Event(str(n), "a.b", address, None, at, "f") for n in numbers)))

    trio.run(main)
"""


def test_two_processes_share_a_path_and_its_rotation(tmp_path, written):
    script = [sys.executable, "-c", textwrap.dedent(WRITES), str(tmp_path / "events.jsonl")]
    processes = [subprocess.Popen([*script, str(first)]) for first in (0, 4000)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(written.names()) > 50
    assert sorted(written.all_ids()) == list(range(8000))
    for name in written.names():
        assert not name.endswith(".gz") or gzip.decompress((tmp_path / name).read_bytes())


def test_a_template_with_more_paths_than_the_process_may_open_is_written_whole(tmp_path, written):
    program = """
import resource, sys, trio
from conftest import make_event
from jackfield.plugin.sink import Batch
from jackfield_file import File
async def main():
    async with File(sys.argv[1] + "/{scope_id}.jsonl").open() as sink:
        for turn in range(3):
            await sink.write(Batch(tuple(make_event(turn * 100 + n, scope_id=str(n)) for n in range(100))))
        open("/dev/null").close()  # there are descriptors for others
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
trio.run(main)
"""
    script = [sys.executable, "-c", program, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "too many open files; " in done.stderr
    for number in range(100):
        assert written.ids(f"{number}.jsonl") == [number, 100 + number, 200 + number]
