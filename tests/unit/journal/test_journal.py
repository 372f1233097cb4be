"""`jackfield._journal`: order, cursors, copies, a disk that refuses, and an exact account of whatever is lost."""

import os
import random
import shutil
import stat
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from math import inf

import attrs
import pytest
import trio

from jackfield._feed.stream_events import stream_event
from jackfield._journal import Journal
from jackfield._journal.dedup import SeenIds, key_of
from jackfield._journal.log import COPIES, SLACK, Bounds
from jackfield._journal.receipts import Tokens
from jackfield._journal.retention import Limits
from jackfield._journal.store import MemoryStore, SegmentStore
from jackfield._journal.store.records import Loss, Notes
from jackfield.addresses import Address, Source
from jackfield.errors import JournalError
from jackfield.events import Event, Parties
from jackfield.reports import EventsDropped, JournalCorrupted, JournalRecovered, JournalRescued, JournalWriteFailed

AT = datetime(2026, 1, 1, tzinfo=UTC)
VENDOR = Address("v", "s", "i", "call", "7", "status")


def make(number, received=None, **changes):
    given = {"id": str(number), "address": VENDOR, "data": {"n": number}, "received": received or datetime.now(UTC)}
    return Event(kind="call.connected", time=AT, feed="f", **(given | changes))


def events(*numbers):
    return [make(number) for number in numbers]


def fact(word="connected"):
    return stream_event(Source("v", "s", "i"), "f", word, AT)


def ids(found):
    """The ids of events, with or without their numbers."""
    return [int((each[1] if isinstance(each, tuple) else each).id) for each in found]


class Disk(SegmentStore):
    """A store on a disk that can be full, and whose old files can be stuck."""

    full = stuck = False

    def append(self, *group):
        self.refuse()
        super().append(*group)

    def save(self, notes, **options):
        self.refuse()
        super().save(notes, **options)

    def delete_before(self, position):
        if self.stuck:
            raise JournalError("not now")
        super().delete_before(position)

    def refuse(self):
        if self.full:
            raise JournalError(f"{self.path}: cannot be written: No space left on device")


@attrs.define(eq=False)
class Bench:
    """A journal in a folder, with what it has reported."""

    path: object
    reports: list = attrs.field(factory=list)
    store: Disk = None
    clock: object = time.time
    memory: int = 256_000_000

    def journal(self, capacity=100, **limits):
        limits = Limits(**({"every": 0.01} | limits))
        return Journal(
            Bounds(capacity, self.memory), self.store, self.reports.append, limits, random.Random(1), self.clock
        )

    @asynccontextmanager
    async def running(self, capacity=100, *, finish=True, segment_bytes=64_000_000, **limits):
        """A journal that runs; finished, or at the end cut off as by a crash."""
        self.store = Disk.open(self.path, segment_bytes=segment_bytes, keep_keys=100)
        try:
            async with trio.open_nursery() as nursery:
                journal = self.journal(capacity, **limits)
                nursery.start_soon(journal.run)
                with trio.fail_after(20):
                    yield journal
                    if finish:
                        journal.finish()
                    else:
                        nursery.cancel_scope.cancel()
        finally:
            self.store.close()

    def of(self, kind):
        return [report for report in self.reports if isinstance(report, kind)]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "journal")


def damage(folder, *texts):
    """Change a byte of each of these texts in the segments."""
    for path in folder.glob("*.jsonl"):
        content = path.read_bytes()
        for text in texts:
            content = content.replace(text, b"[" + text[1:])
        path.write_bytes(content)


def age(folder, seconds):
    """Let the segments be that old."""
    for path in folder.glob("*.jsonl"):
        os.utime(path, (time.time() - seconds,) * 2)


async def until(condition):
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110  # a test looks from outside
            await trio.sleep(0.005)


def in_memory(capacity=100, reports=None, **limits):
    report = (reports if reports is not None else []).append
    return Journal(Bounds(capacity), MemoryStore(capacity, report), report, Limits(every=inf, **limits))


# In memory


async def test_each_cursor_reads_everything_in_order_from_where_it_began():
    journal = in_memory()
    journal.admit(events(0))
    first = journal.cursor("a")
    journal.admit(events(1, 2))
    second = journal.cursor("b")
    journal.admit(events(3))
    found, lost = await first.read(10)
    assert (ids(found), lost) == ([1, 2, 3], 0)
    assert [seq for seq, _ in found] == [2, 3, 4]
    assert ids((await second.read(10))[0]) == [3]


