"""`jackfield._journal.store.sidecar`: cursors, dead letters, tokens and losses, all or nothing, or a clear error."""

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime

import pytest

from jackfield._journal.downtime import AccountRow
from jackfield._journal.store.integrity import State
from jackfield._journal.store.records import DeadLetterRow, Loss, Notes, Token
from jackfield._journal.store.schema import STEPS, text_crc
from jackfield._journal.store.sidecar import Sidecar, delete_dead_letters, forget_sink
from jackfield.addresses import Address
from jackfield.errors import JournalError
from jackfield.events import Event

AT = datetime(2026, 1, 1, tzinfo=UTC)
STATE = State(1, 9, 9, 20, "boot", "id")
NOTES = Notes(
    {"crm": 3}, (), {"office": Token("t-7", 4)}, {"office": AccountRow(17, None, 16, None, 4)}, {"crm": Loss(1, 2, 3)}
)


def dead(sink, position, size=10):
    address = Address("v", "s", "i", "call", "7", "status")
    event = Event(
        id=str(position), kind="call.updated", address=address, time=AT, received=AT, feed="f", data="x" * size
    )
    return DeadLetterRow(sink, position, 7, 3, "the receiver said 400", event)


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def sidecar(folder):
    sidecar = Sidecar.open(folder)
    yield sidecar
    sidecar.close()


def reopened(sidecar, **options):
    sidecar.close()
    return Sidecar.open(sidecar.path.parent, **options)


def test_what_was_saved_is_there_after_a_restart(sidecar):
    sidecar.save(NOTES, STATE)
    sidecar.save(Notes({"mail": 5}), STATE)
    again = reopened(sidecar)
    notes = again.notes()
    assert notes.cursors == {"crm": 3, "mail": 5}
    assert (notes.tokens, notes.accounts, notes.losses) == (NOTES.tokens, NOTES.accounts, NOTES.losses)
    assert again.state == STATE
    again.close()


def test_when_a_feed_was_heard_is_read_from_a_file_of_the_first_form(folder):
    old = Sidecar.open(folder, steps=STEPS[:1])
    old.close()
    with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as db:
        db.execute("INSERT INTO feed VALUES ('office', 17, ?), ('damaged', 18, 1)", (text_crc(b"office", 17),))
    with closing(Sidecar.open(folder)) as sidecar:
        assert sidecar.notes().accounts == {"office": AccountRow(17, None, None, None, 0)}


def test_a_save_that_fails_leaves_nothing_of_itself(sidecar):
    sidecar.save(NOTES, STATE)
    bad = DeadLetterRow("crm", 1, 7, 3, "no", object())
    with pytest.raises(AttributeError):
        sidecar.save(Notes({"crm": 8}, (bad,)), STATE)
    assert sidecar.notes().cursors == {"crm": 3}


def test_dead_letters_are_kept_once_for_each_event_and_sink_until_they_are_deleted(sidecar):
    sidecar.save(Notes(dead=(dead("crm", 1), dead("mail", 1), dead("crm", 1), dead("crm", 2))), STATE)
    assert [(each.sink, each.position) for each in sidecar.dead()] == [("crm", 1), ("mail", 1), ("crm", 2)]
    assert sidecar.dead_count() == {"crm": 2, "mail": 1}
    delete_dead_letters(sidecar.path.parent, [each.number for each in sidecar.dead("crm")])
    assert [(each.sink, each.body) for each in sidecar.dead()] == [("mail", dead("mail", 1).body)]


def test_a_reason_that_is_no_unicode_does_not_stop_the_save(sidecar):
    sidecar.save(Notes(dead=(dead("crm", 1)._replace(reason="\ud800"),)), STATE)
    assert sidecar.dead()[0].reason == "?"


def test_dead_letters_have_a_limit_and_each_that_goes_is_reported(sidecar):
    sidecar.save(Notes(dead=tuple(dead(("crm", "mail")[n % 2], n, 1000) for n in range(10))), STATE)
    gone = sidecar.trim_dead(5000)
    assert sum(gone.values()) == 7
    assert [each.position for each in sidecar.dead()] == [7, 8, 9]
    assert sidecar.trim_dead(5000) == {}
    assert reopened(sidecar).trim_dead(0) == {"crm": 1, "mail": 2}


def test_a_sink_that_is_forgotten_keeps_its_dead_letters(sidecar):
    sidecar.save(Notes({"crm": 3, "old": 1}, (dead("old", 1),), losses={"old": Loss(1, 0, 2)}), STATE)
    forget_sink(sidecar.path.parent, "old")
    assert sidecar.notes().cursors == {"crm": 3}
    assert sidecar.notes().losses == {}
    assert sidecar.dead_count() == {"old": 1}
    with pytest.raises(JournalError, match="no sink 'old'; there are: crm"):
        forget_sink(sidecar.path.parent, "old")


