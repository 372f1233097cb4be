"""Segments with bytes changed, cut, doubled or moved: what is read is what was written, and the rest is counted."""

import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jackfield._journal.segments import SegmentFolder
from jackfield._journal.segments.format import encode_group
from jackfield._journal.segments.walk import walk

JOURNAL = "00ff" * 8


def body(position):
    return b'{"specversion":"1.0","id":"%d","data":"%b"}' % (position, b"x" * (position * 7 % 40))


def groups(sizes):
    """The bytes of groups, and where each begins."""
    data, first, starts = b"", 1, []
    for size in sizes:
        starts.append(len(data))
        numbers = range(first, first + size)
        data += encode_group(JOURNAL, first, 5, [body(n) for n in numbers], [*numbers])
        first += size
    return data, starts, first


def account(data, end, untouched):
    """Walk it; every position is read as written, or lies in a piece that says what is wrong."""
    expected, offset = 1, 0
    problems = torn = False
    for piece in walk(data, 0, 1, JOURNAL):
        assert piece.offset == offset < piece.end
        assert piece.next >= expected
        if piece.misplaced:
            assert piece.problem
            assert piece.next == expected
            problems, offset = True, piece.end
            continue
        missing = piece.next - expected != len(piece.lines)
        for line in piece.lines:
            assert expected <= line.position < piece.next
            if line.verified:
                assert line.body == body(line.position)
                assert line.received == line.position
            expected = line.position + 1
        assert piece.problem or not missing
        assert piece.problem or all(line.verified for line in piece.lines)
        expected, offset = piece.next, piece.end
        problems, torn = problems or bool(piece.problem), torn or piece.torn
    assert offset == len(data)
    if untouched:
        assert (expected, problems, torn) == (end, False, False)
    return expected, problems, torn


sizes = st.lists(st.integers(1, 5), min_size=1, max_size=6)


@given(sizes=sizes, changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=4))
def test_changed_bytes_cost_what_they_hit_and_are_reported(sizes, changes):
    data, _, end = groups(sizes)
    damaged = bytearray(data)
    for at, flip in changes:
        damaged[int(at * len(data))] ^= flip
    _, problems, torn = account(bytes(damaged), end, bytes(damaged) == data)
    assert problems or torn or bytes(damaged) == data


@given(sizes=sizes, start=st.floats(0, 1), length=st.integers(0, 300), insert=st.binary(max_size=50))
@example(sizes=[1, 1], start=0.0, length=0, insert=b"\n")
def test_bytes_that_were_removed_or_put_between_are_reported(sizes, start, length, insert):
    data, _, end = groups(sizes)
    at = int(start * len(data))
    damaged = data[:at] + insert + data[at + length :]
    expected, problems, torn = account(damaged, end, damaged == data)
    assert problems or torn or damaged == data or expected < end  # a cut at a group's end is the end


@given(sizes=sizes, order=st.lists(st.integers(0, 5), max_size=8))
def test_groups_that_are_doubled_missing_or_swapped_are_read_once_in_order_or_reported(sizes, order):
    data, starts, end = groups(sizes)
    pieces = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
    chosen = [each % len(pieces) for each in order]
    damaged = b"".join(pieces[each] for each in chosen)
    _, problems, torn = account(damaged, end, chosen == [*range(len(pieces))])
    assert not torn
    assert problems or chosen == [*range(len(chosen))]


@given(sizes=sizes, cut=st.floats(0, 1))
def test_a_write_that_was_cut_short_loses_its_own_group_and_nothing_else_and_is_no_damage(sizes, cut):
    data, starts, end = groups(sizes)
    at = int(cut * len(data))
    expected, problems, torn = account(data[:at], end, at == len(data))
    whole = sum(start <= at for start in [*starts[1:], len(data)])
    assert expected == 1 + sum(sizes[:whole])
    assert not problems
    assert torn == (at not in [*starts, len(data)])


