"""The journal against a model of it: whatever is done in whatever order, and across restarts and crashes."""

import os
import shutil
import tempfile
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jackfield._feed.stream_events import stream_event
from jackfield._journal import Journal
from jackfield._journal.log import Bounds
from jackfield._journal.retention import Limits
from jackfield._journal.store import SegmentStore, segment_store
from jackfield._journal.store.records import Loss, Notes
from jackfield.addresses import Address, Source
from jackfield.events import Event
from jackfield.reports import EventsDropped

AT = datetime(2026, 1, 1, tzinfo=UTC)
MEMORY = Path("/dev/shm")  # noqa: S108  # a sync costs nothing there
IDS = 8
CAPACITY = 100
SINKS = ("crm", "archive")

numbers = st.integers(0, 20)
sinks = st.sampled_from(SINKS)


def make(number):
    """An event; a number below zero is a fact about the stream, which has no copies."""
    if number < 0:
        return stream_event(Source("v", "s", "i"), str(number), "connected", AT)
    return Event(str(number), "call.connected", Address("v", "s", "i", "call", "7", "status"), AT, AT, str(number))


@attrs.define
class Host:
    """A thread in which trio runs, so that a test's steps can be taken one by one from outside."""

    _nursery: trio.Nursery = attrs.field(init=False)
    _token: trio.lowlevel.TrioToken = attrs.field(init=False)
    _up: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread = attrs.field(init=False)

    def __attrs_post_init__(self):
        self._thread = threading.Thread(target=trio.run, args=(self._main,))
        self._thread.start()
        self._up.wait()

    async def _main(self):
        async with trio.open_nursery() as self._nursery:
            self._token = trio.lowlevel.current_trio_token()
            self._up.set()
            await trio.sleep_forever()

    def do(self, function, *arguments):
        async def do():
            with trio.fail_after(20):
                return await function(*arguments)

        return trio.from_thread.run(do, trio_token=self._token)

    def call(self, function, *arguments):
        return trio.from_thread.run_sync(function, *arguments, trio_token=self._token)

    def start(self, function):
        """Begin a task; what cancels it and waits for its end."""
        scope, ended = trio.CancelScope(), trio.Event()

        async def run():
            with scope:
                await function()
            ended.set()

        async def stop(*, cancel):
            if cancel:
                scope.cancel()
            await ended.wait()

        self.call(self._nursery.start_soon, run)
        return stop

    def close(self):
        self.call(self._nursery.cancel_scope.cancel)
        self._thread.join()


@attrs.define
class Place:
    """Where a sink stands, in the model."""

    committed: int
    read: int
    saved: int
    """What a crash cannot take back."""
    flushed: int = 1
    """What retention had made sure of before it deleted events: what a power failure cannot take back."""
    lost: set = attrs.field(factory=set)
    """Positions that were counted as lost."""
    flushed_lost: set = attrs.field(factory=set)
    dead_lettered: set = attrs.field(factory=set)


