"""`jackfield._journal.segments`: what was appended is read back, and the world outside is noticed."""

import os
import stat
import subprocess
import sys

import pytest

from jackfield._journal.segments import SegmentFolder
from jackfield.errors import JournalError

FOREVER = 2**62


def body(number, size=20):
    return b'{"n":%d,"x":"%b"}' % (number, b"x" * size)


def fill(folder, start, stop, group=1, size=20):
    for first in range(start, stop, group):
        numbers = range(first, min(first + group, stop))
        assert folder.append([body(n, size) for n in numbers], [*numbers], first) == first


def positions(lines):
    return [line.position for line in lines.lines]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def folder(path):
    folder = SegmentFolder.open(path, segment_bytes=2_000)
    yield folder
    folder.close()


def again(folder, **options):
    folder.close()
    return SegmentFolder.open(folder.path, segment_bytes=2_000, **options)


def test_what_was_appended_is_read_back_in_order_across_segments_and_after_a_restart(folder):
    fill(folder, 1, 101, 3)
    for each in (folder, again(folder)):
        assert len(list(each.path.glob("*.jsonl"))) > 3
        found = each.read(1, 1000)
        assert [(line.position, line.received, line.body) for line in found.lines] == [
            (n, n, body(n)) for n in range(1, 101)
        ]
        assert (found.next, found.deleted, found.lost) == (101, 0, 0)
        assert positions(each.read(50, 7)) == [*range(50, 57)]
        assert each.read(101, 5).lines == []
        assert each.findings == []
        each.close()


def test_an_event_behind_a_mark_of_a_large_segment_is_found(path):
    folder = SegmentFolder.open(path)
    fill(folder, 1, 2001, 7, size=600)
    assert len(folder._segments) == 1
    assert len(folder._segments[0].marks) > 10
    for start in (1, 999, 1995):
        assert positions(folder.read(start, 6)) == [*range(start, start + 6)]
    folder.close()


def test_appending_goes_on_in_the_same_segment_after_a_restart(folder):
    fill(folder, 1, 4)
    more = again(folder)
    fill(more, 4, 7)
    assert len(list(more.path.glob("*.jsonl"))) == 1
    assert positions(more.read(1, 9)) == [*range(1, 7)]
    more.close()


def test_the_folder_and_its_files_are_for_their_owner_alone(folder):
    fill(folder, 1, 2)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in [folder.path, *folder.path.iterdir()]}
    assert set(modes.values()) == {0o600, 0o700}
    assert modes["journal"] == 0o700


def test_positions_below_the_floor_are_never_given(folder):
    fill(folder, 1, 4)
    more = again(folder, floor=9)
    assert more.next == 9
    assert more.append([body(9)], [9], 9) == 9
    found = more.read(1, 99)
    assert (positions(found), found.lost) == ([1, 2, 3, 9], 5)
    more.close()


def test_a_group_that_was_being_written_is_as_if_it_had_never_been(folder):
    fill(folder, 1, 3)
    (segment,) = folder.path.glob("*.jsonl")
    kept = segment.stat().st_size
    fill(folder, 3, 5, 2)
    whole = segment.read_bytes()
    folder.close()
    for end in range(kept, len(whole)):
        segment.write_bytes(whole[:end])
        opened = SegmentFolder.open(folder.path)
        assert (opened.next, opened.findings, segment.stat().st_size) == (3, [], kept)
        opened.close()


def test_a_changed_event_costs_itself_and_is_reported(folder):
    fill(folder, 1, 7, 3)
    (segment,) = folder.path.glob("*.jsonl")
    data = segment.read_bytes().replace(b'"n":5', b'"n":6')
    folder.close()
    segment.write_bytes(data)
    opened = SegmentFolder.open(folder.path)
    found = opened.read(1, 99)
    assert (positions(found), found.lost, found.next) == ([1, 2, 3, 4, 6], 1, 7)
    assert opened.findings == [f"{segment.name}: event 5 is not what was written"]
    assert opened.append([body(7)], [7], 7) == 7
    assert segment.read_bytes() == data  # a damaged segment is left as it is
    opened.close()


