"""The journal against a model of it: whatever is done in whatever order, and across restarts and crashes."""

import shutil
import tempfile
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import attrs
import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jackfield._feed.stream_events import stream_event
from jackfield._journal import Journal
from jackfield._journal.retention import Limits
from jackfield._journal.store import Store
from jackfield.addresses import Address, Source
from jackfield.events import Event

AT = datetime(2026, 1, 1, tzinfo=UTC)
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
    dead_lettered: set = attrs.field(factory=set)


class Machine(RuleBasedStateMachine):
    """Each rule does one thing to the journal and to the model; the model is a list."""

    @initialize(newest=st.integers(1, 12))
    def begin(self, newest):
        self.newest = newest
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "journal.db"
        self.host = Host()
        self.reports = []
        self.log = []
        self.first = 1
        self.window = []
        self.places = {}
        self.open()

    def open(self):
        self.opened = self.end
        self.store = Store.open(self.path)
        limits = Limits(ids=IDS, every=3600)
        self.journal = Journal(CAPACITY, self.store, self.reports.append, limits)
        self.journal._log._capacity = self.newest  # so that the file is read as often as memory
        self.stop = self.host.start(self.journal.run)
        self.cursors = {}
        for sink in SINKS:
            self.cursors[sink] = self.host.call(self.journal.cursor, sink)
            place = self.places.setdefault(sink, Place(self.end, self.end, self.end))
            place.read = place.committed
            assert self.cursors[sink].committed == place.committed

    @property
    def end(self):
        return len(self.log) + 1

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
        self.log += new + more
        self.window = self.window[-IDS:]

    @rule(sink=sinks, most=st.integers(1, 9))
    def read(self, sink, most):
        place = self.places[sink]
        if place.read == self.end:
            return
        found, lost = self.host.do(self.cursors[sink].read, most)
        in_memory = max(self.opened, self.end - self.newest)
        start = max(place.read, min(self.first, in_memory))
        assert lost == start - place.read
        if start == self.end:  # nothing is left of what it had to read, but then it would have waited
            raise AssertionError
        assert 1 <= len(found) <= most
        assert [seq for seq, _ in found] == list(range(start, start + len(found)))
        assert [int(event.feed) for _, event in found] == self.log[start - 1 : start - 1 + len(found)]
        place.read = found[-1][0] + 1

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
        seq = place.committed
        if self.first <= seq < place.read:

            def both():
                self.cursors[sink].dead_letter(seq, make(self.log[seq - 1]), "no", 1)
                self.cursors[sink].commit(seq + 1)

            self.host.call(both)
            place.dead_lettered.add(seq)
            place.committed = seq + 1

    @rule(most=st.integers(1, 20))
    @precondition(lambda self: self.end > self.first)
    def trim(self, most):
        """What every sink has passed grows old; and what none may lose does not go."""
        floor = min(place.committed for place in self.places.values())
        work = partial(self.store.trim, keep_after=2**62, keep_bytes=2**62, keep_keys=IDS, floor_seq=floor, most=most)
        trimmed = self.host.do(self.journal._writing.once, work)
        expected = max(self.first, min(self.first + most, floor))
        assert (trimmed.deleted, trimmed.unread) == (expected - self.first, 0)
        self.first = expected

    @rule(most=st.integers(1, 5))
    @precondition(lambda self: self.end > self.first + 5)
    def overflow(self, most):
        """The file is too large: the oldest go, read or not; but never all, or reading would wait."""
        floor = min(place.committed for place in self.places.values())
        work = partial(self.store.trim, keep_after=0, keep_bytes=0, keep_keys=IDS, floor_seq=floor, most=most)
        trimmed = self.host.do(self.journal._writing.once, work)
        assert trimmed.deleted == most
        assert trimmed.unread == max(0, self.first + most - max(self.first, floor))
        self.first += most

    @rule()
    def restart(self):
        """End in good order."""

        async def finish():
            self.journal.finish()
            await self.stop(cancel=False)

        self.host.do(finish)
        for sink, place in self.places.items():
            place.saved = place.committed
            assert self.store.cursors()[sink] == place.committed
        self.store.close()
        self.dead_is_what_was_buried()
        self.open()

    @rule()
    def crash(self):
        """Go on with the files as they are on the disk, whatever was still to be written."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        with self.store._writing:
            for suffix in ("", "-wal"):
                shutil.copy(f"{self.path}{suffix}", folder / f"journal.db{suffix}")
        self.host.do(partial(self.stop, cancel=True))
        self.store.close()
        self.path = folder / "journal.db"
        store = Store.open(self.path)
        assert store.next_seq == self.end
        for sink, upcoming in store.cursors().items():
            place = self.places[sink]
            assert place.saved <= upcoming <= place.committed
            place.committed = place.saved = upcoming
            place.dead_lettered = {seq for seq in place.dead_lettered if seq < upcoming}
        for sink in set(SINKS) - set(store.cursors()):  # it was new, and stands at the end again
            self.places[sink] = Place(self.end, self.end, self.end)
        store.close()
        self.dead_is_what_was_buried()
        self.open()

    def dead_is_what_was_buried(self):
        store = Store.open(self.path, readonly=True)
        for sink in SINKS:
            assert sorted(letter.seq for letter in store.dead(sink)) == sorted(self.places[sink].dead_lettered)
        store.close()

    @invariant()
    def nothing_else_is_lost(self):
        if self.places:
            stats = self.journal.snapshot()
            assert (stats.waiting, stats.dropped, stats.damaged) == (0, 0, 0)
            assert stats.kept == self.end - self.first
            assert {sink: cursor.lag for sink, cursor in self.cursors.items()} == {
                sink: self.end - place.committed for sink, place in self.places.items()
            }
            assert self.reports == []

    def teardown(self):
        if self.host:
            self.host.do(partial(self.stop, cancel=True))
            self.store.close()
            self.host.close()
            shutil.rmtree(self.folder)

    host = None
    places = None


TestJournal = Machine.TestCase
# A step costs a hundred times what one of a pure function does, and an example has fifty.
TestJournal.settings = settings(max_examples=max(20, settings.default.max_examples // 5))
