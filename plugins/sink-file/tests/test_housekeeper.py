"""`jackfield_file.housekeeper`: what is too old or too many goes, the rest is compressed, nothing else is touched."""

import gzip
import time
from datetime import timedelta

import pytest

from jackfield_file import compress, housekeeper
from jackfield_file.housekeeper import Housekeeper
from jackfield_file.rotation import Policy, rotated_name

LINE = b'{"id":"1"}\n'


@pytest.fixture
def keeper(clock):
    """A running housekeeper with this policy; stopped at the end."""
    running = []

    def keeper(policy=None, method="none", period=0.002):
        running.append(Housekeeper(policy or Policy(), ".jsonl", method, clock, period))
        running[-1].start()
        return running[-1]

    yield keeper
    for each in running:
        each.stop()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


def until(condition):
    """Wait for another thread's work."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.001)


def rotate(path, moment, packed=""):
    made = path.with_name(rotated_name(path.name, ".jsonl", moment) + packed)
    made.write_bytes(LINE)
    return made


def names(path):
    return sorted(each.name for each in path.parent.iterdir())


def test_of_each_path_the_newest_are_kept_packed_or_not(keeper, path, clock):
    made = [rotate(path, clock() - timedelta(hours=age), packed) for age, packed in enumerate(["", ".gz", "", ".zst"])]
    keeper(Policy(keep_files=2)).tend(path)
    until(lambda: len(names(path)) == 2)
    assert names(path) == sorted(each.name for each in made[:2])


def test_a_file_comes_of_age_while_nothing_is_written(keeper, path, clock):
    old, young = (rotate(path, clock() - timedelta(seconds=age)) for age in (100, 50))
    keeper(Policy(keep_seconds=60)).tend(path)
    until(lambda: not old.exists())
    assert young.exists()
    clock.move(seconds=11)
    until(lambda: not young.exists())


def test_files_of_other_paths_and_the_file_itself_are_not_touched(keeper, path, clock):
    others = [path, path.with_name("events.jsonl.1"), path.with_name("events.jsonl@torn"), path.with_name("notes")]
    for each in others:
        each.write_bytes(LINE)
    others.append(rotate(path.with_name("audit.jsonl"), clock() - timedelta(days=1)))
    ours = rotate(path, clock() - timedelta(days=1))
    keeper(Policy(keep_seconds=1), "gzip").tend(path)
    until(lambda: not ours.exists())
    assert names(path) == sorted(each.name for each in others)
    assert all(each.read_bytes() == LINE for each in others)


@pytest.mark.parametrize("method", ["gzip", "zstd"])
def test_what_was_left_plain_is_compressed(keeper, path, clock, method, written):
    made = [rotate(path, clock() - timedelta(hours=age)) for age in range(3)]
    keeper(method=method).tend(path)
    until(lambda: not any(each.exists() for each in made))
    assert len(names(path)) == 3
    assert all(written.bytes_of(name) == LINE for name in names(path))


@pytest.mark.parametrize(
    ("beside", "method", "left"),
    [
        ([".gz@part"], "gzip", []),
        (["", ".gz@part"], "gzip", [".gz"]),
        (["", ".gz", ".gz@part"], "gzip", [".gz"]),
        (["", ".gz"], "gzip", [".gz"]),
        ([".gz", ".gz@part"], "gzip", [".gz"]),
        (["", ".gz@part"], "zstd", [".zst"]),
        (["", ".gz@part"], "none", [""]),
        (["", ".zst@part"], "none", [""]),
    ],
)
def test_whatever_a_crash_left_is_cleared_up(keeper, path, clock, beside, method, left, written):
    for packed in beside:
        made = rotate(path, clock(), packed)
        if packed == ".gz":
            made.write_bytes(gzip.compress(LINE))
    wanted = [rotated_name(path.name, ".jsonl", clock()) + packed for packed in left]
    keeper(method=method).tend(path)
    until(lambda: names(path) == wanted)
    assert [written.bytes_of(name) for name in names(path)] == [LINE] * len(left)


def test_a_failure_is_reported_once_and_tried_again(keeper, path, clock, monkeypatch, caplog):
    made = rotate(path, clock())
    tried = []

    def pack(plain, method, cancelled):
        tried.append(plain)
        if len(tried) < 5:
            raise OSError(28, "No space left on device", str(plain))
        return compress.pack(plain, method, cancelled)

    monkeypatch.setattr(housekeeper, "pack", pack)
    keeper(method="gzip").tend(path)
    until(lambda: not made.exists())
    assert len(tried) == 5
    (seen,) = caplog.messages
    assert seen.startswith(f"{path}: its rotated files cannot be deleted or compressed, will try again: ")
    assert "No space left" in seen


def test_a_folder_that_is_gone_is_nothing_to_tell(keeper, path, clock, caplog):
    running = keeper(method="gzip")
    running.tend(path.with_name("gone") / "events.jsonl")
    made = rotate(path, clock())
    running.tend(path)
    until(lambda: not made.exists())
    assert caplog.messages == []


def test_a_stop_ends_a_compression_and_the_next_start_finishes_it(keeper, path, clock, monkeypatch):
    made = rotate(path, clock())
    made.write_bytes(LINE * 1_000_000)
    monkeypatch.setattr(compress, "CHUNK", 64)
    first = keeper(method="gzip")
    first.tend(path)
    until(lambda: any(name.endswith("@part") for name in names(path)))
    first.stop()
    assert names(path) == [made.name]
    monkeypatch.undo()
    keeper(method="gzip").tend(path)
    until(lambda: names(path) == [made.name + ".gz"])
    assert gzip.decompress((path.parent / names(path)[0]).read_bytes()) == LINE * 1_000_000
