"""`jackfield journal export|import|backup|compact`: what a journal holds leaves it and comes back whole."""

import gzip
import itertools
import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from jackfield._cli import main
from jackfield._journal.segments import SegmentFolder
from jackfield._journal.store import SegmentStore
from jackfield._journal.store.records import DeadLetterRow, Notes
from jackfield.addresses import Address
from jackfield.events import Event

NOW = datetime.now(UTC)
ADDRESS = Address("voipbin", "customer", "abc123", "call", "7", "updated")


def make(number, kind="call.updated"):
    at = NOW - timedelta(hours=1) + timedelta(seconds=number)
    return Event(f"id-{number}", kind, ADDRESS, at, at, "office", data={"n": number})


def append(store, event):
    store.append([event.to_json()], [int(event.received.timestamp() * 1_000_000)], 5)


def fill(path, numbers, **options):
    with closing(SegmentStore.open(path, **options)) as store:
        for number in numbers:
            append(store, make(number))


def ids(path):
    with closing(SegmentStore.open(path, readonly=True)) as store:
        return [json.loads(line.body)["id"] for page in store.scan(0, 2**62, print) for line in page]


@pytest.fixture
def path(tmp_path):
    fill(tmp_path / "journal", range(30), segment_bytes=2000)
    return tmp_path / "journal"


NAMES = [f"id-{number}" for number in range(30)]


@pytest.fixture
def running(path):
    """A process that writes to the journal, as a gateway does, until the test ends."""
    code = f"""
import sys, itertools
sys.path.insert(0, {str(path.parent)!r})
from pathlib import Path
from contextlib import closing
from jackfield._journal.store import SegmentStore
from jackfield._journal.store.records import Notes
from test_journal_files import append, make
store = SegmentStore.open(Path({str(path)!r}), segment_bytes=2000)
for number in itertools.count(100):
    append(store, make(number))
    store.save(Notes({{"crm": store.next}}))
    if number == 150:
        print(flush=True)
    if number > 20_000:
        sys.stdin.read()
"""
    shutil.copy(__file__, path.parent / "test_journal_files.py")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_an_export_is_read_back_by_import_into_another_journal(path, tmp_path, capsys):
    for name in ("all.jsonl", "all.jsonl.gz"):
        file = tmp_path / name
        assert main(["journal", "export", str(path), str(file)]) == 0
        assert file.stat().st_mode & 0o777 == 0o600
        text = gzip.decompress(file.read_bytes()) if name.endswith("gz") else file.read_bytes()
        assert text == b"".join(make(number).to_json() + b"\n" for number in range(30))
        target = tmp_path / f"of-{name}"
        target.mkdir()
        assert main(["journal", "import", str(target), str(file)]) == 0
        assert ids(target) == NAMES
    assert "30 events written" in capsys.readouterr().err


def test_an_export_to_a_dash_goes_to_standard_output_and_makes_no_file(path, tmp_path, capfdbinary, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["journal", "export", str(path), "-"]) == 0
    out, err = capfdbinary.readouterr()
    assert out == b"".join(make(number).to_json() + b"\n" for number in range(30))
    assert b"standard output: 30 events written" in err
    assert not (tmp_path / "-").exists()


def test_an_export_of_a_time_holds_what_was_received_then(path, tmp_path):
    since, until = (make(number).received.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for number in (10, 20))
    arguments = ["--since", since, "--until", until]
    assert main(["journal", "export", str(path), str(tmp_path / "some"), *arguments]) == 0
    assert [json.loads(line)["id"] for line in (tmp_path / "some").read_text().splitlines()] == NAMES[10:20]


def test_nothing_is_overwritten(path, tmp_path, capsys):
    for action in ("export", "backup"):
        assert main(["journal", action, str(path), str(tmp_path)]) == 1
        assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["export", "backup"])
