"""`jackfield._journal.store.segment_store`: events and cursors agree after every crash, and no number comes twice."""

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from jackfield._journal.copying import back_up
from jackfield._journal.dedup import key_of
from jackfield._journal.downtime import AccountRow
from jackfield._journal.store import SegmentStore, segment_store
from jackfield._journal.store.backup import COPY_AHEAD
from jackfield._journal.store.records import Durable, Notes, Token
from jackfield.addresses import Address
from jackfield.errors import JournalError
from jackfield.events import Event

AT = datetime(2026, 1, 1, tzinfo=UTC)


def stored(number):
    address = Address("v", "s", "i", "call", "7", "status")
    at = AT + timedelta(seconds=number)
    event = Event(
        id=str(number), kind="call.updated", address=address, time=at, received=at, feed=f"f{number % 2}", data=number
    )
    return event, event.to_json(), int(at.timestamp() * 1_000_000)


def append(store, *numbers):
    _, lines, received = zip(*map(stored, numbers), strict=True)
    store.append(lines, received, 0)


def ids(store):
    return [int(Event.from_cloudevent(line.body).id) for page in store.scan(0, 2**62, print) for line in page]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def store(path):
    store = SegmentStore.open(path)
    append(store, *range(1, 6))
    yield store
    store.close()


def killed(store, tmp_path):
    """The folder as a kill leaves it."""
    copy = tmp_path / "copy"
    shutil.copytree(store.path, copy)
    return copy


def test_events_cursors_and_keys_are_there_after_a_kill(store, tmp_path):
    store.save(Notes({"crm": 3}, tokens={"f1": Token("t", 4)}))
    append(store, 6)
    with closing(SegmentStore.open(killed(store, tmp_path))) as again:
        assert (again.first, again.next, ids(again)) == (1, 7, [1, 2, 3, 4, 5, 6])
        assert again.saved().cursors == {"crm": 3}
        assert again.saved().tokens == {"f1": Token("t", 4)}
        assert again.newest_keys(2) == [key_of(stored(number)[0]) for number in (5, 6)]
        assert again.findings == []


def test_a_feed_that_was_killed_before_its_first_note_was_heard_when_its_last_event_came(store, tmp_path):
    noted = AccountRow(1, 2, 3, None, 4)
    store.save(Notes(accounts={"f1": noted}))
    append(store, 6, 7)
    with closing(SegmentStore.open(killed(store, tmp_path))) as again:
        assert again.saved().accounts == {"f0": AccountRow(stored(6)[2], None, None, None, 0), "f1": noted}


def test_after_a_power_failure_that_took_events_no_number_is_given_again(store, tmp_path, monkeypatch):
    late = stored(9)[2]
    accounts = {"f0": AccountRow(late, None, late, None, 4), "f1": AccountRow(late, late + 1, None, None, 6)}
    store.save(Notes({"crm": 6, "mail": 2}, tokens={"f0": Token("old", 3), "f1": Token("new", 6)}, accounts=accounts))
    copy = killed(store, tmp_path)
    (segment,) = copy.glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().partition(b'{"group":')[0])
    monkeypatch.setattr(segment_store, "boot_id", lambda: "another boot")
    with closing(SegmentStore.open(copy)) as again:
        assert again.next > 100_000
        assert ids(again) == []
        assert any("the machine stopped while a gateway ran" in each for each in again.findings)
        assert set(again.saved().tokens) == set()
        assert again.saved().accounts == accounts  # nothing is left by which they could be set back
        append(again, 9)
        assert again.saved().cursors["crm"] == again.next - 1
    with closing(SegmentStore.open(copy)) as again:
        assert ids(again) == [9]
        assert again.findings == []


