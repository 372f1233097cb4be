"""The rules about a sink whose target fails, or that is cancelled."""

from __future__ import annotations

import contextlib

import trio
import trio.testing

from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.sink import Batch
from jackfield.testing._exposure import shows
from jackfield.testing._rules import Level, rule
from jackfield.testing._sink_harness import (
    STEPS,
    CancelAt,
    Rescue,
    cut,
    deliver_with_retries,
    failure_of,
    missing_of,
    reported_of,
    run,
    wait_for_arrival,
)
from jackfield.testing._sink_target import SinkDeclaration, SinkTarget, sample_events

__all__ = ["FailureRules"]

TIME_OUT = 0.2
HEEDED_WITHIN = 2.0
# When a target goes on that hangs, for a write that cannot be cancelled.
RESCUE_SECONDS = 1.5
# So many seconds pass in one, while a target hangs: time-outs of a sink's own come soon.
FAST = 500.0
OWN_TIME_OUT = 150.0


class FailureRules(SinkDeclaration):
    """Everything that can be seen of a sink on a bad day."""

    @rule(Level.BRONZE)
    def test_fails_with_delivery_errors(self) -> None:
        """The host knows what to do about a DeliveryError, and of any other exception that it is a bug."""
        with self.target() as target:

            async def scenario() -> None:
                async with target.sink.open() as out:
                    self.failing(target)
                    error = await failure_of(out, Batch(tuple(sample_events(3))))
                    assert error.reason.strip(), "the DeliveryError gives no reason"
                    assert error.on_error != "dead_letter", "good events are dead-lettered because their target is down"
                    target.recover()

            run(scenario)

    @rule(Level.SILVER)
    def test_fails_to_open_cleanly(self) -> None:
        """What cannot be opened must say so as the host expects it, and open once the cause is gone."""
        with self.target() as target:

            async def scenario() -> None:
                self.failing(target)
                try:
                    async with target.sink.open():
                        pass
                except (DeliveryError, OSError):
                    pass
                target.recover()
                async with target.sink.open() as out:
                    await out.write(Batch(tuple(sample_events(1))))

            run(scenario)

    @rule(Level.BRONZE)
    def test_closes_when_cancelled(self) -> None:
        """At the end of its time the host cancels, and what was written must stay written."""
        events = sample_events(3)
        with self.target() as target:

            async def scenario() -> None:
                with trio.CancelScope() as scope:
                    async with target.sink.open() as out:
                        await out.write(Batch(tuple(events)))
                        scope.cancel()
                        await trio.lowlevel.checkpoint()

            run(scenario)
            missing = missing_of(events, target.arrived())
            assert not missing, f"it was closed, and {missing[0]} is not there"

    @rule(Level.SILVER)
    def test_can_be_cancelled(self) -> None:
        """A write that is cancelled, at any await, and returns as if it were done loses what it had in hand."""
        with self.target() as target:
            for step in STEPS:
                cancelled = self._cancel_at(step, target)
                if not cancelled:
                    break

    def _cancel_at(self, step: int, target: SinkTarget) -> bool:
        """Write, and cancel after so many steps; whether the cancellation came out."""
        batch = Batch(tuple(sample_events(3, f"cancelled at step {step}")))
        after = sample_events(1, f"after {step}")
        canceller = CancelAt(step)
        outcome: list[DeliveryError | None] = []
        scope = trio.CancelScope()

        async def scenario() -> None:
            async with target.sink.open() as out:
                with scope:
                    canceller.start(scope)
                    try:
                        await out.write(batch)
                    except DeliveryError as error:
                        outcome.append(error)
                    else:
                        outcome.append(None)
                await out.write(Batch(tuple(after)))

        run(scenario, canceller)
        failed = outcome[0] if outcome else None
        assert failed is None, f"cancelled after {step} steps, write has raised {failed!r} in place of the cancellation"
        reported = batch.events if outcome else reported_of(batch, None)
        how = "write has returned" if outcome else "an event was reported as delivered"
        missing = missing_of([*reported, *after], target.arrived())
        assert not missing, f"cancelled after {step} steps, {how}, and {missing[0]!r} has not arrived"
        return not outcome

    @rule(Level.SILVER)
    def test_delivers_at_least_once(self) -> None:
        """Whatever fails on the way, what the host sends again must arrive."""
        events = sample_events(24)
        with self.target() as target:

            async def scenario() -> None:
                async with target.sink.open() as out:
                    for number, batch in enumerate(cut(events, (4,) * 6)):
                        if number % 2:
                            self.failing(target, 1 if self.fails_midway else 0)
                        await deliver_with_retries(out, batch, target)

            run(scenario)
            missing = missing_of(events, target.arrived())
            assert not missing, f"{missing[0]} was sent again, and never arrived"

    @rule(Level.GOLD)
    def test_counts_honestly(self) -> None:
        """What a DeliveryError counts as delivered is not sent again: one too many is one lost."""
        with self.target() as target:
            events = sample_events(10)
            counted: list[list[Event]] = []

            async def scenario() -> None:
                async with target.sink.open() as out:
                    for after, written in zip((0, 2), cut(events, (5, 5)), strict=True):
                        self.failing(target, after if self.fails_midway else 0)
                        batch = Batch(written)
                        counted.append(reported_of(batch, await failure_of(out, batch)))
                        target.recover()

            run(scenario)
            for reported in counted:
                missing = missing_of(reported, target.arrived())
                assert not missing, f"{len(reported)} events count as delivered, and {missing[0]} has not arrived"

    @rule(Level.GOLD)
    def test_honours_time_outs(self) -> None:
        """A target that hangs must cost a write its time-out, and no more."""
        if not self.stalls:
            self.not_applicable("its target cannot be made to hang")
        with self.target() as target, Rescue(target.recover, HEEDED_WITHIN) as rescue:
            stall = target.stall
            assert stall is not None, "stalls = True needs SinkTarget.stall"
            events = sample_events(3)

            async def scenario() -> None:
                async with target.sink.open() as out:
                    stall()
                    rescue.start()
                    with trio.move_on_after(TIME_OUT), contextlib.suppress(DeliveryError):
                        await out.write(Batch(tuple(events)))
                    late = rescue.came
                    target.recover()
                    assert not late, f"it was given {TIME_OUT} s, and ended only when its target went on"
                    await deliver_with_retries(out, events, target)

            run(scenario)
            assert not missing_of(events, target.arrived()), "it has not recovered from a time-out"

    @rule(Level.SILVER)
    def test_raises_its_own_time_outs(self) -> None:
        """A write that gives up after a time of its own has delivered nothing, and must raise and not return."""
        if not self.stalls:
            self.not_applicable("its target cannot be made to hang")
        with self.target() as target, Rescue(target.recover, RESCUE_SECONDS) as rescue:
            assert target.stall is not None, "stalls = True needs SinkTarget.stall"
            events = sample_events(3)
            clock = trio.testing.MockClock(rate=1.0)

            async def scenario() -> None:
                assert target.stall is not None
                async with target.sink.open() as out:
                    target.stall()
                    rescue.start()
                    returned = False
                    clock.rate = FAST
                    with trio.move_on_after(OWN_TIME_OUT):
                        try:
                            await out.write(Batch(tuple(events)))
                            returned = True
                        except DeliveryError:
                            pass
                    clock.rate = 1.0
                    target.recover()
                    missing = await wait_for_arrival(events, target) if returned else []
                    assert not missing, f"its target accepts nothing, write has returned, and {missing[0]} is lost"

            run(scenario, clock=clock)

    @rule(Level.SILVER)
    def test_hides_secrets_from_errors(self) -> None:
        """Some receivers quote the credentials that they refuse, and no error may pass that on."""
        with self.target() as target:
            secrets = self.secrets(target)

            async def scenario() -> None:
                async with target.sink.open() as out:
                    self.failing(target)
                    error = await failure_of(out, Batch(tuple(sample_events(2))))
                    target.recover()
                    assert not shows(f"{error} {error!r}", secrets), "an error shows a secret"

            run(scenario)
