"""A journal's file with bytes changed or cut off anywhere: refused, or read with an exact account of what is lost."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield._journal.store import Store
from jackfield._journal.store.records import DeadLetterRow, Row
from jackfield.errors import JournalError

COUNT = 120
GROUP = 12
WAITING = 60
"""How many of the events stand in the write-ahead log only."""


def body(seq):
    return b"%d " % seq + bytes(seq % 251 for _ in range(100 + seq % 7 * 40))


def fill(store, start, stop):
    for seq in range(start, stop, GROUP):
        rows = [Row(b"%016d" % n, body(n), n) for n in range(seq, seq + GROUP)]
        store.commit(rows, {"crm": seq}, [DeadLetterRow("crm", seq, 1, 1, "no", body(seq))])


class Files(dict):
    def __repr__(self):
        return "the files"


@pytest.fixture(scope="module")
def original():
    """Files as a killed process leaves them; half of the events are not in the main file yet."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "journal.db"
        store = Store.open(path)
        fill(store, 1, COUNT - WAITING + 1)
        store.close()
        store = Store.open(path)
        fill(store, COUNT - WAITING + 1, COUNT + 1)
        yield Files({suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")})
        store.close()


places = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.sampled_from([1, 1, 4, 512, 8192]))


@given(
    suffix=st.sampled_from(["", "-wal"]),
    changes=st.lists(places, max_size=3),
    cut=st.none() | st.floats(0, 1),
    walked=st.booleans(),
)
@example(suffix="", changes=[], cut=0.0, walked=True)
@example(suffix="-wal", changes=[], cut=0.0, walked=True)
@example(suffix="", changes=[(0.0, 1, 1)], cut=None, walked=True)
def test_what_is_read_is_what_was_written_and_what_is_not_read_is_counted(original, suffix, changes, cut, walked):
    content = bytearray(original[suffix])
    for at, flip, length in changes:
        start = int(at * len(content))
        content[start : start + length] = bytes(each ^ flip for each in content[start : start + length])
    if cut is not None:
        del content[int(cut * len(content)) :]
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        if not walked:  # as with a large file, of which SQLite's own check would take too long
            patch.setattr("jackfield._journal.store.integrity.QUICK_BYTES", 0)
        path = Path(name) / "journal.db"
        for each, before in original.items():
            Path(f"{path}{each}").write_bytes(content if each == suffix else before)
        kept = Path(name) / "kept.db"
        shutil.copy(path, kept)
        try:
            store = Store.open(path)
        except JournalError as error:
            assert str(path) in str(error)
            assert path.read_bytes() == kept.read_bytes()
            return
        try:
            told = suffix == "" or (cut is None and heads(content) == heads(original[suffix]))
            account(store, untouched=bytes(content) == original[suffix], told=told)
        finally:
            store.close()


def heads(log):
    """The heads of a write-ahead log's frames; without them the end of a log looks like what a crash leaves."""
    return [bytes(log[at : at + 24]) for at in range(32, len(log), 24 + 8192)]


def account(store, *, untouched, told):
    seq, read, lost = 1, 0, 0
    while seq < store.next_seq:
        page = store.read(seq, 50)
        assert [row.body for row in page.rows] == [body(row.seq) for row in page.rows]
        read, lost = read + len(page.rows), lost + len(page.damaged) + page.trimmed
        seq = page.next
    assert read + lost == store.next_seq - 1
    if store.next_seq <= COUNT and told:
        assert store.findings
    if untouched:
        assert (read, lost, store.findings) == (COUNT, 0, ())
    try:
        assert all(letter.body in (None, body(letter.seq)) for letter in store.dead())
        end = store.next_seq
        fill(store, end, end + GROUP)
        assert store.read(end, 4).rows[0].body == body(end)
        store.trim(keep_after=2**62, keep_bytes=2**62, keep_keys=10, floor_seq=2**62)
        store.recent_keys(100)
        store.dead_count()
    except JournalError as error:
        assert str(store.path) in str(error)
    for _ in store.check():
        pass
