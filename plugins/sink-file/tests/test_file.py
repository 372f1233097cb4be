"""`jackfield_file`: whole lines, in order, at the end of what was there; and what its options may be."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import tomllib
from pathlib import Path

import pytest
import trio

from jackfield.errors import DeliveryError
from jackfield_file import File

ROOT = Path(__file__).parents[3]


def ids(path):
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


async def test_events_are_appended_one_a_line_in_order(tmp_path, batch):
    path = tmp_path / "deep" / "er" / "events.jsonl"
    async with File(str(path)).open() as sink:
        await sink.write(batch("1", "2"))
        await sink.write(batch("3"))
    async with File(str(path)).open() as sink:
        await sink.write(batch("4"))
    assert ids(path) == ["1", "2", "3", "4"]


async def test_what_was_written_is_there_before_the_sink_is_closed(tmp_path, batch):
    path = tmp_path / "events.jsonl"
    async with File(str(path)).open() as sink:
        await sink.write(batch("1"))
        assert ids(path) == ["1"]


async def test_a_folder_that_cannot_be_written_is_an_error_of_the_start(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        async with File(str(tmp_path / "file" / "events.jsonl")).open():
            pytest.fail("must not open")


async def test_a_disk_that_fills_up_in_the_middle_tears_no_line(tmp_path, batch, monkeypatch):
    path = tmp_path / "events.jsonl"
    real = os.write
    room = [300]

    def write(descriptor, data):
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = real(descriptor, bytes(data)[: room[0]])
        room[0] -= taken
        return taken

    async with File(str(path)).open() as sink:
        monkeypatch.setattr(os, "write", write)
        with pytest.raises(DeliveryError, match="No space left on device") as caught:
            await sink.write(batch("1", "2", "3"))
        assert (caught.value.on_error, caught.value.delivered) == ("retry", 0)
        assert path.read_bytes() == b""
        room[0] = 10**6
        await sink.write(batch("1", "2", "3"))
    assert ids(path) == ["1", "2", "3"]


async def test_a_template_makes_its_folder_at_the_start(tmp_path):
    async with File(str(tmp_path / "deep" / "er" / "{kind}.jsonl")).open():
        assert (tmp_path / "deep" / "er").is_dir()


async def test_a_torn_line_is_put_aside_at_the_start(tmp_path, written):
    (tmp_path / "events.jsonl").write_bytes(b'{"id":"1"}\n{"id":')
    async with File(str(tmp_path / "events.jsonl")).open():
        assert written.ids("events.jsonl") == [1]
        assert written.bytes_of("events.jsonl@torn") == b'{"id":\n'


OPENS_AS_NOBODY = """
    import json, os, sys, trio
    import jackfield_file.housekeeper, jackfield_file.writer  # which this user may not read in a moment
    from jackfield_file import File

    async def main():
        if os.getuid() == 0:
            os.setuid(65534)
        try:
            async with File(sys.argv[1], **json.loads(sys.argv[2])).open():
                print("it opened")
        except OSError as error:
            print(error)

    trio.run(main)
"""


@pytest.mark.parametrize(
    ("name", "options", "outcome"),
    [
        ("{kind}.jsonl", {}, "[Errno 13] files cannot be made in it: '{folder}'"),
        ("there.jsonl", {"rotate_bytes": 1000}, "[Errno 13] files cannot be made in it: '{folder}'"),
        ("new.jsonl", {}, "[Errno 13] Permission denied: '{folder}/new.jsonl'"),
        ("there.jsonl", {}, "it opened"),
    ],
)
def test_a_folder_in_which_nothing_can_be_made_is_an_error_of_the_start_where_it_must_be(name, options, outcome):
    folder = tempfile.mkdtemp()
    try:
        (Path(folder) / "there.jsonl").touch()
        (Path(folder) / "there.jsonl").chmod(0o666)
        Path(folder).chmod(0o555)
        script = [sys.executable, "-c", textwrap.dedent(OPENS_AS_NOBODY), f"{folder}/{name}", json.dumps(options)]
        seen = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    finally:
        shutil.rmtree(folder)
    assert seen == outcome.replace("{folder}", folder) + "\n"


@pytest.mark.parametrize("compress", ["gzip", "zstd"])
async def test_rotated_files_are_kept_in_number_and_compressed_in_the_end(tmp_path, batch, written, compress):
    options = {"rotate_bytes": 1, "keep_files": 3, "compress": compress}
    for first in (0, 10):  # what the first leaves undone, the second does
        async with File(str(tmp_path / "events.jsonl"), **options).open() as sink:
            for number in range(first, first + 10):
                await sink.write(batch(number))
    async with File(str(tmp_path / "events.jsonl"), **options).open():
        deadline = time.monotonic() + 10
        while len(written.names()) > 4 or any(name.endswith(("Z.jsonl", "@part")) for name in written.names()):
            assert time.monotonic() < deadline, written.names()
            await trio.sleep(0.001)
    live, *rotated = written.names()
    assert written.ids(*rotated, live) == [16, 17, 18, 19]


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_nothing_stays_behind_a_sink_that_was_closed(tmp_path, batch):
    before = descriptors()
    async with File(str(tmp_path / "{kind}.jsonl"), rotate_every="day", compress="gzip").open() as sink:
        await sink.write(batch(1))
        assert any(thread.name == "jackfield-file" for thread in threading.enumerate())
    assert not any(thread.name == "jackfield-file" for thread in threading.enumerate())
    assert descriptors() == before


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"path": ""}, "must name a file"),
        ({"path": "{vendor}.jsonl"}, "which is not a field"),
        ({"rotate_bytes": 0}, "0 is not at least 1"),
        ({"keep_files": 0}, "0 is not at least 1"),
        ({"keep_seconds": 0.5}, "0.5 is not at least 1"),
        ({"keep_seconds": float("nan")}, "nan is not at least 1"),
        ({"open_files": 0}, "0 is not at least 1"),
        ({"keep_files": 3}, "keep_files is about rotated files; give rotate_bytes or rotate_every too"),
        ({"compress": "gzip"}, "compress is about rotated files"),
        ({"mode": "rw"}, "'rw' is not a mode; give three octal digits, such as '640'"),
        ({"mode": "680"}, "'680' is not a mode"),
        ({"mode": "440"}, "mode '440' keeps the owner out"),
    ],
)
def test_a_wrong_option_is_reported_with_its_value(options, problem):
    with pytest.raises(ValueError, match=re.escape(problem)):
        File(**{"path": "events.jsonl"} | options)


def test_a_wrong_template_is_found_by_check_before_anything_runs(tmp_path):
    (tmp_path / "gateway.toml").write_text("""
        [feeds.office]
        provider = "voipbin"
        token = "secret"
        customer_id = "1"
        [sinks.archive]
        type = "file"
        path = "var/{vendor}/{kind}.jsonl"
        rotate_every = "week"
        [[routes]]
        select = ["**"]
        sinks = ["archive"]
    """)
    command = [sys.executable, "-m", "jackfield", "check", "gateway.toml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "sinks.archive.path: 'var/{vendor}/{kind}.jsonl' has {vendor}, which is not a field" in done.stderr
    assert "sinks.archive.rotate_every: 'week' is none of 'never', 'hour', 'day'" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.toml"]


@pytest.mark.parametrize("page", ["docs/how-to/files.md", "plugins/sink-file/README.md"])
def test_every_table_that_is_shown_is_valid(page):
    shown = re.findall(r"^```toml\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    assert shown
    for block in shown:
        for table in tomllib.loads(block)["sinks"].values():
            assert table.pop("type") == "file"
            File(**table)