def test_the_file_is_for_its_owner_alone(sidecar):
    sidecar.save(NOTES, STATE)
    for path in sidecar.path.parent.glob("state.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_open_for_reading_it_can_be_read_beside_its_writer_and_not_written(sidecar):
    sidecar.save(NOTES, STATE)
    with closing(Sidecar.open(sidecar.path.parent, readonly=True)) as reader:
        assert reader.notes().cursors == {"crm": 3}
        with pytest.raises(JournalError, match="is open for reading only"):
            reader.save(NOTES, STATE)


def test_a_newer_file_is_refused_and_left_alone(sidecar):
    steps = (*STEPS, lambda db: db.execute("CREATE TABLE more (thing)"))
    with closing(reopened(sidecar, steps=steps)):
        pass
    with pytest.raises(JournalError, match="written by a newer Jackfield"):
        Sidecar.open(sidecar.path.parent)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty, which it never is"), (b"x", "does not belong to"), (bytes(5000), "does not belong to a journal")],
)
def test_something_else_in_its_place_is_refused_and_left_alone(folder, content, said):
    (folder / "state.db").write_bytes(content)
    with pytest.raises(JournalError, match=said):
        Sidecar.open(folder)
    assert (folder / "state.db").read_bytes() == content


def test_another_programs_database_is_left_alone(folder):
    with closing(sqlite3.connect(folder / "state.db")) as db:
        db.execute("CREATE TABLE precious (thing)")
    with pytest.raises(JournalError, match="is another program's database"):
        Sidecar.open(folder)


@pytest.mark.parametrize(
    "change", ["UPDATE cursor SET next = next + 1", "UPDATE state SET next = next + 1"], ids=["cursor", "state"]
)
def test_numbers_that_are_not_what_was_written_are_refused(sidecar, change):
    sidecar.save(NOTES, STATE)
    sidecar.close()
    with closing(sqlite3.connect(sidecar.path, isolation_level=None)) as db:
        db.execute(change)
    with pytest.raises(JournalError, match=r"the journal is damaged.*Nothing in it was changed"):
        Sidecar.open(sidecar.path.parent)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_a_file_that_was_cut_short_is_reported(sidecar, share):
    sidecar.save(Notes(dead=tuple(dead("crm", n, 1000) for n in range(50))), STATE)
    sidecar.close()
    os.truncate(sidecar.path, int(sidecar.path.stat().st_size * share))
    with pytest.raises(JournalError, match=r"state\.db: the journal is damaged"):
        Sidecar.open(sidecar.path.parent)


def test_saves_behind_a_damage_in_the_log_are_reported_to_be_lost_and_the_log_is_kept(sidecar, tmp_path):
    for number in range(20):
        sidecar.save(Notes({"crm": number}), STATE)
    copy = tmp_path / "copy"
    copy.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{sidecar.path}{suffix}", f"{copy / 'state.db'}{suffix}")
    content = bytearray((copy / "state.db-wal").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "state.db-wal").write_bytes(content)
    with closing(Sidecar.open(copy)) as damaged:
        assert "its write-ahead log can be read up to frame" in damaged.findings[0]
        assert damaged.notes().cursors["crm"] < 19
    assert (copy / "state.db-wal.damaged").read_bytes() == content


def test_a_check_reads_everything_and_names_what_is_wrong(sidecar):
    sidecar.save(Notes(dead=(dead("crm", 1), dead("crm", 2))), STATE)
    assert sidecar.check() == []
    with closing(sqlite3.connect(sidecar.path, isolation_level=None)) as db:
        db.execute("UPDATE dead SET attempts = 9 WHERE number = 2")
    assert sidecar.check() == ["dead letter 2 is not what was written"]


def test_a_checkpoint_is_kept_whole_or_not_at_all(folder):
    sidecar = Sidecar.open(folder)
    try:
        assert sidecar.checkpoint() == []
        sidecar.save_checkpoint([b"one", b"two", b"three"])
        sidecar.save_checkpoint([b"four", b"five"])
        assert sidecar.checkpoint() == [b"four", b"five"]
    finally:
        sidecar.close()
    with closing(sqlite3.connect(folder / "state.db")) as db, db:
        db.execute("UPDATE checkpoint SET body = x'00' WHERE piece = 1")
    sidecar = Sidecar.open(folder)
    try:
        assert sidecar.checkpoint() == []
    finally:
        sidecar.close()
