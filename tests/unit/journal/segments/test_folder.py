"""A folder of segments whose files were moved, copied, cut or removed: reported by number, and the rest is read."""

import os
import shutil
import subprocess
import sys

import pytest

from jackfield._journal.segments import JournalGone, SegmentFolder
from jackfield.errors import JournalError


def body(position):
    return b'{"specversion":"1.0","id":"%d","data":"%b"}' % (position, b"x" * (position * 7 % 40))


def fill(folder, count, group=2):
    for _ in range(count // group):
        positions = range(folder.next, folder.next + group)
        folder.append([body(n) for n in positions], [*positions], 5)


@pytest.fixture
def path(tmp_path):
    folder = SegmentFolder.open(tmp_path / "journal", segment_bytes=600)
    fill(folder, 40)
    folder.close()
    return tmp_path / "journal"


def segments(path):
    return sorted(path.glob("*.jsonl"))


def opened(path, **options):
    """What is found at the start or while everything is read, and the positions that are read."""
    folder = SegmentFolder.open(path, segment_bytes=600, **options)
    try:
        found = folder.read(1, 1000)
        assert all(line.body == body(line.position) for line in found.lines)
        return [*folder.findings, *filter(None, [found.problem])], [line.position for line in found.lines], found
    finally:
        folder.close()


def first(file):
    return int(file.stem)


def test_an_intact_folder_has_no_findings(path):
    assert opened(path)[:2] == ([], [*range(1, 41)])


def test_a_segment_that_is_missing_in_the_middle_is_reported_with_its_numbers(path):
    _, gone, following, *_ = segments(path)
    gone.unlink()
    findings, positions, found = opened(path)
    assert f"events {first(gone)} to {first(following) - 1} are missing" in "".join(findings)
    assert positions == [n for n in range(1, 41) if not first(gone) <= n < first(following)]
    assert found.lost == first(following) - first(gone)


def test_the_oldest_and_the_newest_segment_are_missed_too(path):
    oldest, second, *_, newest = segments(path)
    oldest.unlink()
    newest.unlink()
    findings, positions, _ = opened(path)
    assert f"events 1 to {first(second) - 1} are missing" in findings[0]
    assert f"events {first(newest)} to 40 are missing" in findings[1]
    assert positions == [*range(first(second), first(newest))]


def test_a_folder_without_segments_gives_no_position_twice(path):
    for file in segments(path):
        file.unlink()
    folder = SegmentFolder.open(path)
    assert folder.next == 41
    assert folder.findings == ["events 1 to 40 are missing: the oldest segments are not there"]
    folder.close()


def test_segments_that_have_changed_places_are_read_by_what_they_say(path):
    one, two = segments(path)[:2]
    one.rename(path / "aside")
    two.rename(one)
    (path / "aside").rename(two)
    findings, positions, _ = opened(path)
    assert len(findings) == 2
    assert positions == [*range(1, 41)]


def test_a_copy_of_a_segment_is_left_out_and_reported(path):
    file = segments(path)[1]
    shutil.copy(file, path / "copy.jsonl")
    findings, positions, _ = opened(path)
    assert findings == [f"copy.jsonl: is left out: {file.name} begins with event {first(file)} too"]
    assert positions == [*range(1, 41)]


@pytest.mark.parametrize("name", ["newest", "of the next event"])
def test_a_foreign_segment_is_no_authority_and_is_not_overwritten(path, tmp_path, name):
    other = SegmentFolder.open(tmp_path / "other", floor=900 if name == "newest" else 41)
    fill(other, 2)
    other.close()
    (foreign,) = segments(tmp_path / "other")
    content = foreign.read_bytes()
    shutil.copy(foreign, path)
    folder = SegmentFolder.open(path, segment_bytes=600)
    assert folder.findings == [f"{foreign.name}: is from another journal"]
    fill(folder, 20)
    assert (path / foreign.name).read_bytes() == content
    positions = [line.position for line in folder.read(1, 1000).lines]
    assert positions[:40] == [*range(1, 41)]
    assert len(positions) == len(set(positions)) == 60
    assert folder.read(1, 1000).lost == 0
    folder.close()


def test_a_segment_without_its_first_line_is_read_by_its_groups(path):
    file = segments(path)[-1]
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    file.write_bytes(data)
    findings, positions, _ = opened(path)
    assert f"{file.name}: its first line is not what was written" in findings
    assert positions == [*range(1, 41)]


def test_a_file_that_was_cut_at_the_end_of_a_group_is_missed_by_what_was_confirmed(path):
    newest = segments(path)[-1]
    data = newest.read_bytes()
    newest.write_bytes(data[: data.rindex(b'{"group"')])
    findings, positions, _ = opened(path)
    assert f"{newest.name}: events 39 to 40 are missing at its end" in findings
    assert positions == [*range(1, 39)]


def test_a_closed_segment_that_was_cut_within_a_group_still_gives_the_lines_before(path):
    file, following = segments(path)[1:3]
    data = file.read_bytes()
    file.write_bytes(data[:-5])
    findings, positions, _ = opened(path)
    assert findings
    assert positions == [n for n in range(1, 41) if n != first(following) - 1]


def test_groups_in_another_order_are_read_in_order_and_reported(path):
    file = segments(path)[1]
    head, *groups = file.read_bytes().split(b'{"group"')
    file.write_bytes(b'{"group"'.join([head, *reversed(groups)]))
    findings, positions, _ = opened(path)
    assert "stands where event" in findings[0] or "do not stand in order" in findings[0]
    assert positions == [*range(1, 41)]


def test_positions_that_were_skipped_are_not_lost(path):
    folder = SegmentFolder.open(path, floor=1000)
    fill(folder, 2)
    assert folder.next == 1002
    assert [line.position for line in folder.read(39, 4).lines] == [39, 40]
    assert [line.position for line in folder.read(41, 4).lines] == [1000, 1001]
    assert folder.read(1, 5000).lost == 0
    folder.skip_to(2000)
    fill(folder, 2)
    assert folder.read(1, 5000).lines[-1].position == 2001
    folder.close()
    assert opened(path)[0] == []


def test_what_the_caller_knows_to_be_there_is_missed(path):
    assert "events 41 to 44 are missing" in "".join(opened(path, confirmed=45)[0])


def test_files_are_for_their_owner_only(path):
    assert path.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in path.iterdir()} == {0o600}