@pytest.mark.parametrize(
    ("raised", "status"), [(KeyboardInterrupt(), 130), (OSError(28, "No space left on device"), 1)]
)
def test_what_ends_in_the_middle_leaves_nothing_that_looks_whole(
    path, tmp_path, capsys, monkeypatch, action, raised, status
):
    def scan(folder, *rest):
        yield from itertools.islice(whole(folder, *rest), 1)
        raise raised

    whole = SegmentFolder.scan
    there = sorted(tmp_path.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(SegmentFolder, "scan", scan)
        assert main(["journal", action, str(path), str(tmp_path / "monday")]) == status
    assert ("interrupted" if status == 130 else "No space left") in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == there
    assert main(["journal", action, str(path), str(tmp_path / "monday")]) == 0


@pytest.mark.parametrize("action", ["export", "backup"])
def test_what_a_kill_has_left_is_named_and_not_taken_for_whole(path, tmp_path, capsys, action):
    left = tmp_path / "monday.part"
    left.mkdir()
    assert main(["journal", action, str(path), str(tmp_path / "monday")]) == 1
    assert f"{left}: is there already" in capsys.readouterr().err
    assert not (tmp_path / "monday").exists()


@pytest.mark.parametrize("action", ["events", "check", "dead-letters", "stats"])
def test_a_command_that_is_interrupted_does_not_look_done(path, capsys, monkeypatch, action):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(SegmentStore, "open", interrupted)
    assert main(["journal", action, str(path)]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_import_leaves_out_what_is_there_and_reports_what_it_cannot_read(path, tmp_path, capsys):
    rescued = tmp_path / "journal.rescued-20261126T080000Z"
    lines = [make(number).to_json() for number in range(25, 35)]
    rescued.write_bytes(b"\n".join([*lines, b'{"specversion":"1.0","id":"torn', b""]))
    assert main(["journal", "import", str(path), str(rescued)]) == 1
    said = capsys.readouterr().err
    assert f"{rescued}, line 11: " in said
    assert "5 events added, 5 left out that it has already, 1 unreadable lines left out" in said
    assert ids(path) == [f"id-{number}" for number in range(35)]


def test_after_an_import_of_what_is_older_stats_still_count_from_the_earlier(tmp_path, capsys):
    fill(tmp_path / "new", range(20, 22))
    fill(tmp_path / "old", range(2))
    assert main(["journal", "import", str(tmp_path / "new"), str(tmp_path / "old")]) == 0
    assert main(["journal", "stats", "--json", str(tmp_path / "new")]) == 0
    received = json.loads(capsys.readouterr().out)["received"]
    assert received == sorted(received)


def test_import_of_a_folder_without_a_journal_is_no_success(path, tmp_path, capsys):
    (tmp_path / "unmounted").mkdir()
    assert main(["journal", "import", str(path), str(tmp_path / "unmounted")]) == 1
    assert "unmounted: is a folder that holds no journal" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")
@pytest.mark.parametrize("action", ["stats", "export"])
def test_whoever_may_not_read_a_journal_is_told_which(path, tmp_path, monkeypatch, capsys, action):
    path.chmod(0o700)
    tmp_path.chmod(0o755)  # the folders above it need not be, as it is where the process is
    monkeypatch.chdir(tmp_path)
    target = ["-"] if action == "export" else []
    assert main(["journal", action, "journal", *target]) == 0  # imports what somebody without rights may not
    capsys.readouterr()
    os.seteuid(65534)
    try:
        status = main(["journal", action, "journal", *target])
    finally:
        os.seteuid(0)
    assert (status, capsys.readouterr().err) == (1, "jackfield: journal: cannot be read: Permission denied\n")


def test_import_reads_the_segments_of_a_damaged_journal(path, tmp_path, capsys):
    file = sorted(path.glob("*.jsonl"))[2]
    data = bytearray(file.read_bytes())
    data[data.index(b'{"specversion"') + 40] ^= 1
    file.write_bytes(data)
    assert main(["journal", "import", str(tmp_path / "new"), str(path)]) == 2  # there is no such folder
    (tmp_path / "new").mkdir()
    assert main(["journal", "import", str(tmp_path / "new"), str(path)]) == 1
    assert "not what was written" in capsys.readouterr().err
    assert len(ids(tmp_path / "new")) == 29


def test_an_export_of_a_damaged_journal_says_so(path, tmp_path, capsys):
    sorted(path.glob("*.jsonl"))[1].unlink()
    assert main(["journal", "export", str(path), str(tmp_path / "rest")]) == 1
    assert "are missing" in capsys.readouterr().err


def test_a_backup_of_a_running_journal_is_whole_and_no_sink_stands_behind_its_end(path, running, tmp_path):
    for number in range(5):
        target = tmp_path / f"backup-{number}"
        assert main(["journal", "backup", str(path), str(target)]) == 0
        with closing(SegmentStore.open(target, readonly=True)) as copy:
            assert [*copy.check()] == []
            assert 100 < copy.cursors()["crm"] <= copy.next or copy.cursors()["crm"] <= copy.next
            found = [json.loads(line.body)["id"] for line in copy.read(1, 50_000).lines]
        assert found[:30] == NAMES
        assert found[30:] == [f"id-{each}" for each in itertools.islice(itertools.count(100), len(found) - 30)]
        assert target.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in target.glob("*.*")} == {0o600}
    fill(target, [10**9])  # it is a journal like any other
    assert ids(target)[-1] == f"id-{10**9}"


@pytest.mark.parametrize("arguments", [["compact"], ["import", "events.jsonl"]], ids=lambda each: each[0])
def test_compact_and_import_are_refused_while_a_gateway_runs_and_name_its_process(path, running, arguments, capsys):
    action, *more = arguments
    assert main(["journal", action, str(path), *more]) == 1
    assert f"process {running.pid}" in capsys.readouterr().err


def test_the_commands_that_read_do_so_while_a_gateway_runs(path, running, tmp_path, capsys):
    for arguments in (["check"], ["stats"], ["events"], ["dead-letters"], ["export", str(tmp_path / "export")]):
        action, *more = arguments
        assert main(["journal", action, str(path), *more]) == 0
    assert len((tmp_path / "export").read_text().splitlines()) > 80


def test_compact_deletes_what_retention_allows_and_what_nothing_needs(path, tmp_path, capsys):
    (tmp_path / "gateway.toml").write_text(f'[gateway]\njournal = "{path}"\nretain_seconds = 0\n')
    with closing(SegmentStore.open(path)) as store:
        large = attrs.evolve(make(1), data={"text": "x" * 100_000})
        store.save(Notes({"crm": 16}, [DeadLetterRow("crm", 1, 5, 1, "refused", large)]))
        assert store.trim_dead(0) == {"crm": 1}
    orphan = path / "00000000000000009999.index"
    orphan.write_bytes(b"x")
    assert main(["journal", "compact", str(path)]) == 0
    assert ids(path) == NAMES
    assert not orphan.exists()
    assert (path / "state.db").stat().st_size < 100_000
    assert main(["journal", "compact", str(tmp_path / "gateway.toml")]) == 0
    assert 15 <= len(ids(path)) < 20
    assert main(["journal", "check", str(path)]) == 0
    assert " MB became " in capsys.readouterr().err


@pytest.mark.parametrize("name", ["events.zst", "events.jsonl.xz", "EVENTS.ZIP", "events.GZ"])
def test_an_export_is_not_named_by_a_compression_that_it_does_not_have(path, tmp_path, capsys, name):
    with pytest.raises(SystemExit) as ended:
        main(["journal", "export", str(path), str(tmp_path / name)])
    assert ended.value.code == 2
    assert "exports are compressed as .gz only" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def test_an_import_names_a_compression_that_it_does_not_read(path, tmp_path, capsys):
    (tmp_path / "events").write_bytes(b"\x28\xb5\x2f\xfd and more")
    assert main(["journal", "import", str(path), str(tmp_path / "events")]) == 1
    assert "is compressed by zstd; decompress it first" in capsys.readouterr().err
