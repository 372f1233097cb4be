"""`jackfield._journal.store`: what is committed is there, all of it or none, and the file keeps within its limits."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jackfield._journal.store import Store, forget_sink
from jackfield._journal.store.records import DeadLetterRow, Row
from jackfield._journal.store.schema import STEPS
from jackfield.errors import JournalError

FOREVER = 2**62


def rows(start, stop, *, size=20, keyed=True):
    """Events that tell their numbers; each was received as many microseconds after 1970."""
    key = b"%016d" if keyed else b""
    return [Row(key % n if keyed else b"", b"%d " % n + b"x" * size, n) for n in range(start, stop)]


def dead_row(sink, seq, body=b"{}"):
    return DeadLetterRow(sink, seq, 7, 3, "the receiver said 400", body)


def bodies(page):
    return [int(row.body.split()[0]) for row in page.rows]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


@pytest.fixture
def store(path):
    store = Store.open(path)
    yield store
    store.close()


def reopened(store):
    store.close()
    return Store.open(store.path)


def cut(store, **limits):
    """Trim to the end with limits that keep everything unless told otherwise."""
    given = {"keep_after": 0, "keep_bytes": FOREVER, "keep_keys": FOREVER, "floor_seq": FOREVER} | limits
    deleted = unread = 0
    while True:
        trimmed = store.trim(**given)
        deleted, unread = deleted + trimmed.deleted, unread + trimmed.unread
        if not trimmed.more:
            return deleted, unread


def test_what_was_committed_is_read_back_in_order_after_a_restart(store):
    assert store.commit(rows(1, 4)) == 1
    assert store.commit(rows(4, 6)) == 4
    with_restart = reopened(store)
    page = with_restart.read(1, 100)
    assert [(row.seq, row.received) for row in page.rows] == [(n, n) for n in range(1, 6)]
    assert bodies(page) == [1, 2, 3, 4, 5]
    assert (page.next, page.trimmed, page.damaged) == (6, 0, ())
    with_restart.close()


def test_reading_goes_on_where_it_stopped_and_ends_at_the_end(store):
    store.commit(rows(1, 11))
    assert bodies(store.read(1, 4)) == [1, 2, 3, 4]
    assert bodies(store.read(5, 4)) == [5, 6, 7, 8]
    assert bodies(store.read(9, 4)) == [9, 10]
    assert store.read(11, 4).rows == []
    assert store.read(11, 4).next == 11


def test_the_file_and_new_folders_are_for_their_owner_alone(tmp_path):
    (tmp_path / "there").mkdir(mode=0o755)
    store = Store.open(tmp_path / "there" / "a" / "b" / "journal.db")
    store.commit(rows(1, 2))
    modes = {
        each.relative_to(tmp_path).as_posix(): stat.S_IMODE(each.stat().st_mode)
        for each in tmp_path.rglob("*")
        if each.name != "there"
    }
    assert modes == {"there/a": 0o700, "there/a/b": 0o700} | {
        f"there/a/b/journal.db{suffix}": 0o600 for suffix in ("", "-wal", "-shm", ".lock")
    }
    store.close()


def test_a_commit_that_fails_leaves_nothing_of_itself(store):
    store.commit(rows(1, 3), {"crm": 2}, [dead_row("crm", 1)])
    store._writer.execute("CREATE TEMP TRIGGER no BEFORE INSERT ON main.dead BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(JournalError, match="cannot be written: no"):
        store.commit(rows(3, 5), {"crm": 3}, [dead_row("crm", 2)])
    store._writer.execute("DROP TRIGGER no")
    again = reopened(store)
    assert (again.next_seq, again.cursors(), again.dead_count()) == (3, {"crm": 2}, {"crm": 1})
    assert again.recent_keys(9) == [b"%016d" % 1, b"%016d" % 2]
    assert again.commit(rows(3, 5)) == 3
    again.close()


def test_a_disk_that_is_full_refuses_a_commit_whole_and_takes_it_when_there_is_room(store):
    store.commit(rows(1, 3))
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(JournalError, match="cannot be written: database or disk is full"):
        store.commit(rows(3, 1000, size=100))
    assert bodies(store.read(1, 100)) == [1, 2]
    store._writer.execute(f"PRAGMA max_page_count = {pages + 1000}")
    assert store.commit(rows(3, 1000, size=100)) == 3
    assert bodies(store.read(1, 2000)) == list(range(1, 1000))


def test_no_number_is_given_twice_even_when_everything_was_deleted(store):
    store.commit(rows(1, 8))
    assert cut(store, keep_after=FOREVER) == (7, 0)
    assert (store.first_seq, store.next_seq) == (8, 8)
    again = reopened(store)
    assert (again.first_seq, again.next_seq, again.commit(rows(8, 9))) == (8, 8, 8)
    again.close()


def test_the_newest_ids_are_kept_and_the_facts_without_one_are_not_among_them(store):
    store.commit(rows(1, 4))
    store.commit(rows(4, 6, keyed=False))
    store.commit([*rows(6, 7), *rows(7, 8, keyed=False), *rows(8, 9)])
    again = reopened(store)
    assert again.recent_keys(100) == [b"%016d" % n for n in (1, 2, 3, 6, 8)]
    assert again.recent_keys(2) == [b"%016d" % n for n in (6, 8)]
    assert again.recent_keys(0) == []
    again.close()


def test_ids_outlive_their_events_and_go_beyond_their_own_limit(store):
    for n in range(1, 31, 3):
        store.commit(rows(n, n + 3))
    cut(store, keep_after=FOREVER, keep_keys=7)
    assert store.read(1, 100).trimmed == 30
    assert store.recent_keys(7) == [b"%016d" % n for n in range(24, 31)]
    assert len(store.recent_keys(100)) < 30
    store.commit(rows(31, 32))
    assert store.recent_keys(7)[-1] == b"%016d" % 31


def test_cursors_are_kept_until_they_are_forgotten(store):
    store.commit(cursors={"crm": 5, "archive": 9})
    store.commit(cursors={"crm": 6})
    again = reopened(store)
    assert again.cursors() == {"crm": 6, "archive": 9}
    again.close()
    forget_sink(again.path, "crm")
    again = Store.open(again.path)
    assert again.cursors() == {"archive": 9}
    again.close()


def test_dead_letters_are_kept_once_for_each_event_and_sink_until_they_are_deleted(store):
    store.commit(dead_rows=[dead_row("crm", 4), dead_row("crm", 5), dead_row("mail", 4)])
    store.commit(dead_rows=[dead_row("crm", 4)])  # the same again, as after a crash
    again = reopened(store)
    assert again.dead_count() == {"crm": 2, "mail": 1}
    (letter, second) = again.dead("crm")
    assert (letter.sink, letter.seq, letter.at, letter.attempts) == ("crm", 4, 7, 3)
    assert (letter.reason, letter.body) == ("the receiver said 400", b"{}")
    assert again.dead("crm", from_number=letter.number + 1) == [second]
    assert [each.sink for each in again.dead(limit=3)] == ["crm", "crm", "mail"]
    assert again.delete_dead_letters([letter.number, 999]) == 1
    assert again.dead_count() == {"crm": 1, "mail": 1}
    again.close()


def test_a_reason_that_is_no_unicode_does_not_stop_the_commit(store):
    store.commit(dead_rows=[DeadLetterRow("crm", 1, 7, 3, "they said \udcff", b"{}")])
    assert store.dead()[0].reason == "they said ?"
    assert store.dead()[0].body == b"{}"


def test_age_deletes_what_every_sink_has_passed_and_nothing_else(store):
    store.commit(rows(1, 101))
    assert cut(store, keep_after=31, floor_seq=21) == (20, 0)
    assert store.first_seq == 21
    assert cut(store, keep_after=31, floor_seq=101) == (10, 0)
    assert bodies(store.read(1, 3)) == [31, 32, 33]
    assert store.read(1, 3).trimmed == 30


def test_a_few_are_deleted_at_a_time_so_that_no_commit_waits_long(store):
    store.commit(rows(1, 101))
    trimmed = store.trim(keep_after=FOREVER, keep_bytes=FOREVER, keep_keys=0, floor_seq=FOREVER, most=30)
    assert (trimmed.deleted, trimmed.more) == (30, True)


def test_size_deletes_the_oldest_read_or_not_and_says_how_many_were_unread(store):
    store.commit(rows(1, 5001, size=1000))
    deleted, unread = cut(store, keep_bytes=2_000_000, floor_seq=1001)
    assert store.first_seq == deleted + 1
    assert unread == deleted - 1000 > 0
    assert 1_900_000 < store.size() <= 2_000_000
    assert bodies(store.read(1, 1)) == [deleted + 1]
    assert cut(store, keep_bytes=2_000_000, floor_seq=1001) == (0, 0)


def test_the_file_stays_within_its_size_however_much_goes_through_it(store):
    limit, largest = 4_000_000, 0
    for n in range(1, 60_001, 500):
        store.commit(rows(n, n + 500, size=900))
        cut(store, keep_bytes=limit)
        files = [store.path, *store.path.parent.glob("*-wal")]
        largest = max(largest, sum(each.stat().st_size for each in files))
    assert store.next_seq == 60_001  # 55 MB went through
    assert store.first_seq < 59_000  # and what has room is kept
    assert largest < limit + 16_000_000 + 3_000_000  # the write-ahead log has a limit of its own
    store.close()
    assert store.path.stat().st_size < limit + 3_000_000


def test_the_file_becomes_smaller_again_after_a_burst(store):
    store.commit(rows(1, 20_001, size=900))
    cut(store, keep_after=FOREVER)
    store.close()
    assert store.path.stat().st_size < 3_000_000


def test_dead_letters_have_a_limit_of_their_own_and_each_that_goes_is_reported(store):
    store.commit(rows(1, 1000, size=1000))
    store.commit(dead_rows=[dead_row("crm", n, b"x" * 1000) for n in range(8)] + [dead_row("mail", 8, b"x" * 1000)])
    assert store.trim_dead(9000) == {}
    assert store.trim_dead(2500) == {"crm": 7}
    again = reopened(store)
    assert again.dead_count() == {"crm": 1, "mail": 1}
    assert again.trim_dead(1500) == {"crm": 1}
    assert again.trim_dead(0) == {"mail": 1}
    again.close()


def test_many_dead_letters_do_not_push_events_out(store):
    store.commit(rows(1, 101))
    store.commit(dead_rows=[dead_row("crm", n, b"x" * 10_000) for n in range(300)])
    assert cut(store, keep_bytes=1_000_000) == (0, 0)


def test_events_of_a_span_of_time_are_found_in_steps(store):
    store.commit(rows(1, 3001))
    found = list(store.scan(500, 2500))
    assert [row.seq for step in found for row in step] == list(range(500, 2500))
    assert len(found) > 1
    assert [row.seq for step in store.scan(500, 2500, 2400) for row in step] == list(range(2400, 2500))


def test_a_file_open_for_reading_can_be_read_beside_its_writer_and_not_written(store):
    store.commit(rows(1, 3))
    reader = Store.open(store.path, readonly=True)
    assert bodies(reader.read(1, 9)) == [1, 2]
    with pytest.raises(JournalError, match="open for reading only"):
        reader.commit(rows(3, 4))
    reader.close()
    assert store.commit(rows(3, 4)) == 3


def test_opening_for_reading_makes_no_file(path):
    with pytest.raises(JournalError, match="is not a file"):
        Store.open(path, readonly=True)
    assert list(path.parent.iterdir()) == []


HOLDER = """
import sys, pathlib
from jackfield._journal.store import Store, forget_sink
Store.open(pathlib.Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_journal_that_another_process_writes_is_refused_by_that_process_number_until_it_ends(path):
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(
            JournalError, match=rf"journal\.db: another gateway uses this journal, process {holder.pid};"
        ):
            Store.open(path)
        holder.kill()
    Store.open(path).close()


def test_one_process_cannot_open_it_twice_either(store):
    with pytest.raises(JournalError, match=f"process {os.getpid()}"):
        Store.open(store.path)


def test_power_asks_the_disk_at_each_commit_and_process_does_not(path):
    found = {}
    for fsync in (False, True):
        store = Store.open(path, fsync=fsync)
        found[fsync] = store._writer.execute("PRAGMA synchronous").fetchone()
        store.close()
    assert found == {False: (1,), True: (2,)}  # SQLite's NORMAL and FULL


def add_colour(db):
    db.execute("ALTER TABLE event ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'")


def test_an_older_file_is_brought_to_the_present_form_with_all_that_is_in_it(store):
    store.commit(rows(1, 4), {"crm": 2})
    store.close()
    newer = Store.open(store.path, steps=(*STEPS, add_colour))
    assert bodies(newer.read(1, 9)) == [1, 2, 3]
    assert newer.cursors() == {"crm": 2}
    assert newer._writer.execute("SELECT DISTINCT colour FROM event").fetchall() == [(b"grey",)]
    assert newer._writer.execute("PRAGMA user_version").fetchone() == (2,)
    newer.close()
    Store.open(store.path, steps=(*STEPS, add_colour)).close()


def test_a_step_that_fails_leaves_the_older_file_as_it_was(store):
    def breaks(db):
        add_colour(db)
        db.execute("SELECT nonsense")

    store.commit(rows(1, 4))
    store.close()
    before = store.path.read_bytes()
    with pytest.raises(JournalError, match="cannot be opened: no such column: nonsense"):
        Store.open(store.path, steps=(*STEPS, breaks))
    assert store.path.read_bytes() == before
    same = Store.open(store.path)
    assert bodies(same.read(1, 9)) == [1, 2, 3]
    same.close()


def test_a_newer_file_is_refused_by_both_versions_and_left_alone(path):
    Store.open(path, steps=(*STEPS, add_colour)).close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"its form is version 2, this one knows up to 1\."):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_check_reads_everything_and_names_what_is_wrong(store):
    store.commit(rows(1, 2501), dead_rows=[dead_row("crm", 1)])
    steps = list(store.check())
    assert [each.done for each in steps] == [0, 1000, 2000, 2500, 2500]
    assert all(each.total == 2500 and not each.problems for each in steps)
    store._writer.execute("UPDATE event SET body = X'00' WHERE seq IN (7, 2400)")
    store._writer.execute("UPDATE dead SET attempts = 4")
    problems = [problem for each in store.check() for problem in each.problems]
    assert problems == [
        "event 7 is not what was written",
        "event 2400 is not what was written",
        "dead letter 1 is not what was written",
    ]


def test_a_path_with_signs_of_a_uri_in_it_is_a_path(tmp_path):
    store = Store.open(tmp_path / "a?mode=memory#%41.db")
    store.commit(rows(1, 2))
    store.close()
    assert {each.name for each in tmp_path.iterdir()} == {"a?mode=memory#%41.db", "a?mode=memory#%41.db.lock"}


def test_a_path_that_is_no_unicode_is_a_path(tmp_path):
    store = Store.open(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.db")))
    store.commit(rows(1, 2))
    store.close()
    assert {os.fsencode(each.name) for each in tmp_path.iterdir()} == {b"\xff.db", b"\xff.db.lock"}


def test_a_relative_path_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Store.open(Path("var/journal.db")).close()
    assert (tmp_path / "var" / "journal.db").is_file()


def test_closing_leaves_one_file_that_any_sqlite_can_read(store):
    store.commit(rows(1, 4))
    store.close()
    assert not list(store.path.parent.glob("*-wal"))
    with sqlite3.connect(store.path) as db:
        assert db.execute("SELECT count(*) FROM event").fetchone() == (3,)
    db.close()