@pytest.mark.parametrize("change", ["delete", "rename folder", "replace", "cut", "grow"])
def test_a_group_is_not_confirmed_in_a_file_that_is_not_the_one_of_that_name(path, change):
    folder = SegmentFolder.open(path)
    newest = segments(path)[-1]
    match change:
        case "delete":
            newest.unlink()
        case "rename folder":
            path.rename(path.with_name("moved"))
        case "replace":
            shutil.copy(newest, path / "aside")
            (path / "aside").replace(newest)
        case "cut":
            os.truncate(newest, 10)
        case "grow":
            newest.write_bytes(newest.read_bytes() + b"x")
    with pytest.raises(JournalGone):
        folder.verify()
    with pytest.raises(JournalGone):
        fill(folder, 2)
    assert folder.next == 41
    folder.close()


def test_a_second_writer_is_refused_and_named_by_whatever_name_it_comes(path):
    (path.parent / "link").symlink_to(path)
    code = (
        "from pathlib import Path; from jackfield._journal.segments import SegmentFolder; "
        f"SegmentFolder.open(Path({str(path)!r})); print(flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        for file in path.glob("*.json"):
            file.unlink() if file.name != "writer.json" else None
        with pytest.raises(JournalError, match=f"process {process.pid};"):
            SegmentFolder.open(path.parent / "link")
        process.communicate(b"\n")


def test_old_segments_are_closed_by_age_and_deleted_by_age_and_size(tmp_path):
    folder = SegmentFolder.open(tmp_path / "journal")
    folder.segment_seconds = 10
    for second in (0, 1, 12, 13, 30):
        folder.append([body(folder.next)], [5], second * 1_000_000)
    assert [first(file) for file in segments(folder.path)] == [1, 3, 5]
    assert folder.cut(keep_bytes=10**9, keep_after=0, floor=9) == 1
    assert folder.cut(keep_bytes=10**9, keep_after=2**40, floor=4) == 3
    assert folder.cut(keep_bytes=0, keep_after=0, floor=1) == 5
    assert folder.cut(keep_bytes=0, keep_after=2**40, floor=6) == 6
    assert folder.delete_before(6) == 5
    assert (folder.first, folder.next, segments(folder.path)) == (6, 6, [])
    fill(folder, 2)
    folder.close()
    reopened = SegmentFolder.open(tmp_path / "journal")
    assert (reopened.first, reopened.next, reopened.findings) == (6, 8, [])
    reopened.close()
