"""`jackfield._journal.takeover`: a journal of the old form becomes a folder, once."""

import sqlite3
import zlib
from contextlib import closing
from datetime import UTC, datetime

import pytest

from jackfield._journal.store import SegmentStore
from jackfield._journal.takeover import APPLICATION, is_old_form, take_over
from jackfield.addresses import Address
from jackfield.events import Event

AT = datetime(2026, 1, 1, tzinfo=UTC)


def body(number):
    address = Address("v", "s", "i", "call", "7", "status")
    event = Event(id=str(number), kind="call.updated", address=address, time=AT, received=AT, feed="f", data=number)
    return event.to_json()


@pytest.fixture
def path(tmp_path):
    """What a gateway of version 0.3 has written: events 3 to 9, of which 5 is damaged."""
    path = tmp_path / "journal"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, received INTEGER, crc INTEGER, body BLOB)")
        db.execute("CREATE TABLE cursor (sink TEXT PRIMARY KEY, next INTEGER, crc INTEGER)")
        db.execute("CREATE TABLE state (id INTEGER PRIMARY KEY, first INTEGER, next INTEGER, crc INTEGER)")
        db.execute(
            "CREATE TABLE dead (number INTEGER PRIMARY KEY, sink TEXT, seq INTEGER, at INTEGER, attempts INTEGER,"
            " reason TEXT, size INTEGER, crc INTEGER, body BLOB)"
        )
        for seq in range(3, 10):
            crc = zlib.crc32(body(seq), seq) + (seq == 5)
            db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", (seq, seq, crc, body(seq)))
        db.execute("INSERT INTO cursor VALUES ('crm', 4, 0)")
        db.execute("INSERT INTO state VALUES (1, 3, 12, 0)")
        db.execute("INSERT INTO dead VALUES (1, 'crm', 3, 17, 2, 'no', 0, 0, ?)", (body(3),))
    return path


def test_events_cursors_dead_letters_and_numbers_are_taken_over_and_that_is_reported(path):
    reports = []
    assert is_old_form(path)
    take_over(path, reports.append)
    assert not is_old_form(path)
    with closing(SegmentStore.open(path)) as store:
        lines = [line for page in store.scan(0, 2**62, print) for line in page]
        assert [(line.position, line.received) for line in lines] == [(n, n) for n in (3, 4, 6, 7, 8, 9)]
        assert [line.body for line in lines] == [body(n) for n in (3, 4, 6, 7, 8, 9)]
        assert store.next == 12
        assert store.cursors() == {"crm": 4}
        assert [(each.position, each.body) for each in store.dead()] == [(3, body(3))]
    (report,) = reports
    assert str(report).startswith(f"journal: {path}: 6 events and 1 dead letters taken over, ")
    assert is_old_form(path.with_name("journal.old"))
    take_over(path, reports.append)
    assert len(reports) == 1


def test_a_crash_between_the_two_renames_is_made_good(path):
    take_over(path, lambda _: None)
    path.rename(path.with_name("journal.taking-over"))
    take_over(path, lambda _: None)
    assert path.is_dir()


def test_a_crash_while_copying_begins_again(path):
    (path.with_name("journal.taking-over")).mkdir()
    take_over(path, lambda _: None)
    assert path.is_dir()