def test_events_behind_a_damaged_header_are_read_and_reported_as_not_verified(folder):
    fill(folder, 1, 10, 3)
    (segment,) = folder.path.glob("*.jsonl")
    data = segment.read_bytes().replace(b'{"group":{"first":4,', b'{"group":{"first":5,')
    folder.close()
    segment.write_bytes(data)
    opened = SegmentFolder.open(folder.path, readonly=True)
    assert [(line.position, line.verified) for line in opened.read(1, 99).lines] == [
        (n, n not in {4, 5, 6}) for n in range(1, 10)
    ]
    (finding,) = opened.findings
    assert "3 events are not verified" in finding


def test_a_segment_that_is_missing_is_counted_as_lost(folder):
    fill(folder, 1, 101)
    names = sorted(folder.path.glob("*.jsonl"))
    names[1].unlink()
    opened = again(folder)
    found = opened.read(1, 1000)
    missing = int(names[2].stem) - int(names[1].stem)
    assert found.lost == missing > 0
    assert len(found.lines) == 100 - missing
    opened.close()


def test_a_segment_from_another_journal_or_under_another_name_is_left_out_and_reported(folder, tmp_path):
    fill(folder, 1, 101)
    other = SegmentFolder.open(tmp_path / "other", segment_bytes=2_000)
    fill(other, 1, 101)
    other.close()
    names = sorted(folder.path.glob("*.jsonl"))
    names[1].write_bytes((other.path / names[1].name).read_bytes())
    names[2].write_bytes(names[0].read_bytes())
    opened = again(folder)
    assert opened.findings == [
        f"{names[2].name}: holds the segment that begins with event 1",
        f"{names[1].name}: is from another journal",
    ]
    found = opened.read(1, 1000)
    assert (found.next, found.lost) == (101, 100 - len(found.lines))
    opened.close()


def test_retention_deletes_whole_segments_and_says_how_much_was_unread(folder):
    fill(folder, 1, 101)
    second = folder._segments[1].header.first
    assert folder.trim(keep_bytes=FOREVER, keep_after=0, floor=101) == (0, 0)
    assert folder.trim(keep_bytes=FOREVER, keep_after=FOREVER, floor=second) == (second - 1, 0)
    deleted, unread = folder.trim(keep_bytes=4_000, keep_after=0, floor=second + 5)
    assert folder.first == second + deleted
    assert unread == deleted - 5 > 0
    assert folder.size <= 4_000
    assert folder.read(1, 1000).deleted == folder.first - 1
    assert again(folder).next == 101


@pytest.mark.parametrize("harm", ["delete", "replace", "truncate", "rename the folder"])
def test_what_happens_to_the_files_outside_is_noticed_before_a_group_counts(harm, folder):
    fill(folder, 1, 4)
    (segment,) = folder.path.glob("*.jsonl")
    if harm == "delete":
        segment.unlink()
    elif harm == "replace":
        copy = segment.with_name("copy")
        copy.write_bytes(segment.read_bytes())
        copy.rename(segment)
    elif harm == "truncate":
        os.truncate(segment, 10)
    else:
        folder.path.rename(folder.path.with_name("elsewhere"))
    before = folder.next
    with pytest.raises(JournalError, match=r"cannot be written|was replaced|bytes long"):
        folder.append([body(4)], [4], 4)
    assert folder.next == before


HOLDER = """
import sys, pathlib
from jackfield._journal.segments import SegmentFolder
folder = SegmentFolder.open(pathlib.Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_is_refused_by_any_name_of_the_folder_and_the_error_names_the_process(path):
    link = path.with_name("link")
    link.symlink_to(path)
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"open\n"
        for name in (path, link):
            with pytest.raises(JournalError, match=f"another gateway writes to this journal, process {holder.pid};"):
                SegmentFolder.open(name)
        (path / "writer").unlink()
        with pytest.raises(JournalError, match="another gateway writes to this journal, process unknown;"):
            SegmentFolder.open(path)
        holder.kill()
    SegmentFolder.open(path).close()


def test_a_reader_follows_beside_the_writer_and_cannot_write(folder):
    fill(folder, 1, 4)
    reader = SegmentFolder.open(folder.path, readonly=True)
    assert positions(reader.read(1, 9)) == [1, 2, 3]
    with pytest.raises(JournalError, match="open for reading only"):
        reader.append([body(4)], [4], 4)
    fill(folder, 4, 5)


def test_a_file_in_the_folders_place_is_left_alone(path):
    path.write_text("mine")
    with pytest.raises(JournalError, match="is a file"):
        SegmentFolder.open(path)
    assert path.read_text() == "mine"