async def test_a_cursor_reads_on_before_it_commits():
    journal = in_memory()
    cursor = journal.cursor("a")
    journal.admit(events(1, 2, 3, 4, 5))
    first, _ = await cursor.read(2)
    second, _ = await cursor.read(2)
    assert (ids(first), ids(second), cursor.lag) == ([1, 2], [3, 4], 5)
    cursor.commit(second[0][0])
    assert cursor.lag == 3
    assert ids((await cursor.read(9))[0]) == [5]
    cursor.commit(first[0][0])  # which is behind
    assert cursor.lag == 3


async def test_a_cursor_that_lags_behind_is_reported_how_much_it_has_lost():
    journal = in_memory(3)
    cursor = journal.cursor("a")
    journal.admit(events(1, 2))
    assert ids((await cursor.read(1))[0]) == [1]
    journal.admit(events(3, 4, 5, 6))
    found, lost = await cursor.read(10)
    assert (ids(found), lost) == ([4, 5, 6], 2)


async def test_reading_waits_for_news(autojump_clock):
    journal = in_memory()
    cursor = journal.cursor("a")

    async def later():
        await trio.sleep(5)
        journal.admit(events(1))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        assert ids((await cursor.read(10))[0]) == [1]
    assert trio.current_time() == pytest.approx(5)


async def test_a_closed_journal_is_read_to_its_end_and_then_says_so():
    journal = in_memory()
    cursor = journal.cursor("a")
    journal.admit(events(1))
    journal.close()
    assert ids((await cursor.read(10))[0]) == [1]
    assert await cursor.read(10) == ([], 0)


