"""The rules about a provider in the long run: what it does to the event loop and to memory, and ids elsewhere."""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import sys
import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from jackfield.errors import FrameError
from jackfield.plugin.protocol import FeedProtocol
from jackfield.testing._by_hand import HandDriven
from jackfield.testing._harness import FEED
from jackfield.testing._other_process import ids_elsewhere
from jackfield.testing._provider_declaration import AT, ProviderDeclaration, received
from jackfield.testing._rules import Level, rule
from jackfield.testing._variants import enlarged, identifiers_of, with_other_ids
from jackfield.testing._watchdog import Watchdog

__all__ = ["EnduranceRules"]

TICKS = 100
# Frames between two measurements, and how often these are made: what grows once is a table that gets more room.
BLOCK = 500
BLOCKS = 3
FEW = 10
# What the suite's `bounds` are set to, and after how many frames whatever has a bound must be full.
BOUND = 100
FULL = 3_000
# Less than one object for each frame.
GROWTH_PER_FRAME = 16
SIZES = (70_000, 300_000, 2_000_000)


class EnduranceRules(ProviderDeclaration):
    """Everything that shows after a while, or elsewhere."""

    def _begun(self, protocol: FeedProtocol) -> HandDriven:
        driven = HandDriven(protocol, self.vendor(), self.rest, AT)
        driven.begin(self.topics())
        return driven

    @rule(Level.SILVER)
    def test_never_blocks(self) -> None:
        """A protocol runs in the loop that reads every feed: a call that blocks, or computes for long, stops all."""
        watchdog = Watchdog()
        examples = self.examples()
        with watchdog.watching(), watchdog.step():
            driven = self._begun(self.logged_in.protocol(FEED))
            for frame in examples:
                received(driven.protocol, frame, AT)
            for second in range(TICKS):
                driven.tick(AT + timedelta(seconds=second))
            with contextlib.suppress(Exception):  # a rule of its own is about that
                driven.protocol.closed(None, AT)
        assert not watchdog.found, f"the protocol blocks the event loop: {'; '.join(dict.fromkeys(watchdog.found))}"

    @rule(Level.GOLD)
    def test_needs_no_more_memory_with_time(self) -> None:
        """A feed runs for months: what a protocol keeps of every frame, or of every call that was, fills memory."""
        with _set(self.bounds, BOUND):
            self._assert_all_bounded()

    def _assert_all_bounded(self) -> None:
        examples = [(frame, identifiers_of(self.emitted(frame))) for frame in self.examples()]
        self._assert_bounded(itertools.cycle([frame for frame, _ in examples]), "the same examples over and over")
        protocol, growth = self._begun(self.logged_in.protocol(FEED)).protocol, {}
        for first in (1, FEW + 1):  # what the very first frames bring about is not growth
            for frame, names in examples:
                before = sys.getallocatedblocks()
                _feed(protocol, _variants(frame, names, first), FEW)
                growth[frame] = sys.getallocatedblocks() - before
        frame, names = max(examples, key=lambda example: growth[example[0]])
        if self.emitted(with_other_ids(frame, names, 1)):
            self._assert_bounded(_variants(frame, names), f"each about another thing, such as {frame[:80]!r}")

    def _assert_bounded(self, frames: Iterator[bytes], what: str) -> None:
        protocol = self._begun(self.logged_in.protocol(FEED)).protocol
        if _grows(protocol, frames) < BLOCK * GROWTH_PER_FRAME:
            return
        _feed(protocol, frames, FULL)
        # What is bounded is full now: for each object that is new an old one goes, which tracemalloc does not know.
        kept = min(_kept_of(protocol, frames, BLOCK) for _ in range(BLOCKS))
        fed = FULL + 2 * BLOCKS * BLOCK
        assert kept < BLOCK // 2, f"after {fed} frames, {what}, {BLOCK} more leave {kept} objects in memory"

    @rule(Level.SILVER)
    def test_reads_large_frames(self) -> None:
        """Vendors' frames grow with a call's length and a queue's members; one that is large is an event too."""
        frames = [frame for frame in self.examples() if enlarged(frame, 1) is not None and self.emitted(frame)]
        if not frames:
            self.not_applicable("no example is a JSON object")
        for frame in frames[:3]:
            kinds = [event.kind for event in self.emitted(frame)]
            if [event.kind for event in self.emitted(enlarged(frame, 1) or b"")] != kinds:
                continue  # the vendor allows no further member there
            for size in SIZES:
                outcome = self.read(enlarged(frame, size) or b"")
                said = f"it says {outcome}" if isinstance(outcome, FrameError) else "nothing says why"
                found = [event.kind for event in self.emitted(enlarged(frame, size) or b"")]
                assert found == kinds, f"a frame of {size} more bytes brings {found} and not {kinds}, and {said}"

    @rule(Level.SILVER)
    def test_gives_the_same_ids_elsewhere(self) -> None:
        """Another gateway, or this one after a restart, must know a copy of an event by its id."""
        frames = self.examples()
        elsewhere = ids_elsewhere(type(self), frames)
        if isinstance(elsewhere, str):
            self.not_applicable(elsewhere)
        for frame, ids in zip(frames, elsewhere, strict=True):
            here = [event.id for event in self.emitted(frame)]
            assert here == ids, f"{frame!r} has the ids {here} here, and {ids} in a process with another PYTHONHASHSEED"


def _variants(frame: bytes, identifiers: Sequence[str], first: int = 1) -> Iterator[bytes]:
    """The frame about one thing after another."""
    for number in itertools.count(first):
        yield with_other_ids(frame, identifiers, number)


@contextlib.contextmanager
def _set(names: Iterable[str], value: int) -> Iterator[None]:
    """Give constants of modules, by their dotted names, another value."""
    found = [(importlib.import_module(module), name) for module, _, name in (each.rpartition(".") for each in names)]
    before = [getattr(module, name) for module, name in found]
    for module, name in found:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name), old in zip(found, before, strict=True):
            setattr(module, name, old)


def _grows(protocol: FeedProtocol, frames: Iterator[bytes]) -> int:
    """How many bytes a block of frames leaves in memory: of a few blocks, the one that leaves least."""
    found = []
    tracemalloc.start()
    try:
        for _ in range(BLOCKS):
            before = tracemalloc.get_traced_memory()[0]
            _feed(protocol, frames, BLOCK)
            gc.collect()
            found.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    return min(found)


def _kept_of(protocol: FeedProtocol, frames: Iterator[bytes], count: int) -> int:
    """How many objects so many frames leave in memory."""
    gc.collect()
    before = sys.getallocatedblocks()
    _feed(protocol, frames, count)
    gc.collect()
    return sys.getallocatedblocks() - before


def _feed(protocol: FeedProtocol, frames: Iterator[bytes], count: int) -> None:
    for frame in itertools.islice(frames, count):
        received(protocol, frame, AT)
