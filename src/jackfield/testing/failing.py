"""The rules about a sink whose place fails, or that is cancelled."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import trio

from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.sink import Batch
from jackfield.testing.places import DeclaredSink, sample_events
from jackfield.testing.rules import Level, rule
from jackfield.testing.writing import WAIT_SECONDS, cut, failure_of, insist, missing_of, run

__all__ = ["Failing"]

TIME_OUT = 0.2
HEEDED_WITHIN = 2.0


class Failing(DeclaredSink):
    """Everything that can be seen of a sink on a bad day."""

    @rule(Level.BRONZE)
    def test_fails_with_delivery_errors(self) -> None:
        """The host knows what to do about a DeliveryError, and of any other exception that it is a bug."""
        with self.place() as place:

            async def scene() -> None:
                async with place.sink.open() as out:
                    self.failing(place)
                    error = await failure_of(out, sample_events(3))
                    assert error.reason.strip(), "the DeliveryError gives no reason"
                    assert error.on_error != "dead_letter", (
                        "good events are refused for good because their place is down"
                    )
                    place.mend()

            run(scene)

    @rule(Level.SILVER)
    def test_fails_to_open_in_order(self) -> None:
        """What cannot be opened must say so as the host expects it, and open once the cause is gone."""
        with self.place() as place:

            async def scene() -> None:
                self.failing(place)
                try:
                    async with place.sink.open():
                        pass
                except (DeliveryError, OSError):
                    pass
                place.mend()
                async with place.sink.open() as out:
                    await out.write(Batch(tuple(sample_events(1))))

            run(scene)

    @rule(Level.BRONZE)
    def test_closes_when_cancelled(self) -> None:
        """At the end of its time the host cancels, and what was written must stay written."""
        events = sample_events(3)
        with self.place() as place:

            async def scene() -> None:
                with trio.CancelScope() as scope:
                    async with place.sink.open() as out:
                        await out.write(Batch(tuple(events)))
                        scope.cancel()
                        await trio.lowlevel.checkpoint()

            run(scene)
            missing = missing_of(events, place.arrived())
            assert not missing, f"it was closed, and {missing[0]} is not there"

    @rule(Level.SILVER)
    def test_can_be_cancelled(self) -> None:
        """A write that is cancelled and returns as if it were done loses what it had in hand."""
        first, second = sample_events(3, "first"), sample_events(3, "second")
        with self.place() as place:
            done: list[bool] = []

            async def scene() -> None:
                async with place.sink.open() as out:
                    with trio.CancelScope() as scope:
                        scope.cancel()
                        await out.write(Batch(tuple(first)))
                    done.append(not scope.cancelled_caught)
                    await out.write(Batch(tuple(second)))

            run(scene)
            missing = missing_of([*(first if done[0] else []), *second], place.arrived())
            assert not missing, f"a write returned after a cancellation, and {missing[0]} has not arrived"

    @rule(Level.SILVER)
    def test_delivers_at_least_once(self) -> None:
        """Whatever fails on the way, what the host sends again must arrive."""
        events = sample_events(24)
        with self.place() as place:

            async def scene() -> None:
                async with place.sink.open() as out:
                    for number, batch in enumerate(cut(events, (4,) * 6)):
                        if number % 2:
                            self.failing(place, 1 if self.fails_midway else 0)
                        await insist(out, batch, place)

            run(scene)
            missing = missing_of(events, place.arrived())
            assert not missing, f"{missing[0]} was sent again, and never arrived"

    @rule(Level.GOLD)
    def test_counts_honestly(self) -> None:
        """What a DeliveryError counts as delivered is not sent again: one too many is one lost."""
        with self.place() as place:
            events = sample_events(10)
            counts: list[tuple[int, Sequence[Event]]] = []

            async def scene() -> None:
                async with place.sink.open() as out:
                    for after, batch in zip((0, 2), cut(events, (5, 5)), strict=True):
                        self.failing(place, after if self.fails_midway else 0)
                        counts.append(((await failure_of(out, batch)).delivered, batch))
                        place.mend()

            run(scene)
            for delivered, batch in counts:
                missing = missing_of(batch[:delivered], place.arrived())
                assert not missing, f"{delivered} events count as delivered, and {missing[0]} has not arrived"

    @rule(Level.GOLD)
    def test_heeds_time_outs(self) -> None:
        """A place that hangs must cost a write its time-out, and no more."""
        if not self.stalls:
            self.not_applicable("its place cannot be made to hang")
        with self.place() as place:
            stall = place.stall
            assert stall is not None, "stalls = True needs Place.stall"
            events = sample_events(3)
            # However the write is stuck, the test is not.
            rescue = threading.Timer(WAIT_SECONDS / 2, place.mend)

            async def scene() -> None:
                async with place.sink.open() as out:
                    stall()
                    rescue.start()
                    began = trio.current_time()
                    with trio.move_on_after(TIME_OUT):
                        await out.write(Batch(tuple(events)))
                    took = trio.current_time() - began
                    place.mend()
                    assert took < HEEDED_WITHIN, f"it was given {TIME_OUT} s and took {took:.1f} s"
                    await insist(out, events, place)

            try:
                run(scene)
            finally:
                rescue.cancel()
            assert not missing_of(events, place.arrived()), "it has not recovered from a time-out"

    @rule(Level.SILVER)
    def test_hides_secrets_from_errors(self) -> None:
        """Some receivers quote the credentials that they refuse, and no error may pass that on."""
        with self.place() as place:
            secrets = self.secrets(place)

            async def scene() -> None:
                async with place.sink.open() as out:
                    self.failing(place)
                    error = await failure_of(out, sample_events(2))
                    place.mend()
                    assert not any(secret in f"{error} {error!r}" for secret in secrets), "an error shows a secret"

            run(scene)