def test_positions_that_a_power_failure_left_out_are_never_missing_and_never_lost(store, tmp_path, monkeypatch):
    store.save(Notes({"crm": 2}))
    for boot in ("second", "third"):
        copy = tmp_path / boot
        shutil.copytree(store.path, copy)
        monkeypatch.setattr(segment_store, "boot_id", lambda boot=boot: boot)
        store.close()
        store = SegmentStore.open(copy, segment_bytes=1)
        assert len(store.findings) == 1 and "events behind 5 may be lost" in store.findings[0]
        assert store.next > 100_000
        assert store.count(1, store.next) == 5
        found = store.read(6, 10)
        assert (found.lines, found.lost, found.problem) == ([], 0, "")
    append(store, 6)
    append(store, 7)
    store.delete_before(store.next - 1)
    store.close()
    with closing(SegmentStore.open(copy)) as again:
        assert (again.findings, ids(again)) == ([], [7])
        assert (again.count(2, again.first), again.read(2, 10).deleted) == (5, 5)
        assert [*again.check()] == []


def test_what_a_power_failure_took_for_certain_is_reported_with_its_numbers(store, tmp_path, monkeypatch):
    append(store, 6)
    copy = killed(store, tmp_path)
    (segment,) = copy.glob("*.jsonl")
    segment.write_bytes(segment.read_bytes()[:-40])
    monkeypatch.setattr(segment_store, "boot_id", lambda: "another boot")
    with closing(SegmentStore.open(copy)) as again:
        assert any("events 6 to 6 were not on the disk" in each for each in again.findings)
        assert ids(again) == [1, 2, 3, 4, 5]


def test_the_keys_of_deleted_events_are_known_after_a_restart_as_long_as_the_window_says(path):
    with closing(SegmentStore.open(path, segment_bytes=1, keep_keys=5)) as store:
        for number in range(1, 11):
            append(store, number)
        store.delete_before(10)
    with closing(SegmentStore.open(path, segment_bytes=1, keep_keys=5)) as again:
        assert again.newest_keys(5) == [key_of(stored(number)[0]) for number in range(6, 11)]
        append(again, 11)
        again.delete_before(11)
        assert len([*path.glob("*.keys")]) == 5
    file = max(path.glob("*.keys"))
    file.write_bytes(file.read_bytes()[:-1])
    with closing(SegmentStore.open(path, keep_keys=5)) as again:
        assert again.newest_keys(5) == [key_of(stored(number)[0]) for number in (6, 7, 8, 9, 11)]
        problem = "is not what was written; copies of events that it names may be taken once more"
        assert again.findings == [f"{file.name}: {problem}"]


def test_after_a_power_failure_an_account_that_stands_behind_lost_events_ends_at_the_last_one_that_is_left(
    store, tmp_path, monkeypatch
):
    late, last = stored(9)[2], stored(5)[2]
    store.save(
        Notes(accounts={"f0": AccountRow(late, None, late, None, 6), "f1": AccountRow(late, late, None, None, 8)})
    )
    append(store, 6)
    copy = killed(store, tmp_path)
    (segment,) = copy.glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    cut = max(number for number, line in enumerate(lines) if line.startswith(b'{"group":'))
    segment.write_bytes(b"".join(lines[:cut]))
    monkeypatch.setattr(segment_store, "boot_id", lambda: "another boot")
    with closing(SegmentStore.open(copy)) as again:
        assert ids(again) == [1, 2, 3, 4, 5]
        assert again.saved().accounts == {
            "f0": AccountRow(late, None, late, None, 6),
            "f1": AccountRow(last, last, None, None, 8),
        }


def test_an_orderly_stop_before_a_power_failure_costs_no_numbers(store, monkeypatch):
    store.close()
    monkeypatch.setattr(segment_store, "boot_id", lambda: "another boot")
    with closing(SegmentStore.open(store.path)) as again:
        assert (again.next, again.findings) == (6, [])


def test_a_folder_with_other_things_does_not_become_a_journal(path):
    path.mkdir()
    (path / "letters.txt").write_text("precious")
    with pytest.raises(JournalError, match="is a folder that holds other things than a journal"):
        SegmentStore.open(path)
    assert [each.name for each in path.iterdir()] == ["letters.txt"]


