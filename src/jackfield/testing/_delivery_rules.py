"""The rules about what a sink delivers while its target takes everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import trio
import trio.testing

from jackfield._delivery.pieces import key_of
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.sink import Batch
from jackfield.testing._exposure import shows
from jackfield.testing._option_checks import problems_of_options
from jackfield.testing._rules import Level, rule
from jackfield.testing._sink_harness import cut, missing_of, reported_of, run
from jackfield.testing._sink_target import SinkDeclaration, sample_events

__all__ = ["DeliveryRules"]

# Above the limits that receivers and libraries mostly have: 64 KiB, 256 KiB, 1 MiB and 4 MiB.
SIZES = (70_000, 300_000, 1_100_000, 4_500_000)


class DeliveryRules(SinkDeclaration):
    """Everything that can be seen of a sink on a good day."""

    @rule(Level.BRONZE)
    def test_describes_options(self) -> None:
        """Operators know an option by its one line of help only, and what is secret must be known to be."""
        with self.target() as target:
            problems = problems_of_options(target.sink)
            assert not problems, "; ".join(problems)

    @rule(Level.BRONZE)
    def test_delivers_before_it_returns(self) -> None:
        """When write returns the host forgets the events, so they must be where they belong."""
        with self.target() as target:

            async def scenario() -> None:
                async with target.sink.open() as out:
                    for batch in cut(sample_events(30), (1, 3, 26)):
                        await out.write(Batch(batch))
                        missing = missing_of(batch, target.arrived())
                        assert not missing, f"write has returned, and {missing[0]} has not arrived"

            run(scenario)

    @rule(Level.BRONZE)
    def test_keeps_order(self) -> None:
        """Events of one contact make sense in their order only, whichever connections and partitions a sink uses."""
        events = sample_events(60)
        arrived = list(dict.fromkeys(event.id for event in self._delivered(cut(events, (1, 7, 52)))))
        keys = {event.id: key_of(event) for event in events}
        for key in dict.fromkeys(keys.values()):
            written = [event.id for event in events if keys[event.id] == key and event.id in arrived]
            came = [each for each in arrived if keys.get(each) == key]
            first = next((index for index, pair in enumerate(zip(came, written, strict=True)) if pair[0] != pair[1]), 0)
            assert came == written, f"of {key!r}, {written[first]!r} was written first and {came[first]!r} came first"

    @rule(Level.SILVER)
    def test_delivers_whole(self) -> None:
        """What a sink leaves out or rounds off nobody can bring back."""
        events = {event.id: event for event in sample_events(20)}
        for event in self._delivered(cut([*events.values()], (20,))):
            assert event == events.get(event.id), f"{events.get(event.id)} has arrived as {event}"

    def _delivered(self, batches: Iterable[Sequence[Event]]) -> Sequence[Event]:
        """What has arrived of these batches after a sink was opened, written to and closed."""
        with self.target() as target:

            async def scenario() -> None:
                async with target.sink.open() as out:
                    for batch in batches:
                        await out.write(Batch(tuple(batch)))

            run(scenario)
            return list(target.arrived())

    @rule(Level.BRONZE)
    def test_opens_again(self) -> None:
        """A restart must neither lose what was delivered before nor stop what comes after."""
        events = sample_events(6)
        with self.target() as target:

            async def scenario() -> None:
                for batch in cut(events, (3, 3)):
                    async with target.sink.open() as out:
                        await out.write(Batch(batch))

            run(scenario)
            missing = missing_of(events, target.arrived())
            assert not missing, f"after opening again {missing[0]} is not there"

    @rule(Level.SILVER)
    def test_lets_others_run(self) -> None:
        """A write without a checkpoint keeps every feed and every other sink from running."""
        with self.target() as target:

            async def scenario() -> None:
                async with target.sink.open() as out:
                    with trio.testing.assert_checkpoints():
                        await out.write(Batch(tuple(sample_events(1))))

            run(scenario)

    @rule(Level.GOLD)
    def test_writes_concurrent_batches(self) -> None:
        """With concurrency = N the host writes from N tasks at a time, and each batch must stay one."""
        tasks = [f"task {number}" for number in range(4)]
        batches = [[attrs.evolve(event, correlation=task) for event in sample_events(5, task)] for task in tasks]
        with self.target() as target:

            async def scenario() -> None:
                async with target.sink.open() as out, trio.open_nursery() as nursery:
                    for batch in batches:
                        nursery.start_soon(out.write, Batch(tuple(batch)))

            run(scenario)
            arrived = [event.id for event in target.arrived()]
            for batch in batches:
                ids = [event.id for event in batch]
                assert [each for each in arrived if each in ids] == ids, f"of {ids} {arrived} has arrived"

    @rule(Level.SILVER)
    def test_shares_nothing(self) -> None:
        """Two sinks of one type are two: what goes to one must not turn up in the other."""
        if not self.separate:
            self.not_applicable("there is one such target only")
        with self.target() as one, self.target() as other:
            mine, theirs = sample_events(3, "mine"), sample_events(3, "theirs")

            async def scenario() -> None:
                async with one.sink.open() as first, other.sink.open() as second:
                    await first.write(Batch(tuple(mine)))
                    await second.write(Batch(tuple(theirs)))

            run(scenario)
            for target, events in ((one, mine), (other, theirs)):
                strangers = {event.id for event in target.arrived()} - {event.id for event in events}
                assert not strangers, f"{sorted(strangers)} belong elsewhere"

    @rule(Level.SILVER)
    def test_delivers_large_events(self) -> None:
        """Vendors' events grow with a call's length; one that is too large must fail, and must not vanish."""
        small = sample_events(2 * len(SIZES), "small")
        reported: list[Event] = []
        with self.target() as target:

            async def scenario() -> None:
                async with target.sink.open() as out:
                    for number, size in enumerate(SIZES):
                        large = attrs.evolve(small[0], id=f"large-{size}", data={"filler": "x" * size})
                        batch = Batch((small[2 * number], large, small[2 * number + 1]))
                        try:
                            await out.write(batch)
                        except DeliveryError as error:
                            reported.extend(reported_of(batch, error))
                        else:
                            reported.extend(batch.events)

            run(scenario)
            arrived = {event.id: event for event in target.arrived()}
            for event in reported:
                there = arrived.get(event.id)
                assert there is not None, f"{event.id} counts as delivered and has not arrived"
                assert there.data == event.data, f"{event.id} has arrived with another payload"

    @rule(Level.BRONZE)
    def test_hides_secrets_from_reprs(self) -> None:
        """Whatever is shown in a traceback or a log must show no secret."""
        with self.target() as target:
            secrets = self.secrets(target)
            shown = [repr(target.sink)]

            async def scenario() -> None:
                async with target.sink.open() as out:
                    shown.append(repr(out))

            run(scenario)
            leaking = [text.partition("(")[0] for text in shown if shows(text, secrets)]
            assert not leaking, f"the repr of {leaking[0]} shows a secret"
