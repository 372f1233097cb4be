"""`jackfield_file.openfile`: whole lines at the end of one file, whoever else is at it."""

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from jackfield_file import openfile
from jackfield_file.openfile import open_file


@pytest.fixture
def opened(tmp_path):
    """Open a file below the folder; all are closed at the end."""
    files = []

    def opened(name="events.jsonl", *, mode=0o640, durable=False):
        files.append(open_file(tmp_path, name, mode=mode, durable=durable))
        return files[-1]

    yield opened
    for file in files:
        file.close()


def append(file, lines):
    with file.locked():
        file.mend()
        return file.append(lines)


@pytest.mark.parametrize("whole", [b"", b"{}\n", b'{"a":1}\n' * 20_000])
@pytest.mark.parametrize("torn", [b"{", b'{"a":', b"x" * 65_535, b"x" * 65_536, b"x" * 200_000])
def test_a_torn_line_is_moved_aside_and_never_written_on_to(tmp_path, opened, whole, torn, caplog):
    path = tmp_path / "events.jsonl"
    path.write_bytes(whole + torn)
    assert append(opened(), b"{}\n")
    assert path.read_bytes() == whole + b"{}\n"
    assert (tmp_path / "events.jsonl@torn").read_bytes() == torn + b"\n"
    assert caplog.messages == [f"{path}: {len(torn)} bytes of a torn line moved to events.jsonl@torn"]


def test_torn_pieces_are_collected(tmp_path, opened):
    file = opened()
    for piece in (b"{1", b"{2"):
        append(file, b"{}\n")
        with (tmp_path / "events.jsonl").open("ab") as other:
            other.write(piece)
    append(file, b"{}\n")
    assert (tmp_path / "events.jsonl").read_bytes() == b"{}\n" * 3
    assert (tmp_path / "events.jsonl@torn").read_bytes() == b"{1\n{2\n"


def test_a_whole_file_is_gone_on_with(tmp_path, opened, caplog):
    (tmp_path / "events.jsonl").write_bytes(b"{}\n")
    append(opened(), b"{1}\n")
    assert (tmp_path / "events.jsonl").read_bytes() == b"{}\n{1}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]
    assert caplog.messages == []


def test_a_file_that_is_emptied_from_outside_goes_on_at_its_beginning(tmp_path, opened):
    file = opened()
    append(file, b"{1}\n")
    os.truncate(tmp_path / "events.jsonl", 0)
    append(file, b"{2}\n")
    assert (tmp_path / "events.jsonl").read_bytes() == b"{2}\n"


@pytest.mark.parametrize("change", ["rename", "remove", "replace", "folder"])
def test_it_knows_when_its_path_leads_elsewhere(tmp_path, opened, change):
    path = tmp_path / "in" / "events.jsonl"
    file = opened("in/events.jsonl")
    assert file.in_place()
    if change == "rename":
        path.rename(tmp_path / "events.jsonl.1")
    elif change == "remove":
        path.unlink()
    elif change == "replace":
        (tmp_path / "other").write_bytes(b"")
        (tmp_path / "other").rename(path)
    else:
        path.parent.rename(tmp_path / "away")
        path.parent.write_bytes(b"")
    assert not file.in_place()


def test_lines_that_went_with_a_removed_file_are_not_called_written(tmp_path, opened):
    file = opened()
    (tmp_path / "events.jsonl").unlink()
    assert append(file, b"{}\n") is False


@pytest.mark.parametrize(("mode", "made"), [(0o640, 0o640), (0o600, 0o600), (0o666, 0o644)])
def test_a_new_file_has_the_mode_that_was_asked_for_less_the_umask(tmp_path, opened, mode, made):
    before = os.umask(0o022)
    try:
        opened(mode=mode)
    finally:
        os.umask(before)
    assert (tmp_path / "events.jsonl").stat().st_mode & 0o777 == made


def test_a_symbolic_link_is_not_written_through(tmp_path, opened):
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "events.jsonl").symlink_to("elsewhere")
    with pytest.raises(OSError, match=r"is a symbolic link; name the file that it leads to: .*events\.jsonl"):
        opened()


def test_a_folder_that_is_a_symbolic_link_leads_nowhere(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "base" / "in").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="a folder on the way to it is a symbolic link"):
        open_file(tmp_path / "base", "in/deep/events.jsonl", mode=0o640, durable=False)
    assert list((tmp_path / "secret").iterdir()) == []


