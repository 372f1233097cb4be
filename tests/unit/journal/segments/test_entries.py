"""`jackfield._journal.segments.entries`: what is collected from events is what would be read from their lines."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from jackfield._journal.dedup import key_of
from jackfield._journal.segments import entries as entries_module
from jackfield._journal.segments.entries import Entries, pair_hash
from jackfield._journal.segments.keys import read_attributes
from jackfield._journal.segments.walk import Line
from jackfield.addresses import Address
from jackfield.events import Event, Parties
from jackfield.testing import strategies

AT = datetime(2026, 1, 1, tzinfo=UTC)


def finished(entries):
    for _ in entries.sort():
        pass
    return entries.sections(), entries.kinds, entries.oldest, entries.newest


def collected(groups):
    entries, place = Entries(), 0
    for group in groups:
        entries.add(place, (group, [key_of(event) for event in group]), [place + 5 for _ in group])
        place += len(group)
    return finished(entries)


def was_read(groups):
    entries, place = Entries(), 0
    for group in groups:
        for number, event in enumerate(group, place):
            line = Line(number + 1, place + 5, event.to_json())
            entries.add_line(number, line, read_attributes(line.body))
        place += len(group)
    return finished(entries)


@given(st.lists(st.lists(strategies.events(), min_size=1, max_size=4), min_size=1, max_size=4))
def test_an_index_made_from_memory_is_the_one_made_from_the_file(groups):
    assert collected(groups) == was_read(groups)


def test_what_the_line_has_in_place_of_half_a_surrogate_pair_is_what_is_searched_for():
    address = Address("v", "s", "i", "call", "7", "status")
    event = Event("1", "call.updated", address, AT, AT, "f", "a\ud83d", parties=Parties(caller="b\ude00"))
    sections, *_ = collected([[event]])
    assert collected([[event]]) == was_read([[event]])
    numbers = memoryview(sections[1]).cast("Q").tolist()
    assert sorted(number >> 32 for number in numbers) == sorted(
        [pair_hash("id", "1"), pair_hash("correlationid", "a\ufffd"), pair_hash("caller", "b\ufffd")]
    )


def numbered(number):
    return Event(f"{number:032x}", "call.ended", Address("v", "s", "i", "call", "7", "e"), AT, AT, "office")


def test_what_waits_to_be_hashed_is_bounded_though_nobody_makes_indexes(monkeypatch):
    monkeypatch.setattr(entries_module, "BACKLOG", 10)
    entries = Entries()
    for place in range(0, 100, 4):
        group = [numbered(place + n) for n in range(4)]
        entries.add(place, (group, [key_of(event) for event in group]), [1] * 4)
        assert len(entries._waiting) < 10
    list(entries.sort())
    assert bytes(entries.keys) == b"".join(key_of(numbered(number)) for number in range(100))