def test_events_without_their_cursors_are_refused_and_can_be_read(store):
    store.close()
    (store.path / "state.db").unlink()
    with pytest.raises(JournalError, match=r"state\.db is missing"):
        SegmentStore.open(store.path)
    with closing(SegmentStore.open(store.path, readonly=True)) as reader:
        assert ids(reader) == [1, 2, 3, 4, 5]
        assert reader.cursors() == {}


def test_another_writer_is_refused_whatever_name_it_uses(store, tmp_path):
    (tmp_path / "link").symlink_to(store.path)
    for path in (store.path, tmp_path / "link"):
        with pytest.raises(JournalError, match="another gateway writes to this journal"):
            SegmentStore.open(path)


def test_cursors_whose_file_was_replaced_are_not_saved_into_nowhere(store):
    shutil.copy(store.path / "state.db", store.path / "other")
    (store.path / "other").rename(store.path / "state.db")
    with pytest.raises(JournalError, match="was replaced by another file"):
        store.save(Notes({"crm": 2}))


def test_a_check_names_what_is_not_what_was_written(store):
    assert list(store.check()) == []
    (segment,) = store.path.glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b'"id":"3"', b'"id":"8"'))
    (problem,) = store.check()
    assert "event 3 is not what was written" in problem


def test_a_backup_that_is_put_back_gives_no_position_that_the_lost_journal_may_have_given(store, tmp_path, monkeypatch):
    store.save(Notes({"crm": 3, "mail": 6}, tokens={"f1": Token("t", 6)}, durable={"desk": Durable(6, "**")}))
    back_up(store.path, tmp_path / "monday")
    with closing(SegmentStore.open(tmp_path / "monday", readonly=True)) as copy:
        assert (copy.next, copy.findings) == (6, [])
    append(store, *range(6, 99))
    for boot in (segment_store.boot_id(), "another boot"):
        monkeypatch.setattr(segment_store, "boot_id", lambda boot=boot: boot)
        shutil.copytree(tmp_path / "monday", tmp_path / boot)
        with closing(SegmentStore.open(tmp_path / boot)) as again:
            assert again.findings == []
            assert again.next >= COPY_AHEAD > 100 * segment_store.RESERVE
            assert again.saved().tokens == {"f1": Token("t", 6)}
            assert again.saved().cursors == {"crm": 3, "mail": again.next}
            assert again.saved().durable == {"desk": Durable(again.next, "**")}
            append(again, 99)
            assert again.count(1, again.next) == 6
            found = again.read(4, 10)
            assert ([Event.from_cloudevent(each.body).id for each in found.lines], found.lost) == (["4", "5"], 0)
            assert [Event.from_cloudevent(each.body).id for each in again.read(found.next, 10).lines] == ["99"]
            upcoming = again.next
        with closing(SegmentStore.open(tmp_path / boot)) as again:
            assert (again.next, ids(again)) == (upcoming, [1, 2, 3, 4, 5, 99])


def test_a_backup_of_a_journal_whose_machine_lost_power_still_says_that_events_may_be_lost(
    store, tmp_path, monkeypatch
):
    store.save(Notes({"crm": 3}))
    copy = killed(store, tmp_path)
    monkeypatch.setattr(segment_store, "boot_id", lambda: "another boot")
    monkeypatch.setattr("jackfield._journal.store.backup.boot_id", lambda: "another boot")
    back_up(copy, tmp_path / "monday")
    with closing(SegmentStore.open(tmp_path / "monday")) as again:
        assert again.next >= COPY_AHEAD
        assert any("the machine stopped while a gateway ran" in each for each in again.findings)


def test_reading_never_stops_among_positions_that_were_skipped(store):
    store.skip_to(1000)
    append(store, 6)
    assert {store.read(start, 7).next for start in range(1, 1001)} & set(range(7, 1000)) == set()
    assert store.read(1, 5).next == 6
