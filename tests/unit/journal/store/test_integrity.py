"""`jackfield._journal.store.integrity`: a damaged file is reported and left alone, or read as far as it is whole."""

import os
import shutil
import sqlite3
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from jackfield._journal.store import Store
from jackfield._journal.store.records import Row
from jackfield.errors import JournalError

COUNT = 200
SUFFIXES = ("-wal", "-shm", ".lock")  # the last two hold nothing


def rows(start, stop):
    return [Row(b"%016d" % n, b"%d " % n + b"x" * 300, n) for n in range(start, stop)]


def bodies(page):
    return [int(row.body.split()[0]) for row in page.rows]


@pytest.fixture
def path(tmp_path):
    """A journal with events and a cursor, closed in good order."""
    store = Store.open(tmp_path / "journal.db")
    store.commit(rows(1, COUNT + 1), {"crm": 17})
    store.close()
    return tmp_path / "journal.db"


def crashed(path, *commits):
    """The files as a killed process leaves them, with these commits in the write-ahead log only."""
    store = Store.open(path)
    for commit in commits:
        store.commit(commit)
    copy = path.with_name("crashed") / path.name
    copy.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    store.close()
    return copy


def refused(path, match):
    """Opening it is refused with these words; no byte changes, and no other file takes its place."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(JournalError, match=match) as caught:
        Store.open(path)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert str(path) in str(caught.value)
    assert {each.name for each in path.parent.iterdir()} <= {"journal.db", *(f"journal.db{s}" for s in SUFFIXES)}


def change(path, at, new):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(new)


def test_an_empty_file_is_no_new_journal(path):
    path.write_bytes(b"")
    refused(path, "is empty, which a journal never is.*Put a copy back; or remove it")


@pytest.mark.parametrize("content", [b"x", b"[gateway]\n" * 50, bytes(5000), b"SQLite format 3\0"])
def test_a_file_of_something_else_is_left_alone(path, content):
    path.write_bytes(content)
    refused(path, "is no journal but something else")


def test_another_programs_database_is_left_alone(path):
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE precious (thing)")
    db.close()
    refused(path, "is another program's database")


def test_a_database_that_only_claims_to_be_a_journal_is_left_alone(path):
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA application_id = {0x4A41434B}")
        db.execute("PRAGMA user_version = 1")
        db.execute("CREATE TABLE event (seq)")
    db.close()
    refused(path, "its tables are not those of version 1")


def test_a_folder_in_its_place_is_left_alone(path):
    path.unlink()
    path.mkdir()
    refused(path, "is not a file; name a file for the journal")


def test_a_link_to_nowhere_is_no_place_for_a_new_journal(path):
    path.unlink()
    path.symlink_to("nowhere")
    refused(path, "is not a file")


def test_a_folder_that_cannot_be_made_is_reported(path):
    with pytest.raises(JournalError, match="its folder cannot be made: Not a directory"):
        Store.open(path / "below" / "journal.db")


@contextmanager
def as_nobody():
    """Without the rights of the superuser, who may do anything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    """A folder that other users may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_a_file_that_may_not_be_read_is_reported_and_left_alone(open_folder):
    with as_nobody():
        path = open_folder / "journal.db"
        Store.open(path).close()
        path.chmod(0o000)
        with pytest.raises(JournalError, match=r"journal\.db: cannot be read: Permission denied"):
            Store.open(path)
        path.chmod(0o400)
        with pytest.raises(JournalError, match=r"journal\.db: cannot be opened: attempt to write a readonly database"):
            Store.open(path)


def test_a_folder_that_may_not_be_written_is_reported(open_folder):
    with as_nobody():
        folder = open_folder / "locked"
        folder.mkdir()
        folder.chmod(0o500)
        with pytest.raises(JournalError, match="cannot be locked: Permission denied"):
            Store.open(folder / "journal.db")
        with pytest.raises(JournalError, match="its folder cannot be made: Permission denied"):
            Store.open(folder / "new" / "journal.db")
        folder.chmod(0o000)
        for path in (folder / "journal.db", folder / "new" / "journal.db"):
            with pytest.raises(JournalError, match="Permission denied"):
                Store.open(path)
        with pytest.raises(JournalError, match="Permission denied"):
            Store.open(folder / "journal.db", readonly=True)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_short_is_reported(path, share):
    os.truncate(path, int(path.stat().st_size * share))
    what = r"the journal is damaged: (database disk image is malformed|it is \d+ bytes long)"
    refused(path, what + ".*Nothing in it was changed.*To go on")


def test_a_file_whose_count_of_events_is_wrong_is_reported(path):
    with sqlite3.connect(path) as db:
        db.execute("UPDATE state SET next = 7")
    db.close()
    refused(path, "the count of its events is not what was written")


def test_a_file_whose_cursors_are_wrong_is_reported(path):
    with sqlite3.connect(path) as db:
        db.execute("UPDATE cursor SET next = 150")
    db.close()
    refused(path, "how far a sink has come is not what was written")


def test_a_file_that_holds_more_events_than_it_counts_is_reported(path):
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO event SELECT 999, received, crc, body FROM event WHERE seq = 1")
    db.close()
    refused(path, "it holds an event 999, but counts only up to 200")


def test_a_log_without_its_file_is_not_taken_into_a_new_one(path):
    copy = crashed(path, rows(COUNT + 1, COUNT + 5))
    copy.unlink()
    with pytest.raises(JournalError, match=r"journal\.db: is missing, but journal\.db-wal is there"):
        Store.open(copy)
    assert not copy.exists()


def test_a_file_that_was_half_made_is_made_anew(tmp_path):
    for suffix in ("", "-wal", "-journal"):
        (tmp_path / f"journal.db.new{suffix}").write_bytes(b"half")
    store = Store.open(tmp_path / "journal.db")
    assert store.commit(rows(1, 2)) == 1
    assert not (tmp_path / "journal.db.new").exists()
    store.close()


def at_event(path, seq):
    """Where in the file an event's text stands."""
    return path.read_bytes().index(b"%d xxx" % seq)


