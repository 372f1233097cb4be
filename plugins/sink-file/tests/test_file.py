"""`jackfield_file`: whole lines, in order, at the end of what was there."""

import errno
import json
import os
from datetime import UTC, datetime

import pytest

from jackfield.addresses import Address
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.sinks import Batch
from jackfield_file import File


def batch(*names):
    address = Address("v", "s", "i", "r", "n", "w")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Batch(tuple(Event(name, "agent.ready", address, None, at, "f") for name in names))


def ids(path):
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


async def test_events_are_appended_one_a_line_in_order(tmp_path):
    path = tmp_path / "deep" / "er" / "events.jsonl"
    async with File(str(path)).open() as sink:
        await sink.write(batch("1", "2"))
        await sink.write(batch("3"))
    async with File(str(path)).open() as sink:
        await sink.write(batch("4"))
    assert ids(path) == ["1", "2", "3", "4"]


async def test_what_was_written_is_there_before_the_sink_is_closed(tmp_path):
    path = tmp_path / "events.jsonl"
    async with File(str(path)).open() as sink:
        await sink.write(batch("1"))
        assert ids(path) == ["1"]


async def test_a_folder_that_cannot_be_written_is_an_error_of_the_start(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        async with File(str(tmp_path / "file" / "events.jsonl")).open():
            pytest.fail("must not open")


async def test_a_disk_that_fills_up_in_the_middle_tears_no_line(tmp_path, monkeypatch):
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
        assert (caught.value.remedy, caught.value.delivered) == ("retry", 0)
        assert path.read_bytes() == b""
        room[0] = 10**6
        await sink.write(batch("1", "2", "3"))
    assert ids(path) == ["1", "2", "3"]


def test_a_file_must_have_a_name():
    with pytest.raises(ValueError, match="must name a file"):
        File("")
