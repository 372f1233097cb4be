"""`jackfield_file.compress`: at whatever moment it ends, one of the two forms is there and whole."""

import errno
import fcntl
import gzip
import os
import shutil
import subprocess
import sys

import pytest

from jackfield_file import compress
from jackfield_file.compress import ENDINGS, pack

CONTENT = b"".join(b'{"number": %d}\n' % number for number in range(50_000))


def never():
    return False


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "events@20261121T120000.000000Z.jsonl"
    path.write_bytes(CONTENT)
    path.chmod(0o604)
    os.utime(path, ns=(10**18, 10**18 + 5))
    return path


@pytest.mark.parametrize("method", ["gzip", "zstd"])
def test_the_compressed_form_takes_the_files_place_mode_and_time(tmp_path, written, plain, method):
    assert pack(plain, method, never)
    (packed,) = tmp_path.iterdir()
    assert packed.name == plain.name + ENDINGS[method]
    assert written.bytes_of(packed.name) == CONTENT
    assert packed.stat().st_size < len(CONTENT) / 4
    assert packed.stat().st_mode & 0o777 == 0o604
    assert packed.stat().st_mtime_ns == 10**18 + 5


@pytest.mark.parametrize("method", ["gzip", "zstd"])
def test_the_systems_own_tool_reads_it(tmp_path, plain, method):
    if not shutil.which(method):
        pytest.skip(f"no {method} here")
    pack(plain, method, never)
    (packed,) = tmp_path.iterdir()
    assert subprocess.run([method, "-dc", packed], check=True, capture_output=True).stdout == CONTENT


@pytest.mark.parametrize("method", ["gzip", "zstd"])
@pytest.mark.parametrize("chunks", [0, 1, 2])
def test_cancelled_it_leaves_the_plain_file_alone(tmp_path, plain, method, chunks, monkeypatch):
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > chunks

    assert not pack(plain, method, cancelled)
    assert list(tmp_path.iterdir()) == [plain]
    assert plain.read_bytes() == CONTENT


@pytest.mark.parametrize("step", ["write", "fsync", "rename", "sync_folder", "unlink"])
def test_a_failure_at_any_step_loses_nothing_and_the_next_attempt_succeeds(tmp_path, plain, step, monkeypatch):
    def fail(*arguments, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        if step == "write":
            patched.setattr(gzip.GzipFile, "write", fail)
        elif step == "fsync":
            patched.setattr(os, "fsync", fail)
        elif step == "sync_folder":
            patched.setattr(compress, "sync_folder", fail)
        else:
            patched.setattr(type(plain), step, fail)
        with pytest.raises(OSError, match="No space left"):
            pack(plain, "gzip", never)
    assert plain.read_bytes() == CONTENT
    assert pack(plain, "gzip", never)
    (packed,) = (path for path in tmp_path.iterdir() if not path.name.endswith("@part"))
    assert gzip.decompress(packed.read_bytes()) == CONTENT


def test_what_a_crash_left_unfinished_is_written_anew(tmp_path, plain):
    part = tmp_path / (plain.name + ".gz@part")
    part.write_bytes(b"rubbish" * 100_000)
    (tmp_path / (plain.name + ".gz")).write_bytes(b"whole, but its plain file was not deleted yet")
    assert pack(plain, "gzip", never)
    (packed,) = tmp_path.iterdir()
    assert gzip.decompress(packed.read_bytes()) == CONTENT


def test_another_process_that_is_at_it_is_left_to_it(tmp_path, plain):
    with plain.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert not pack(plain, "gzip", never)
    assert list(tmp_path.iterdir()) == [plain]


def test_a_file_that_another_process_has_just_done_is_not_done_again(tmp_path, plain, monkeypatch):
    """It was opened here before the other deleted it."""
    real = fcntl.flock

    def flock(file, operation):
        plain.unlink(missing_ok=True)
        real(file, operation)

    monkeypatch.setattr(compress.fcntl, "flock", flock)
    assert pack(plain, "gzip", never)
    assert list(tmp_path.iterdir()) == []


def test_zstd_is_imported_only_where_it_is_used():
    code = "import sys, jackfield_file, jackfield_file.compress; print([m for m in sys.modules if 'zstd' in m])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