class Machine(RuleBasedStateMachine):
    """Each rule does one thing to the journal and to the model; the model is a mapping of positions to events."""

    @initialize(newest=st.integers(1, 12))
    def begin(self, newest):
        self.newest = newest
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.path = self.folder / "journal"
        self.host = Host()
        self.reports = []
        self.log = {}
        self.end = self.first = 1
        self.window = []
        self.places = {}
        self.open()

    def open(self):
        self.store = SegmentStore.open(self.path, segment_bytes=200, keep_keys=IDS)
        self.end = self.opened = self.store.next
        if not self.positions(self.first, self.store.first):  # skipped after a power failure
            self.first = max(self.first, self.store.first)
        limits = Limits(ids=IDS, every=3600)
        self.journal = Journal(Bounds(CAPACITY), self.store, self.reports.append, limits)
        self.journal.log._bounds = Bounds(self.newest)  # so that the files are read as often as memory
        self.stop = self.host.start(self.journal.run)
        self.window = [number for number in self.log.values() if number >= 0][-IDS:]
        self.cursors = {}
        for sink in SINKS:
            self.cursors[sink] = self.host.call(self.journal.cursor, sink)
            self.cursors[sink].attach(lambda _count, _reason: None, lambda: False)
            place = self.places.setdefault(sink, Place(self.end, self.end, self.end))
            deleted = self.positions(place.committed, self.first)
            # Positions that a power failure left out are skipped, and events never.
            committed = self.cursors[sink].committed
            assert set(self.positions(place.committed, committed)) == set(deleted)
            place.lost |= set(deleted)
            assert self.claimed(sink) == len(place.lost)
            place.read = place.committed = committed
        self.note_synced()

    def note_synced(self):
        """What no power failure takes: SQLite's log as far as it was synced, and what is never changed again."""
        self.synced = sizes(self.path)
        self.confirmed = (self.path / "writer.json").read_bytes()

    def claimed(self, sink):
        """How many events are counted as lost for a sink, whenever that was."""
        loss = self.journal._pending.losses.get(sink, Loss())
        return loss.down + loss.slow

    def positions(self, start, stop):
        """Those of events, without what was skipped."""
        return [position for position in self.log if start <= position < stop]

    def take(self, wanted):
        new = []
        for number in wanted:
            if number < 0 or number not in self.window:
                new.append(number)
                if number >= 0:
                    self.window.append(number)
        return new

    @rule(first=st.lists(numbers | st.just(-1), max_size=6), second=st.lists(numbers, max_size=6))
    def publish(self, first, second):
        async def both():
            admitted = self.journal.admit(list(map(make, first)))
            return admitted, await self.journal.publish(list(map(make, second)))

        admitted, published = self.host.do(both)
        new = self.take(first)
        assert [int(event.feed) for event in admitted] == new
        more = self.take(second)
        assert published == len(more)
        for number in new + more:
            self.log[self.end] = number
            self.end += 1
        self.window = self.window[-IDS:]

    @rule(sink=sinks, most=st.integers(1, 9))
    def read(self, sink, most):
        place = self.places[sink]
        there = [position for position in self.log if position >= max(place.read, self.kept)]
        if not there:
            return
        place.lost |= set(self.positions(place.read, self.kept))  # memory held them when they were deleted
        found, lost = self.host.do(self.cursors[sink].read, most)
        assert lost == 0
        assert 1 <= len(found) <= most
        assert [record.position for record in found] == there[: len(found)]
        assert [int(event.feed) for _, event in found] == [self.log[position] for position in there[: len(found)]]
        place.read = found[-1].position + 1
        place.committed = max(place.committed, self.cursors[sink].committed)

    @property
    def kept(self):
        """The position of the oldest event that can be read."""
        return min(self.first, max(self.opened, self.end - self.newest))

    @rule(sink=sinks, share=st.floats(0, 1))
    def commit(self, sink, share):
        place = self.places[sink]
        upcoming = place.committed + round((place.read - place.committed) * share)
        self.host.call(self.cursors[sink].commit, upcoming)
        place.committed = upcoming

    @rule(sink=sinks)
    def dead_letter(self, sink):
        """Give the next event up, in one step."""
        place = self.places[sink]
        position = place.committed
        if position in self.log and position < place.read:

            def both():
                self.cursors[sink].dead_letter(position, make(self.log[position]), "no", 1)
                self.cursors[sink].commit(position + 1)

            self.host.call(both)
            place.dead_lettered.add(position)
            place.committed = position + 1

    @rule(old=st.booleans())
    def trim(self, old):
        """What every sink has passed grows old, or the journal is too large and the oldest go, read or not."""
        before = {sink: self.journal._pending.losses.get(sink, Loss()) for sink in SINKS}
        limits = {"keep_after": 2**62 if old else 0, "keep_bytes": 2**62 if old else 0}
        self.host.do(partial(self.journal._retention.trim_to, **limits))
        first, self.first = self.first, max(self.first, self.store.first)
        if old:
            assert not self.positions(max(first, min(place.committed for place in self.places.values())), self.first)
        gone = self.kept
        for sink, place in self.places.items():
            lost = self.positions(place.read, gone)
            after = self.journal._pending.losses.get(sink, Loss())
            assert (after.slow - before[sink].slow, after.down) == (len(lost), before[sink].down)
            place.lost |= set(lost)
            if place.committed == place.read:
                place.committed = max(place.committed, gone)
            place.read = max(place.read, gone)
            if self.first > first:
                place.flushed, place.flushed_lost = place.committed, set(place.lost)
        if self.first > first:
            self.note_synced()

    @rule()
    def restart(self):
        """End in good order."""

        async def finish():
            self.journal.finish()
            await self.stop(cancel=False)

        self.host.do(finish)
        for sink, place in self.places.items():
            place.saved = place.flushed = place.committed
            place.flushed_lost = set(place.lost)
            assert not self.positions(*sorted((self.store.cursors()[sink], place.committed)))
        self.store.close()
        self.dead_is_what_was_buried()
        self.open()
        assert self.end == self.opened == max([*self.log, self.end - 1]) + 1

    @rule(power=st.booleans(), shares=st.tuples(st.floats(0, 1), st.floats(0, 1)), stale=st.booleans())
    def crash(self, power, shares, stale):
        """Go on with the files as they are on the disk, or as far as they were synced and a bit of the rest."""
        folder = Path(tempfile.mkdtemp(dir=self.folder)) / "journal"
        with self.store.sidecar._writing:
            shutil.copytree(self.path, folder)
        self.host.do(partial(self.stop, cancel=True))
        self.store.close()
        self.path, end = folder, self.end
        if power:
            BOOT.append(f"boot {len(BOOT) + 1}")
            self.lose_power(folder, shares, stale=stale)
        store = SegmentStore.open(folder, segment_bytes=200, keep_keys=IDS)
        survivors = {line.position for page in store.scan(-(2**62), 2**62, print) for line in page}
        tail = set(self.positions(self.first, self.end)) - survivors
        if power:
            assert store.next >= end  # no number is given twice
            self.reports.clear()
        else:
            assert store.next == end and not tail
        assert store.count(self.first, store.next) == len(survivors)  # nothing but the skipped is missing
        for position in tail:
            del self.log[position]
        cursors = store.cursors()
        for sink, upcoming in store.saved().cursors.items():
            place = self.places[sink]
            assert power or not self.positions(upcoming, place.saved) + self.positions(place.committed, upcoming)
            assert not self.positions(upcoming, place.flushed)
            loss = store.saved().losses.get(sink, Loss())
            if loss.down + loss.slow != len(place.lost):
                place.lost = set(place.flushed_lost)
                assert loss.down + loss.slow == len(place.lost)
            place.dead_lettered = {each for each in place.dead_lettered if each < cursors[sink]}
            place.committed = place.saved = upcoming
        store.save(Notes(store.saved().cursors))
        for sink in set(SINKS) - set(cursors):  # it was new, and stands at the end again
            self.places[sink] = Place(store.next, store.next, store.next)
        store.close()
        self.dead_is_what_was_buried()
        self.open()

    def lose_power(self, folder, shares, *, stale):
        """Of what was not synced, a part of each file's end is gone; what is changed in place may be what it was."""
        newest = max(folder.glob("*.jsonl"), default=None)
        for name, size in sizes(folder).items():
            growing = name.endswith((".index", "-wal")) or folder / name == newest  # others are synced when they change
            if growing and size > (synced := self.synced.get(name, 0)):
                os.truncate(folder / name, synced + int((size - synced) * shares[name.endswith("-wal")]))
        if stale:
            (folder / "writer.json").write_bytes(self.confirmed)

    def dead_is_what_was_buried(self):
        store = SegmentStore.open(self.path, readonly=True)
        for sink in SINKS:
            assert sorted(each.position for each in store.dead(sink)) == sorted(self.places[sink].dead_lettered)
        store.close()

    @invariant()
    def nothing_else_is_lost(self):
        if self.places:
            stats = self.journal.snapshot()
            assert (stats.waiting, stats.dropped, stats.damaged) == (0, 0, 0)
            assert stats.kept == len(self.positions(self.kept, self.end))
            assert {sink: cursor.lag for sink, cursor in self.cursors.items()} == {
                sink: len(self.positions(place.committed, self.end)) for sink, place in self.places.items()
            }
            assert {sink: self.claimed(sink) for sink in SINKS} == {
                sink: len(place.lost) for sink, place in self.places.items()
            }
            others = [str(each) for each in self.reports if not isinstance(each, EventsDropped)]
            assert [each for each in others if not any(known in each for known in AFTER_POWER_FAILURES)] == [], others

    def teardown(self):
        if self.host:
            self.host.do(partial(self.stop, cancel=True))
            self.store.close()
            self.host.close()
            shutil.rmtree(self.folder)

    host = None
    places = None


AFTER_POWER_FAILURES = (
    "the machine stopped while a gateway ran",
    "were not on the disk when the machine stopped",
    "resume token",
    ".index: is not what was written; it is made again",
    ".index: does not fit its segment; it is made again",
    ".index: is missing; it is made again",
)
BOOT = ["boot 1"]


@pytest.fixture(autouse=True)
def boot(monkeypatch):
    monkeypatch.setattr(segment_store, "boot_id", lambda: BOOT[-1])


def sizes(folder):
    return {path.name: path.stat().st_size for path in folder.iterdir()}


TestJournal = Machine.TestCase
# A step costs a hundred times what one of a pure function does, and an example has fifty.
TestJournal.settings = settings(max_examples=max(8, settings.default.max_examples // 5))