def test_the_folder_itself_may_be_a_symbolic_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "base").symlink_to("disk")
    file = open_file(tmp_path / "base", "in/events.jsonl", mode=0o640, durable=False)
    append(file, b"{}\n")
    file.close()
    assert (tmp_path / "disk" / "in" / "events.jsonl").read_bytes() == b"{}\n"


def test_a_pipe_is_refused_without_waiting_for_its_reader(tmp_path, opened):
    os.mkfifo(tmp_path / "events.jsonl")
    with pytest.raises(OSError, match="is not a regular file"):
        opened()


HOLDS_THE_LOCK = """
    import fcntl, sys, time
    file = open(sys.argv[1], "r+b")
    fcntl.flock(file, fcntl.LOCK_EX)
    print("locked", flush=True)
    sys.stdin.read(1)
    file.seek(0, 2)
    file.write(b"{theirs}\\n")
    file.flush()
"""


def other_process(path):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDS_THE_LOCK), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"locked\n"
    return process


def test_it_waits_for_another_process_that_is_writing(tmp_path, opened, monkeypatch):
    file = opened()
    waited = []
    with other_process(tmp_path / "events.jsonl") as process:
        sleep = openfile.time.sleep

        def pause(seconds):
            if not waited:
                process.stdin.write(b".")
                process.stdin.flush()
            waited.append(seconds)
            sleep(seconds)

        monkeypatch.setattr(openfile.time, "sleep", pause)
        append(file, b"{ours}\n")
    assert waited
    assert (tmp_path / "events.jsonl").read_bytes() == b"{theirs}\n{ours}\n"


def test_a_process_that_does_not_let_go_is_an_error_and_no_hang(tmp_path, opened, monkeypatch):
    monkeypatch.setattr(openfile, "LOCK_PAUSE", 0.0001)
    file = opened()
    with other_process(tmp_path / "events.jsonl") as process:
        with pytest.raises(OSError, match="another process keeps it locked") as caught:
            append(file, b"{}\n")
        assert caught.value.errno == errno.EAGAIN
        process.communicate(b".")


FILLS_UP = """
    import resource, sys
    from pathlib import Path
    from jackfield_file.openfile import open_file
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    file = open_file(Path(sys.argv[1]), "events.jsonl", mode=0o640, durable=False)
    for number in range(100):
        with file.locked():
            file.mend()
            try:
                file.append(b'{"number": %d}\\n' % number * 7)
            except OSError as error:
                print(number, error.strerror, file.size)
                break
"""


def test_what_a_full_disk_cuts_off_is_taken_back(tmp_path):
    """With a limit that the kernel itself keeps: a write of 7 lines is cut off after 1,000 bytes."""
    script = [sys.executable, "-c", textwrap.dedent(FILLS_UP), str(tmp_path)]
    seen = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    content = (tmp_path / "events.jsonl").read_bytes()
    assert seen == f"10 File too large {len(content)}\n"
    assert content == b"".join(b'{"number": %d}\n' % number * 7 for number in range(10))


def test_what_came_from_elsewhere_is_not_taken_back(tmp_path, opened, monkeypatch):
    """Somebody without our lock empties the file in the middle of a write that fails."""
    path = tmp_path / "events.jsonl"
    file = opened()
    append(file, b"{1}\n" * 10)
    real = os.write

    def write(descriptor, data):
        if len(data) < 8:
            os.truncate(path, 0)
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, bytes(data)[:5])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space left"):
        append(file, b"{2}\n" * 2)
    assert path.read_bytes() == b""


def test_what_cannot_be_taken_back_is_moved_aside_by_the_next_write(tmp_path, opened, monkeypatch):
    file = opened()
    real = os.write

    def write(descriptor, data):
        if len(data) < 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, bytes(data)[:6])

    def truncate(descriptor, size):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        patched.setattr(os, "ftruncate", truncate)
        with pytest.raises(OSError, match="No space left"):
            append(file, b"{1}\n{2}\n")
    append(file, b"{1}\n{2}\n")
    assert (tmp_path / "events.jsonl").read_bytes() == b"{1}\n{1}\n{2}\n"
    assert (tmp_path / "events.jsonl@torn").read_bytes() == b"{2\n"


def test_durable_lines_and_names_are_flushed_before_they_are_called_written(tmp_path, opened, monkeypatch):
    flushed = []
    real = os.fsync

    def fsync(descriptor):
        flushed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()).removeprefix(str(tmp_path)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    append(opened("a/b/events.jsonl", durable=True), b"{}\n")
    assert flushed == ["", "/a", "/a/b", "/a/b/events.jsonl"]
    flushed.clear()
    append(opened("a/c/events.jsonl"), b"{}\n")
    assert flushed == []