def test_a_changed_event_is_left_out_by_its_number_and_the_others_are_read(path):
    change(path, at_event(path, 50) + 10, b"?")
    store = Store.open(path)
    assert store.findings == ()
    page = store.read(1, COUNT)
    assert page.damaged == (50,)
    assert bodies(page) == [n for n in range(1, COUNT + 1) if n != 50]
    store.close()


def test_a_changed_event_among_the_newest_is_reported_at_the_start(path):
    change(path, at_event(path, COUNT - 2) + 10, b"?")
    store = Store.open(path)
    assert store.findings == ("1 of the newest 100 events are not what was written: 198 …",)
    store.close()


def test_an_event_in_anothers_place_is_left_out(path):
    with sqlite3.connect(path) as db:
        db.execute("UPDATE event SET (crc, body) = (SELECT crc, body FROM event WHERE seq = 8) WHERE seq = 9")
    db.close()
    store = Store.open(path)
    assert store.read(1, COUNT).damaged == (9,)
    store.close()


def test_a_destroyed_page_costs_what_stood_on_it_and_is_found_while_reading(path):
    """After the start: the file is damaged while it is in use."""
    store = Store.open(path)
    (size,) = store._writer.execute("PRAGMA page_size").fetchone()
    page = at_event(path, 100) // size
    on_it = [n for n in range(1, COUNT + 1) if at_event(path, n) // size == page]
    change(path, page * size, b"\xff" * size)
    found = store.read(1, COUNT)
    assert found.damaged == tuple(on_it)
    assert bodies(found) == [n for n in range(1, COUNT + 1) if n not in on_it]
    assert found.next == COUNT + 1
    with pytest.raises(JournalError, match="cannot be written: database disk image is malformed"):
        store.trim(keep_after=2**62, keep_bytes=2**62, keep_keys=0, floor_seq=2**62)
    problems = [problem for step in store.check() for problem in step.problems]
    assert problems[1:] == [f"event {n} is not what was written" for n in on_it]
    store.close()


def test_what_a_crash_leaves_in_the_log_is_whole(path):
    copy = crashed(path, rows(COUNT + 1, COUNT + 5), rows(COUNT + 5, COUNT + 9))
    store = Store.open(copy)
    assert store.findings == ()
    assert bodies(store.read(1, 999)) == list(range(1, COUNT + 9))
    store.close()


def test_a_commit_that_was_being_written_is_as_if_it_had_never_been(path):
    """The log ends in the middle of a commit: nobody was told that it was done."""
    copy = crashed(path, rows(COUNT + 1, COUNT + 5), rows(COUNT + 5, COUNT + 99))
    log = copy.with_name("journal.db-wal")
    os.truncate(log, log.stat().st_size - 10)
    store = Store.open(copy)
    assert store.findings == ()
    assert store.next_seq == COUNT + 5
    assert store.commit(rows(COUNT + 5, COUNT + 6)) == COUNT + 5
    store.close()


def test_commits_behind_a_damage_in_the_log_are_reported_to_be_lost_and_the_log_is_kept(path):
    copy = crashed(path, rows(COUNT + 1, COUNT + 5), rows(COUNT + 5, COUNT + 9), rows(COUNT + 9, COUNT + 13))
    log = copy.with_name("journal.db-wal")
    content = log.read_bytes()
    change(log, content.index(b"%d xxx" % (COUNT + 6)) + 4, b"?")
    damaged = log.read_bytes()
    store = Store.open(copy)
    (finding,) = store.findings
    assert "its write-ahead log can be read up to frame" in finding
    assert f"the log is kept as {log}.damaged" in finding
    assert log.with_name(log.name + ".damaged").read_bytes() == damaged
    assert bodies(store.read(1, 999)) == list(range(1, COUNT + 5))
    store.close()


def test_a_log_whose_head_is_damaged_is_reported_to_be_lost(path):
    copy = crashed(path, rows(COUNT + 1, COUNT + 5))
    change(copy.with_name("journal.db-wal"), 17, b"\xff")
    store = Store.open(copy)
    assert "the head of its write-ahead log" in store.findings[0]
    assert bodies(store.read(1, 999)) == list(range(1, COUNT + 1))
    store.close()


def test_what_an_older_log_has_left_behind_the_present_one_is_no_damage(path):
    """SQLite begins a log anew in the same file, so the end of the one before stands behind it."""
    store = Store.open(path)
    for n in range(COUNT + 1, COUNT + 400, 2):
        store.commit(rows(n, n + 2))
    ((busy, _, _),) = store._writer.execute("PRAGMA wal_checkpoint(RESTART)")
    assert not busy
    store.commit(rows(COUNT + 401, COUNT + 403))
    log = path.with_name("journal.db-wal")
    salts = {log.read_bytes()[at + 8 : at + 16] for at in range(32, log.stat().st_size, 24 + 8192)}
    assert len(salts) > 1
    copy = path.with_name("copy.db")
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    store.close()
    again = Store.open(copy)
    assert again.findings == ()
    again.close()


def test_a_large_file_is_opened_without_reading_it_all(path):
    """Beyond 32 MB the structure is not walked through, so a page in the middle is found when it is read."""
    store = Store.open(path)
    for n in range(COUNT + 1, COUNT + 40_000, 1000):
        store.commit([Row(b"", b"%d " % i + b"x" * 900, i) for i in range(n, n + 1000)])
    end = store.next_seq
    store.close()
    assert path.stat().st_size > 34_000_000
    change(path, at_event(path, 20_000) // 8192 * 8192, b"\xff" * 8192)
    store = Store.open(path)
    assert store.findings == ()
    page = store.read(1, end)
    assert 1 <= len(page.damaged) < 20
    assert len(page.rows) + len(page.damaged) == end - 1
    store.close()


def test_a_damaged_file_can_still_be_opened_for_reading(path):
    with sqlite3.connect(path) as db:
        db.execute("UPDATE cursor SET next = 150")
    db.close()
    change(path, at_event(path, 50) + 10, b"?")
    store = Store.open(path, readonly=True)
    assert store.cursors() == {}
    assert len(store.read(1, COUNT).rows) == COUNT - 1
    store.close()


def test_the_numbers_that_sqlite_documents_are_where_it_says(path):
    header = path.read_bytes()[:100]
    assert struct.unpack_from(">I", header, 68) == (0x4A41434B,)
    assert struct.unpack_from(">I", header, 60) == (1,)