async def test_closing_wakes_who_waits_and_finishing_ends_the_run(autojump_clock):
    journal = in_memory()
    cursor = journal.cursor("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        nursery.start_soon(cursor.read, 10)
        await trio.sleep(1)
        journal.finish()


async def test_what_is_left_can_be_seen_without_reading_it():
    journal = in_memory(3)
    cursor = journal.cursor("a")
    journal.admit(events(1, 2, 3, 4, 5))
    assert ids(cursor.rest()[0]) == [3, 4, 5]
    await cursor.read(2)
    assert ids(cursor.rest()[0]) == [5]
    assert not cursor.durable


def test_memory_holds_no_event_that_every_sink_is_done_with():
    journal = in_memory()
    journal.admit(events(0, 1))
    assert journal.snapshot().kept == 0
    slow, fast = journal.cursor("slow"), journal.cursor("fast")
    journal.admit(events(2, 3, 4))
    fast.commit(6)
    slow.commit(5)
    journal.admit(events(5))
    assert ids(slow.rest()[0]) == [4, 5]
    assert journal.snapshot().kept == 2


async def test_dead_letters_in_memory_are_bounded_and_counted():
    reports = []
    journal = in_memory(2, reports)
    cursor = journal.cursor("crm")
    sad = events(1, 2, 3, 4, 5)
    for event in sad:
        cursor.dead_letter(int(event.id), event, "no", 1)
    assert [(row.sink, row.position, row.event) for row in journal._store.dead] == [
        ("crm", 4, sad[3]),
        ("crm", 5, sad[4]),
    ]
    assert journal.snapshot().dead_lettered == {"crm": 5}
    assert [(report.where, report.total) for report in reports] == [
        ("dead letters of sink crm", 1),
        ("dead letters of sink crm", 2),
    ]


# Copies


def test_a_copy_is_left_out_and_counted():
    journal = in_memory()
    assert ids(journal.admit(events(1, 2, 1))) == [1, 2]
    assert journal.admit(events(2)) == []
    assert journal.snapshot().duplicates == 2


def test_the_same_id_from_another_source_is_no_copy():
    sources = [Address("v", "s", other, "call", "7", "status") for other in ("i", "j")]
    journal = in_memory()
    assert len(journal.admit([make(1, address=each) for each in sources])) == 2
    longer = Address("v", "s", "i1", "call", "7", "status")
    assert key_of(make(12)) != key_of(make(2, address=longer))


def test_the_facts_about_a_stream_are_never_copies():
    assert len(in_memory().admit([fact(), fact(), fact("disconnected")])) == 3


def test_an_id_is_forgotten_when_enough_newer_ones_have_come():
    journal = in_memory(ids=3)
    journal.admit(events(1, 2, 3))
    assert journal.admit(events(1)) == []
    journal.admit(events(4))
    assert ids(journal.admit(events(1))) == [1]


def test_an_id_that_waits_to_be_committed_is_not_forgotten():
    window = SeenIds(2)
    for number in range(1, 6):
        window.add(b"%d" % number)
    window.forget(5)
    assert len(window) == 5
    window.forget(3)
    assert [b"%d" % number in window.known for number in range(1, 6)] == [False, False, True, True, True]
    window.forget(0)
    assert len(window) == 2


# With a file


async def test_everything_is_there_after_a_restart_and_each_sink_goes_on_where_it_stood(bench):
    async with bench.running() as journal:
        crm, archive = journal.cursor("crm"), journal.cursor("archive")
        assert await journal.publish(events(*range(10))) == 10
        found, _ = await crm.read(4)
        assert ids(found) == [0, 1, 2, 3]
        crm.commit(found[-1][0] + 1)
    async with bench.running() as journal:
        crm, archive, new = journal.cursor("crm"), journal.cursor("archive"), journal.cursor("new")
        await journal.publish(events(10))
        assert ids((await crm.read(100))[0]) == [4, 5, 6, 7, 8, 9]
        assert ids((await crm.read(100))[0]) == [10]
        assert ids((await archive.read(3))[0]) == [0, 1, 2]
        assert ids((await new.read(100))[0]) == [10]
    assert bench.reports == []


WRONG = {
    "received": None,
    "id": 7,
    "kind": None,
    "address": None,
    "correlation": 7,
    "parties": Parties(caller=5),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("others", [(), (1, 2)])
async def test_an_event_that_is_not_what_it_should_be_costs_itself_only(bench, name, others):
    odd = make(9)
    object.__setattr__(odd, name, WRONG[name])
    async with bench.running() as journal:
        cursor = journal.cursor("s")
        with pytest.raises(JournalError, match=f"1 of {1 + len(others)} events were not taken: .*{name}"):
            await journal.publish([*events(*others), odd])
        assert await journal.publish(events(3)) == 1
        assert ids((await cursor.read(10))[0]) == [*others, 3]
        await trio.sleep(0.05)  # it is indexed
    (report,) = bench.of(EventsDropped)
    assert report.count == 1
    assert name in report.reason


async def test_what_comes_out_of_the_file_is_what_went_in(bench):
    async with bench.running() as journal:
        journal.cursor("crm")
        sent = [make(1, data=None, data_json=b'{"amount":1.10}', correlation="c"), make(2, native_type="x.y")]
        await journal.publish(sent)
    async with bench.running() as journal:
        found, _ = await journal.cursor("crm").read(10)
        assert [event.to_json() for _, event in found] == [event.to_json() for event in sent]


async def test_a_cursor_that_is_behind_memory_reads_everything_from_the_file(bench):
    async with bench.running(capacity=10) as journal:
        cursor = journal.cursor("crm")
        for n in range(0, 100, 10):
            await journal.publish(events(*range(n, n + 10)))
        found = []
        while len(found) < 100:
            more, lost = await cursor.read(7)
            assert lost == 0
            found += more
        assert ids(found) == list(range(100))


async def test_large_events_have_no_more_memory_than_allowed_and_are_read_from_the_file(bench):
    bench.memory = 1_000_000
    async with bench.running(capacity=1000) as journal:
        cursor = journal.cursor("crm")
        for n in range(100):
            await journal.publish([make(n, data={"n": n, "text": "x" * 50_000})])
        kept = journal.log._newest
        assert 0 < sum(len(event.to_json()) for event in kept) * COPIES <= 1_000_000 * SLACK
        found = []
        while len(found) < 100:
            more, lost = await cursor.read(7)
            assert lost == 0
            found += more
        assert ids(found) == list(range(100))


async def test_of_large_events_no_more_wait_for_the_file_than_memory_allows_and_the_loss_is_counted(bench):
    bench.memory = 1_000_000
    async with bench.running(capacity=1000) as journal:
        taken = journal.admit([make(n, data="x" * 50_000) for n in range(20)])
        assert len(taken) == 5  # of which the last went beyond
        assert journal.snapshot().dropped == 15


async def test_an_event_can_be_read_only_when_it_is_committed(bench):
    async with bench.running() as journal:
        cursor = journal.cursor("crm")
        assert len(journal.admit(events(1))) == 1
        assert (cursor.lag, journal.snapshot().waiting) == (0, 1)
        assert ids((await cursor.read(9))[0]) == [1]
        assert (cursor.lag, journal.snapshot().waiting) == (1, 0)
        assert bench.store.next == 2


async def test_a_copy_of_what_was_committed_before_a_restart_is_known(bench):
    async with bench.running() as journal:
        await journal.publish([*events(1, 2), fact()])
    async with bench.running() as journal:
        assert ids(journal.admit([*events(1, 2, 3)])) == [3]
        assert await journal.publish(events(1)) == 0
        assert len(journal.admit([fact()])) == 1


async def test_a_copy_of_what_is_not_committed_yet_waits_for_that_commit(bench):
    async with bench.running() as journal:
        assert len(journal.admit(events(1))) == 1
        assert await journal.publish(events(1)) == 0
        assert bench.store.next == 2


async def test_progress_is_saved_within_a_moment_without_an_event_to_take_it_along(bench):
    async with bench.running() as journal:
        cursor = journal.cursor("crm")
        await journal.publish(events(1, 2, 3))
        cursor.commit(3)
        began = time.monotonic()
        await until(lambda: bench.store.cursors() == {"crm": 3})
        assert time.monotonic() - began < 2


async def test_a_dead_letter_and_the_progress_over_it_are_saved_together(bench):
    bench.clock = lambda: 1_700_000_000.5
    async with bench.running() as journal:
        cursor = journal.cursor("crm")
        await journal.publish(events(1, 2))
        ((seq, event),), _ = await cursor.read(1)
        cursor.dead_letter(seq, event, "they said no", 3)
        cursor.commit(seq + 1)
        await until(lambda: bench.store.cursors().get("crm") == seq + 1)
        (letter,) = bench.store.dead()
        assert (letter.sink, letter.position, letter.reason, letter.attempts) == ("crm", seq, "they said no", 3)
        assert letter.body == event.to_json()
        assert letter.at == 1_700_000_000_500_000  # the wall clock's moment
        assert journal.snapshot().dead_lettered == {"crm": 1}


async def test_a_closed_journal_takes_nothing_and_says_so(bench):
    async with bench.running() as journal:
        cursor = journal.cursor("crm")
        journal.admit(events(1))
        journal.close()
        assert journal.admit(events(2)) == []
        with pytest.raises(JournalError, match="1 of 1 events were not taken"):
            await journal.publish(events(3))
        assert ids((await cursor.read(9))[0]) == [1]
        assert await cursor.read(9) == ([], 0)
    assert bench.reports == [EventsDropped("journal", 1, "the journal is closed", 1)]  # who publishes knows


async def test_what_is_gone_from_the_file_and_still_in_memory_is_not_lost(bench):
    async with bench.running(capacity=3, every=60, segment_bytes=1) as journal:
        cursor = journal.cursor("crm")
        for number in range(1, 11):
            await journal.publish([make(number)])
        bench.store.delete_before(bench.store.cut(keep_after=0, keep_bytes=0, floor=1))
        assert bench.store.first == 10
        found, lost = await cursor.read(10)
        assert (ids(found), lost) == ([8, 9, 10], 7)


async def test_a_copy_of_an_event_that_retention_has_deleted_is_known_after_a_restart(bench):
    async with bench.running(every=60, segment_bytes=1) as journal:
        for number in range(1, 5):
            await journal.publish(events(number))
        bench.store.delete_before(4)
    async with bench.running() as journal:
        assert ids(journal.admit(events(1, 4, 5))) == [5]


async def test_what_memory_held_of_deleted_events_is_lost_and_counted_when_the_journal_stops(bench):
    dropped = []
    async with bench.running(every=60, segment_bytes=1) as journal:
        cursor = journal.cursor("crm")
        cursor.attach(lambda count, reason: dropped.append(count), lambda: True)
        for number in range(1, 7):
            await journal.publish(events(number))
        await journal._retention.trim_to(0, 0)
        assert (dropped, cursor.lag) == ([], 6)  # memory has them still
    assert dropped == [5]
    assert bench.store.trimmed == 6
    async with bench.running() as journal:
        assert journal.cursor("crm").lag == 1
        assert journal._pending.losses == {"crm": Loss(down=5)}


async def test_events_in_flight_that_were_deleted_are_counted_once_even_by_the_start_after_a_kill(bench, tmp_path):
    async with bench.running(capacity=1, every=60, segment_bytes=1) as journal:
        cursor = journal.cursor("crm")
        for number in range(1, 7):
            await journal.publish(events(number))
        assert len((await cursor.read(2))[0]) == 2
        await journal._retention.trim_to(0, 0)  # 1 and 2 are being delivered, 3 to 5 were not read
        assert bench.store.sidecar.notes().losses == {"crm": Loss(slow=3, ahead=3)}
        shutil.copytree(bench.path, tmp_path / "killed")
        cursor.commit(6)
        assert journal._pending.losses == {"crm": Loss(slow=3)}
    bench.path = tmp_path / "killed"
    async with bench.running() as journal:
        cursor = journal.cursor("crm")
        assert journal._pending.losses == {"crm": Loss(down=2, slow=3)}
        assert cursor.lag == 1


async def test_an_old_event_that_a_sink_is_done_with_stays_until_the_file_knows_that(bench):
    """Else a crash loses it with its dead letter, which is not saved either."""
    async with bench.running(seconds=0.0) as journal:
        cursor = journal.cursor("crm")
        await journal.publish([make(number, received=AT) for number in range(5)])
        await until(bench.store.cursors)
        for seq, event in (await cursor.read(5))[0]:
            cursor.dead_letter(seq, event, "no", 1)
            cursor.commit(seq + 1)
        saved = 0
        while saved < 6:
            first, saved = bench.store.first, bench.store.cursors()["crm"]
            assert first <= saved
            await trio.sleep(0.005)


async def test_an_event_that_is_no_json_is_refused_alone_counted_and_told(bench):
    async with bench.running() as journal:
        with pytest.raises(JournalError, match="1 of 3 events were not taken"):
            await journal.publish([make(1), make(2, data=object()), make(3)])
        await journal.publish(events(1, 3))
        assert journal.snapshot().taken == 2
    (report,) = bench.reports
    assert (report.where, report.total) == ("journal", 1)
    assert "event '2' of feed f is not valid JSON: TypeError" in report.reason


async def test_a_full_disk_is_reported_loses_nothing_and_is_over_when_there_is_room(bench):
    async with bench.running(capacity=5000) as journal:
        cursor = journal.cursor("crm")
        await journal.publish(events(0))
        await until(bench.store.cursors)
        bench.store.full = True
        assert len(journal.admit(events(*range(1, 3000)))) == 2999
        await until(lambda: len(bench.of(JournalWriteFailed)) > 1)
        journal.admit(events(3000))
        assert bench.store.next == 2
        bench.store.full = False
        found = []
        while len(found) < 3001:
            found += (await cursor.read(1000))[0]
        assert ids(found) == list(range(3001))
    stalled, resumed = max(bench.of(JournalWriteFailed), key=lambda each: each.waiting), bench.of(JournalRecovered)
    assert "No space left on device" in str(stalled) and stalled.waiting == 2999
    assert 1 <= len(resumed) <= 2  # the events, and how far sinks have come
    assert bench.of(EventsDropped) == []


async def test_what_finds_no_room_behind_a_full_disk_is_dropped_the_newest_counted_and_told(bench):
    async with bench.running(capacity=4) as journal:
        cursor = journal.cursor("crm")
        await journal.publish(events(0))
        bench.store.full = True
        big = [make(n, data={"text": "x" * 20_000}) for n in range(1, 13)]
        assert ids(journal.admit(big)) == [1, 2, 3, 4]
        told = len(bench.of(EventsDropped))
        with pytest.raises(JournalError, match=r"1 of 1 events were not taken: .*; try again later"):
            await journal.publish(events(99))
        assert journal.snapshot().dropped == 8  # whoever publishes is told, and may publish again
        assert len(bench.of(EventsDropped)) == told
        bench.store.full = False
        await until(lambda: journal.snapshot().waiting == 0)
        assert await journal.publish([big[8]]) == 1  # a vendor that sends it again is heard
        found = (await cursor.read(99))[0] + (await cursor.read(99))[0]  # from the file, and from memory
        assert ids(found) == [0, 1, 2, 3, 4, 9]
    assert [report.total for report in bench.of(EventsDropped)] == [1, 2, 4, 8]
    assert "4 events wait for the journal's file" in bench.of(EventsDropped)[0].reason


async def test_who_waits_for_a_commit_that_never_comes_is_reported_and_the_loss_is_counted(bench):
    failed = []
    bench.store = Disk.open(bench.path)
    journal = bench.journal()
    cursor = journal.cursor("crm")

    async def publish():
        with pytest.raises(JournalError, match="ended before the events were committed") as caught:
            await journal.publish([make(1, data="x" * 50_000)])
        failed.append(caught)

    bench.store.full = True
    async with trio.open_nursery() as waiting:
        waiting.start_soon(publish)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.run)
            await until(lambda: bench.of(JournalWriteFailed))
            nursery.cancel_scope.cancel()
        assert await cursor.read(1) == ([], 0)
    assert failed
    assert bench.of(EventsDropped) == [
        EventsDropped("journal", 1, "the journal ended before they could be committed", 1)
    ]
    bench.store.close()


async def test_dead_letters_that_cannot_be_saved_hold_their_sink_up_and_not_memory(bench):
    async with bench.running(capacity=3) as journal:
        cursor = journal.cursor("crm")
        for n in range(5):
            await journal.publish(events(n))
        await until(bench.store.cursors)
        bench.store.full = True
        for _ in range(3):
            ((seq, _),), _ = await cursor.read(1)
            cursor.dead_letter(seq, make(seq, data="x" * 50_000), "no", 1)
        with trio.move_on_after(0.1) as scope:
            await cursor.read(1)
        assert scope.cancelled_caught
        bench.store.full = False
        assert ids((await cursor.read(1))[0]) == [3]
        assert bench.store.dead_count() == {"crm": 3}


async def test_busy_feeds_do_not_bring_the_commits_to_a_standstill(bench):
    """The trio thread never rests, and Python gives a thread that calls a database little of its time."""
    offered = [events(*range(n, n + 100)) for n in range(0, 40_000, 100)]
    async with bench.running(capacity=1000) as journal:
        for batch in offered:
            journal.admit(batch)
            await trio.lowlevel.checkpoint()
        assert journal.snapshot().dropped < 20_000


async def test_a_damaged_event_is_lost_alone_counted_and_told(bench):
    async with bench.running() as journal:
        journal.cursor("crm")
        await journal.publish(events(*range(1, 21)))
    damage(bench.path, b'{"n":3}', b'{"n":20}')
    async with bench.running() as journal:
        cursor = journal.cursor("crm")
        found, lost = await cursor.read(10)
        assert (ids(found), lost) == ([1, 2, 4, 5, 6, 7, 8, 9, 10], 1)
        cursor.commit(11)
        assert ids((await cursor.read(9))[0]) == list(range(11, 20))
        cursor.commit(20)
        journal.close()
        assert await cursor.read(9) == ([], 1)
        assert cursor.lag == 0  # what is lost needs nobody to commit it
        assert journal.snapshot().damaged == 2
    reports = bench.of(JournalCorrupted)
    assert [report.total for report in reports] == [0, 1, 2]  # the first at the start
    assert all("are not what was written" in report.problem for report in reports)


async def test_what_is_older_than_its_time_goes_when_every_sink_has_passed_it(bench):
    async with bench.running(capacity=5, segment_bytes=1) as journal:
        crm, archive = journal.cursor("crm"), journal.cursor("archive")
        for n in range(0, 20, 5):
            await journal.publish(events(*range(n, n + 5)))
        age(bench.path, 8 * 86_400)
        for n in range(20, 30, 5):
            await journal.publish(events(*range(n, n + 5)))
        crm.commit(31)
        archive.commit(11)
        await until(lambda: bench.store.first == 11)
        archive.commit(25)
        await until(lambda: bench.store.first == 21)
        assert journal.snapshot().kept == 10
        assert journal.snapshot().unread == 0
    assert bench.reports == []


async def test_no_age_at_all_and_age_without_end_can_be_asked_for(bench):
    async with bench.running(seconds=float("inf"), segment_bytes=1) as journal:
        await journal.publish(events(1))
        await journal.publish(events(2))
        await trio.sleep(0.05)
        assert bench.store.first == 1
    async with bench.running(seconds=0.0, segment_bytes=1) as journal:
        await until(lambda: bench.store.first >= 2)


async def test_what_goes_for_its_size_before_a_sink_has_read_it_is_counted_by_both_and_told(bench):
    async with bench.running(capacity=10, bytes=1_000_000, segment_bytes=100_000) as journal:
        cursor = journal.cursor("crm")
        for n in range(0, 3000, 10):
            await journal.publish([make(i, data="x" * 1000) for i in range(n, n + 10)])
        await until(lambda: bench.store.size <= 1_000_000)
        await trio.sleep(0.05)
        found, lost = await cursor.read(10)
        assert lost == journal.snapshot().unread == bench.store.first - 1 > 1000
        assert ids(found)[0] == lost
    report = bench.of(EventsDropped)[0]
    assert report.where == "journal" and "retain_bytes" in report.reason


async def test_dead_letters_beyond_their_limit_are_reported(bench):
    async with bench.running(dead_bytes=5000) as journal:
        cursor = journal.cursor("crm")
        for n in range(1, 6):
            cursor.dead_letter(n, make(n, data="x" * 1500), "no", 1)
        await until(lambda: bench.store.dead_count() == {"crm": 2})
    report = bench.of(EventsDropped)[-1]
    assert report.where == "dead letters of sink crm" and "retain_dead_bytes = 5000" in report.reason


async def test_closed_segments_get_an_index_while_the_journal_runs_and_lose_it_with_their_events(bench):
    def names(suffix):
        return sorted(path.stem for path in bench.path.glob(f"*{suffix}"))

    async with bench.running(segment_bytes=1) as journal:
        for n in range(1, 5):
            await journal.publish(events(n))
        await until(lambda: len(names(".index")) == 3)
        assert names(".index") == names(".jsonl")[:-1]
    async with bench.running(segment_bytes=1, seconds=0.0) as journal:
        await until(lambda: bench.store.first == 5)
        await until(lambda: names(".index") == [])


async def test_retention_that_fails_is_reported_and_stops_nothing(bench):
    async with bench.running(seconds=0.0, segment_bytes=1) as journal:
        bench.store.stuck = True
        await journal.publish(events(1))
        await until(lambda: len(bench.of(JournalWriteFailed)) > 1)
        await journal.publish(events(2))
        await journal.publish(events(3))
        bench.store.stuck = False
        await until(lambda: bench.store.first == 4)
    assert "old events cannot be deleted" in bench.of(JournalWriteFailed)[0].reason


async def test_a_sinks_place_behind_the_end_of_a_shortened_journal_is_its_end(bench):
    async with bench.running() as journal:
        await journal.publish(events(1))
        bench.store.save(Notes(cursors={"crm": 50}))
    async with bench.running() as journal:
        cursor = journal.cursor("crm")
        assert cursor.lag == 0
        await journal.publish(events(2))
        assert ids((await cursor.read(9))[0]) == [2]


async def test_finishing_saves_everything(bench):
    async with bench.running() as journal:
        cursor = journal.cursor("crm")
        journal.admit(events(*range(5000)))
        cursor.commit(1)
        cursor.commit(2)
    store = SegmentStore.open(bench.path)
    assert (store.next, store.cursors()) == (101, {"crm": 2})
    store.close()


async def test_tokens_are_acknowledged_in_order_when_their_events_are_committed_and_are_there_after_a_restart(bench):
    got = []
    async with bench.running() as journal:
        journal.admit(events(1, 2, 3), Tokens("f", {"1": "a", "2": "b", "3": "c"}, got.extend))
        assert (got, journal.token("f")) == ([], None)
        await journal.publish(())
        assert (got, journal.token("f")) == (["a", "b", "c"], "c")
        journal.admit(events(2, 4), Tokens("f", {"2": "d", "4": "e"}, got.extend))  # a copy is acknowledged too
        await journal.publish(())
        assert got == ["a", "b", "c", "d", "e"]
    async with bench.running() as journal:
        assert journal.token("f") == "e"
        assert journal.token("g") is None


async def test_a_token_of_an_event_that_was_not_taken_is_never_acknowledged(bench):
    got = []
    async with bench.running() as journal:
        journal.admit([make(1, data=object()), make(2)], Tokens("f", {"1": "a", "2": "b"}, got.extend))
        await journal.publish(())
        assert got == ["b"]


@pytest.mark.parametrize("how", ["deleted", "renamed", "replaced", "cut"])
async def test_a_journal_whose_files_are_gone_confirms_nothing_and_what_memory_holds_is_saved_beside(bench, how):
    async with bench.running(finish=False) as journal:
        journal.cursor("crm")  # has passed nothing, so that memory holds everything
        await journal.publish(events(1, 2))
        (segment,) = bench.path.glob("*.jsonl")
        if how == "deleted":
            shutil.rmtree(bench.path)
        elif how == "renamed":
            bench.path.rename(bench.path.with_name("away"))
        elif how == "replaced":
            shutil.copy(segment, bench.path / "copy")
            (bench.path / "copy").rename(segment)
        else:
            os.truncate(segment, segment.stat().st_size - 10)
        journal.admit(events(3))
        with pytest.raises(JournalError, match="files are not there any more"):
            await journal.publish(events(4))
        with pytest.raises(JournalError, match="files are not there any more"):
            await journal.publish(events(5))
        await until(lambda: bench.of(JournalRescued) and bench.of(JournalRescued)[-1].events >= 3)
    (rescued,) = bench.path.parent.glob("journal.rescued-*")
    found = [int(Event.from_cloudevent(line).id) for line in rescued.read_bytes().splitlines()]
    assert found[:3] == [1, 2, 3]
    assert len(set(found)) == len(found)
    assert stat.S_IMODE(rescued.stat().st_mode) == 0o600
    assert len(found) == journal.snapshot().rescued
    assert journal.snapshot().dropped == 0
    assert bench.of(EventsDropped) == []
    assert "committed" not in "".join(map(str, bench.of(JournalRescued)))


async def test_a_sink_that_is_behind_waits_for_a_folder_that_was_renamed_and_loses_nothing(bench):
    async with bench.running(capacity=1, every=60, segment_bytes=1) as journal:
        cursor = journal.cursor("crm")
        for number in range(1, 5):
            await journal.publish(events(number))
        bench.path.rename(bench.path.with_name("away"))
        async with trio.open_nursery() as nursery:
            got = []
            nursery.start_soon(lambda: read_into(cursor, got))
            await until(lambda: bench.of(JournalWriteFailed))
            bench.path.with_name("away").rename(bench.path)
        assert (ids(got), cursor.position) == ([1, 2, 3], 4)
        assert journal.snapshot().damaged == 0


async def read_into(cursor, got):
    found, lost = await cursor.read(9)
    got += found
    assert lost == 0


async def test_a_source_that_can_wait_has_room_for_half_of_the_bounds_and_waits_for_the_disk(bench):
    async with bench.running(10) as journal:
        bench.store.full = True
        assert (await journal.room())[0] == 5
        journal.admit(events(1, 2, 3))
        assert (await journal.room())[0] == 2
        journal.admit(events(4, 5))
        with trio.move_on_after(0.05) as waiting:
            await journal.room()
        assert waiting.cancelled_caught
        with trio.move_on_after(0.05) as waiting:
            await journal.settled()
        assert waiting.cancelled_caught, "nothing is stored yet"
        bench.store.full = False
        await journal.settled()
        assert journal.snapshot().waiting == 0
        assert (await journal.room())[0] == 5
    assert journal.snapshot().dropped == 0


async def test_what_waits_for_room_goes_on_when_the_journal_ends(bench):
    async with bench.running(2, finish=False) as journal:
        bench.store.full = True
        journal.admit(events(1, 2))
    with trio.fail_after(5):
        await journal.settled()
        await journal.room()


# How old what waits is


async def test_a_cursor_knows_when_what_it_waits_for_came_also_after_a_restart(bench):
    times = [datetime(2026, 1, 1, 12, minute, tzinfo=UTC) for minute in range(6)]
    async with bench.running(2, segment_bytes=1000) as journal:
        cursor = journal.cursor("a")
        assert (cursor.oldest_at, journal.snapshot().oldest_at) == (None, None)
        for number, moment in enumerate(times, 1):
            await journal.publish([make(number, received=moment)])
        assert cursor.oldest_at == journal.snapshot().oldest_at == times[0]
        cursor.commit(6)
        assert cursor.oldest_at == times[5]  # it is in memory
        cursor.commit(7)
        assert (cursor.oldest_at, cursor.lag, journal.snapshot().oldest_at) == (None, 0, times[0])
    for finish in (True, False, True):
        async with bench.running(2, finish=finish) as journal:
            assert journal.snapshot().oldest_at == times[0]
            late = journal.cursor(f"new {finish}")
            assert late.oldest_at is None


async def test_of_an_event_in_a_file_it_is_the_oldest_of_that_file_that_is_known(bench):
    times = [datetime(2026, 1, 1, 12, minute, tzinfo=UTC) for minute in range(6)]
    async with bench.running(1, segment_bytes=64_000_000) as journal:
        cursor = journal.cursor("a")
        for number, moment in enumerate(times, 1):
            await journal.publish([make(number, received=moment)])
        cursor.commit(4)
        assert cursor.oldest_at == times[0]


async def test_in_memory_what_is_gone_has_no_age():
    journal = in_memory(2)
    cursor = journal.cursor("a")
    for number in range(1, 6):
        journal.admit([make(number, received=datetime(2026, 1, 1, 12, number, tzinfo=UTC))])
    assert cursor.oldest_at == journal.snapshot().oldest_at == datetime(2026, 1, 1, 12, 4, tzinfo=UTC)


async def test_the_journals_figures_say_what_it_keeps_and_how_long_commits_took(bench):
    async with bench.running(100, bytes=5_000_000, seconds=60.0) as journal:
        journal.cursor("a")
        await journal.publish(events(1, 2, 3))
        journal.admit(events(4))
        waits = journal.snapshot()
        await journal.settled()
        stats = journal.snapshot()
        assert (waits.commits.count, waits.waiting, stats.commits.count, stats.waiting_bytes) == (1, 1, 2, 0)
        assert waits.waiting_bytes == len(make(4).to_json())
        assert stats.size_bytes > 4 * waits.waiting_bytes
        assert (stats.limit_bytes, stats.retain_seconds) == (5_000_000, 60.0)
    memory = in_memory().snapshot()
    assert (memory.size_bytes, memory.limit_bytes, memory.retain_seconds, memory.commits.count) == (0, None, None, 0)
