"""The rules about what a sink delivers while its target takes everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import trio
import trio.testing

from jackfield.events import Event
from jackfield.plugin.sink import Batch
from jackfield.testing._option_checks import problems_of_options
from jackfield.testing._rules import Level, rule
from jackfield.testing._sink_harness import cut, missing_of, run
from jackfield.testing._sink_target import SinkDeclaration, sample_events

__all__ = ["DeliveryRules"]


class DeliveryRules(SinkDeclaration):
    """Everything that can be seen of a sink on a good day."""

    @rule(Level.BRONZE)
    def test_describes_options(self) -> None:
        """Operators know an option by its one line of help only, and what is secret must be known to be."""
        with self.target() as target:
            assert problems_of_options(target.sink) == []

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
        """Events of one contact make sense in their order only."""
        events = sample_events(40)
        arrived = self._delivered(cut(events, (1, 7, 32)))
        first_seen = list(dict.fromkeys(event.id for event in arrived))
        wanted = [event.id for event in events if event.id in first_seen]
        assert first_seen == wanted, f"written as {wanted[:5]}…, arrived as {first_seen[:5]}…"

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
        """With parallel = N the host writes from N tasks at a time, and each batch must stay one."""
        batches = [sample_events(5, f"task {number}") for number in range(4)]
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
            assert not any(secret in text for secret in secrets for text in shown), "a repr shows a secret"
