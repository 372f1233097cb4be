"""`jackfield._journal.fences`: under which number an event came is known after a crash too."""

import attrs
import pytest

from jackfield._journal.copying import back_up
from jackfield._journal.fences import Fences
from jackfield._journal.store import SegmentStore
from jackfield.errors import JournalError
from jackfield.events import Event

OFFICE = Event.from_cloudevent(
    {
        "specversion": "1.0", "id": "a", "source": "/v/s/i", "type": "agent.ready", "subject": "agent/1",
        "recordedtime": "2026-01-01T12:00:00Z", "feed": "office", "event": "ready", "origin": "live", "inferred": False,
    }
)  # fmt: skip


def test_an_event_has_the_number_under_which_its_feed_was_held_when_it_came(tmp_path):
    fences = Fences.beside(str(tmp_path))
    assert fences.of(5, OFFICE) == fences.newest("office") == 0
    fences.begin("office", 10, 3, needed=0)
    fences.begin("office", 20, 7, needed=0)
    fences.save()
    again = Fences.beside(str(tmp_path))
    assert [again.of(position, OFFICE) for position in (9, 10, 19, 20, 99)] == [0, 3, 3, 7, 7]
    assert again.newest("office") == 7
    assert again.of(15, attrs.evolve(OFFICE, feed="other")) == 0


def test_what_every_member_accepts_has_no_number():
    fences = Fences()
    fences.begin("office", 1, 3, needed=0)
    assert fences.of(5, attrs.evolve(OFFICE, origin="webhook")) == 0
    assert fences.of(5, attrs.evolve(OFFICE, origin="backfill")) == 3


def test_numbers_of_positions_that_every_sink_has_passed_are_forgotten(tmp_path):
    fences = Fences.beside(str(tmp_path))
    for number in range(1, 100):
        fences.begin("office", 10 * number, number, needed=10 * number - 5)
    fences.save()
    assert len((tmp_path / "fences.json").read_bytes()) < 100
    assert [fences.of(position, OFFICE) for position in (985, 990)] == [98, 99]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "fences.json").write_text("{]")
    with pytest.raises(JournalError, match=r"fences\.json: cannot be read"):
        Fences.beside(str(tmp_path))


def test_a_journal_in_memory_leaves_nothing():
    Fences.beside("memory").save()


def test_a_backup_of_a_journal_knows_the_numbers_too(tmp_path):
    path = tmp_path / "journal"
    SegmentStore.open(path).close()
    back_up(path, tmp_path / "alone")
    assert not (tmp_path / "alone" / "fences.json").exists()
    fences = Fences.beside(str(path))
    fences.begin("office", 10, 3, needed=0)
    fences.save()
    back_up(path, tmp_path / "copy")
    assert Fences.beside(str(tmp_path / "copy")).of(15, OFFICE) == 3


def test_numbers_that_were_forgotten_or_won_while_a_backup_was_made_are_known_in_it(tmp_path):
    before, after = Fences.beside(str(tmp_path)), Fences()
    for number in (1, 2):
        before.begin("office", 10 * number, number, needed=0)
    for number in (2, 3):
        after.begin("office", 10 * number, number, needed=0)
    before.add(after)
    assert [before.of(position, OFFICE) for position in (10, 20, 30)] == [1, 2, 3]
