"""`jackfield._gateway.cluster.fences`: under which number an event came is known after a crash too."""

import attrs
import pytest

from jackfield._gateway.cluster.fences import Fences
from jackfield.errors import JournalError

from .test_standby import event

OFFICE = event("a")


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