class Machine(RuleBasedStateMachine):
    """A folder against a list of events, across restarts, retention, and losses of power."""

    @initialize(segment_bytes=st.integers(300, 3_000), fsync=st.booleans())
    def begin(self, segment_bytes, fsync):
        self.syncing = patch("os.fsync")  # nobody pulls the plug
        self.syncing.start()
        self.path = Path(tempfile.mkdtemp()) / "journal"
        self.options = {"segment_bytes": segment_bytes, "fsync": fsync}
        self.folder = SegmentFolder.open(self.path, **self.options)
        self.first, self.end, self.floor = 1, 1, 1
        self.holes = set()
        self.skipped = set()

    @rule(count=st.integers(1, 6))
    def append(self, count):
        numbers = range(self.end, self.end + count)
        assert self.folder.append([body(n) for n in numbers], [*numbers], 3) == self.end
        self.end += count

    @rule()
    def restart(self):
        self.folder.close()
        self.folder = SegmentFolder.open(self.path, floor=self.floor, **self.options)
        assert self.holes or self.folder.findings == []

    @rule(share=st.floats(0, 1))
    def save_cursor(self, share):
        """A sink's place is saved and synced: positions before it are never given again."""
        self.floor = max(self.floor, self.first + round((self.end - self.first) * share))

    def cut(self, lost):
        """Let some bytes at the end of the newest segment be gone; with fsync those of no whole group."""
        newest = max(self.path.glob("*.jsonl"), default=None)
        if newest is not None and not self.options["fsync"]:
            data = newest.read_bytes()
            header = data.index(b"\n") + 1
            newest.write_bytes(data[: max(header, len(data) - int(lost * (len(data) - header)))])

    @rule(lost=st.floats(0, 1))
    def somebody_cuts_the_newest_segment(self, lost):
        self.folder.close()
        self.cut(lost)
        self.folder = SegmentFolder.open(self.path, floor=self.floor, **self.options)
        assert self.folder.next == self.end
        there = {line.position for line in self.folder.read(self.first, 10_000_000).lines}
        known = set(self.holes)
        self.holes |= {n for n in range(self.first, self.end) if n not in there}
        assert self.folder.findings or self.holes == known

    @rule(lost=st.floats(0, 1), ahead=st.integers(0, 50))
    def lose_power(self, lost, ahead):
        """What was not synced is gone, and what was reserved is skipped: nobody knows what of it was given."""
        self.folder.close()
        self.cut(lost)
        lost_before = self.folder.read(1, 10_000_000).lost
        self.folder = SegmentFolder.open(self.path, floor=self.end + ahead, confirmed=None, **self.options)
        assert self.folder.next == self.end + ahead  # no position is given twice
        found = self.folder.read(1, 10_000_000)
        there = {line.position for line in found.lines}
        gone = {n for n in range(self.first, self.folder.next) if n not in there} - self.holes
        assert found.lost <= lost_before
        assert self.folder.findings or not {n for n in gone if n < self.end}
        self.holes |= gone
        self.skipped = {n for n in self.holes if not self.folder.skips.count(n, n + 1)}
        assert self.skipped >= gone
        self.end = self.folder.next

    @rule(keep=st.integers(0, 5_000))
    def trim(self, keep):
        end = self.folder.cut(keep_bytes=keep, keep_after=0, floor=self.floor)
        self.folder.delete_before(end)
        assert self.folder.skips.count(end, self.folder.first) == 0
        self.first = self.folder.first
        assert self.folder.size <= keep or len(list(self.path.glob("*.jsonl"))) <= 1

    @invariant()
    def everything_is_there_once_in_order(self):
        found = self.folder.read(1, 10_000_000)
        wanted = [n for n in range(self.first, self.end) if n not in self.holes]
        assert [(line.position, line.body) for line in found.lines] == [(n, body(n)) for n in wanted]
        assert found.next == self.end
        assert found.deleted == self.first - 1 - sum(n < self.first for n in self.skipped)

    def teardown(self):
        self.folder.close()
        self.syncing.stop()
        shutil.rmtree(self.path.parent)


TestSegments = Machine.TestCase
# A step writes and reads files, and an example has fifty.
TestSegments.settings = settings(max_examples=max(10, settings.default.max_examples // 5))
