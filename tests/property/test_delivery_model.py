"""The journal and delivery together, through any troubles, ends and crashes, against what was promised."""

import random
import tempfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import attrs
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield._delivery import SinkPipeline
from jackfield._journal import Journal
from jackfield._journal.log import Bounds
from jackfield._journal.store import SegmentStore
from jackfield._routing.route_spans import RouteSpans
from jackfield.addresses import Address
from jackfield.config import DeliveryOptions
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.selectors import EVERYTHING

AT = datetime(2026, 1, 1, tzinfo=UTC)
MOODS = {
    "well": None,
    "down": lambda: DeliveryError("down"),
    "cut": lambda: DeliveryError("cut", delivered=1),
    "busy": lambda: DeliveryError("busy", retry_after=40.0),
    "unauthorised": lambda: DeliveryError("401", on_error="pause"),
    "broken": lambda: KeyError("a bug"),
    "hangs": "hangs",
}
# Some events are never taken; one receiver says which, another leaves that to be found out.
NEVER = 5

STEPS = st.one_of(
    st.tuples(st.just("publish"), st.lists(st.sampled_from("abcd"), min_size=1, max_size=8)),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.3, 5.0, 100.0])),
    st.tuples(st.just("mood"), st.sampled_from(sorted(MOODS))),
)
LIVES = st.lists(st.tuples(st.lists(STEPS, max_size=6), st.sampled_from(["crash", "close"])), max_size=4)


@attrs.define
class Receiver:
    """A sink that changes its mood, and remembers in which life each event came."""

    says_which: bool
    mood: str = "well"
    life: int = 0
    got: list = attrs.field(factory=list)

    async def write(self, batch):
        await trio.lowlevel.checkpoint()
        mood = MOODS[self.mood]
        if mood == "hangs":
            await trio.sleep_forever()
        failure = mood and mood()
        numbers = [(event.correlation, event.data) for event in batch.events]
        for place, (_, number) in enumerate(numbers):
            if failure and place == getattr(failure, "delivered", 0):
                raise failure
            if number % NEVER == 0:
                if not self.says_which and len(numbers) > 1:
                    del self.got[len(self.got) - place :]  # a batch is taken as a whole here, or not at all
                    raise DeliveryError("no", on_error="dead_letter")
                raise DeliveryError("no", delivered=place, on_error="dead_letter", rejected_count=1)
            self.got.append((self.life, *numbers[place]))
        if failure:  # it speaks of more than there was
            failure.delivered = len(numbers)
            raise failure


@attrs.define
class World:
    """One journal's file, one sink, and what was confirmed."""

    path: Path
    receiver: Receiver
    options: DeliveryOptions
    confirmed: list = attrs.field(factory=list)

    async def live(self, steps, end):
        store = SegmentStore.open(self.path)
        journal = Journal(Bounds(1000), store, lambda _: None)
        selects = RouteSpans.of([EVERYTHING])
        cursor = journal.cursor("s")
        pipeline = SinkPipeline("s", self.receiver, cursor, selects, self.options, lambda _: None, random.Random(1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.run)
            async with trio.open_nursery() as delivering:
                delivering.start_soon(pipeline.run)
                for what, argument in steps:
                    await self.step(journal, what, argument)
                if end == "crash":
                    delivering.cancel_scope.cancel()
                    nursery.cancel_scope.cancel()
                else:
                    journal.close()
                    if end == "close":
                        delivering.cancel_scope.deadline = trio.current_time() + 2.0
            journal.finish()
        store.close()
        self.receiver.life += 1

    async def step(self, journal, what, argument):
        if what == "publish":
            events = [self.make(key, len(self.confirmed) + place + 1) for place, key in enumerate(argument)]
            await journal.publish(events)
            self.confirmed += [(event.correlation, event.data) for event in events]
        elif what == "wait":
            await trio.sleep(argument)
        else:
            self.receiver.mood = argument

    @staticmethod
    def make(key, number):
        address = Address("v", "s", "i", "call", key, "updated")
        return Event(f"id-{number}", "call.updated", address, AT, AT, "f", key, data=number)


@settings(max_examples=max(25, settings.default.max_examples // 5))
@given(LIVES, st.integers(1, 3), st.integers(1, 4), st.booleans())
def test_what_was_confirmed_is_delivered_in_order_or_a_dead_letter_through_any_troubles_and_crashes(
    lives, concurrency, most, says_which
):
    with tempfile.TemporaryDirectory() as folder:
        options = DeliveryOptions(batch_events=most, concurrency=concurrency, timeout=9.0)
        world = World(Path(folder) / "journal", Receiver(says_which), options)
        for steps, end in [*lives, ([("mood", "well")], "finish")]:
            trio.run(world.live, steps, end, clock=trio.testing.MockClock(autojump_threshold=0))
        store = SegmentStore.open(world.path, readonly=True)
        dead = {Event.from_cloudevent(letter.body).data for letter in store.dead()}
        cursors, end = store.cursors(), store.next
        store.close()

    assert cursors == {"s": end}
    assert end - 1 == len(world.confirmed)
    assert dead == {number for _, number in world.confirmed if number % NEVER == 0}
    assert {number for _, _, number in world.receiver.got} == {number for _, number in world.confirmed} - dead
    in_life = [(life, number) for life, _, number in world.receiver.got]
    assert len(set(in_life)) == len(in_life), "twice in one life: no crash explains that"
    first = defaultdict(list)
    for _, key, number in world.receiver.got:
        if number not in first[key]:
            first[key].append(number)
    assert all(numbers == sorted(numbers) for numbers in first.values())
