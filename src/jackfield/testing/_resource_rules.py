"""The rules about what a sink does to the process that it runs in: the event loop, its descriptors, its log."""

from __future__ import annotations

import contextlib
import gc
import warnings
from functools import partial

import trio

from jackfield.errors import DeliveryError
from jackfield.plugin.sink import Batch
from jackfield.testing._exposure import captured_output
from jackfield.testing._leaks import left_open, open_descriptors
from jackfield.testing._rules import Level, rule
from jackfield.testing._sink_harness import STEPS, CancelAt, Rescue, run
from jackfield.testing._sink_target import SinkDeclaration, SinkTarget, sample_events
from jackfield.testing._watchdog import Watchdog

__all__ = ["ResourceRules"]

SHORT_SECONDS = 0.2
# Longer than the watchdog lets a step last, so that it says where a write is stuck before the target goes on.
RESCUE_SECONDS = 1.5


class ResourceRules(SinkDeclaration):
    """Everything that a sink can do to others in its process."""

    @rule(Level.SILVER)
    def test_never_blocks(self) -> None:
        """A call that blocks stops every feed and every other sink, for as long as the target takes."""
        watchdog = Watchdog()
        with self.target() as target, Rescue(target.recover, RESCUE_SECONDS) as rescue:

            async def scenario() -> None:
                async with target.sink.open() as out:
                    with watchdog.watching():
                        await out.write(Batch(tuple(sample_events(3))))
                        await out.write(Batch(tuple(sample_events(12, "more"))))
                        if self.stalls and target.stall is not None:
                            target.stall()
                            rescue.start()
                            with trio.move_on_after(SHORT_SECONDS), contextlib.suppress(DeliveryError):
                                await out.write(Batch(tuple(sample_events(3, "stalled"))))
                    target.recover()

            run(scenario, watchdog)
        assert not watchdog.found, f"write blocks the event loop: {'; '.join(dict.fromkeys(watchdog.found))}"

    @rule(Level.SILVER)
    def test_closes_what_it_opens(self) -> None:
        """A socket or a file that stays open after each failure is one of too many after a night of them."""
        with self.target() as target:
            self._use(target)  # what is opened once, such as by an import, is not a leak
            gc.collect()  # nor is what somebody else in this process has left behind
            before = open_descriptors()
            if before is None:
                self.not_applicable("this system does not list a process's descriptors")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", ResourceWarning)
                self._use(target)
                left = left_open(before)
                gc.collect()
            assert not left, f"the sink is closed, and still open is {', '.join(left)}"
            dropped = [str(each.message) for each in caught if each.category is ResourceWarning]
            assert not dropped, f"the sink left to the garbage collector: {dropped[0]}"

    def _use(self, target: SinkTarget) -> None:
        """Write, write to a target that rejects everything, be cancelled while writing, and close, each time."""

        async def good() -> None:
            async with target.sink.open() as out:
                await out.write(Batch(tuple(sample_events(3))))

        async def bad() -> None:
            async with target.sink.open() as out:
                if target.fail is not None:
                    target.fail(0)
                with contextlib.suppress(DeliveryError):
                    await out.write(Batch(tuple(sample_events(3))))
                target.recover()

        for scenario in (good, bad):
            run(scenario)
        for step in STEPS:
            canceller = CancelAt(step)
            scope = trio.CancelScope()
            run(partial(self._cancelled, target, canceller, scope), canceller)
            if not scope.cancelled_caught:
                break

    async def _cancelled(self, target: SinkTarget, canceller: CancelAt, scope: trio.CancelScope) -> None:
        async with target.sink.open() as out:
            with scope, contextlib.suppress(DeliveryError):
                canceller.start(scope)
                await out.write(Batch(tuple(sample_events(3))))

    @rule(Level.BRONZE)
    def test_hides_secrets_from_logs(self) -> None:
        """Logs are kept, copied and searched by more people than may know a password."""
        with self.target() as target:
            secrets = self.secrets(target)
            with captured_output(stdout=self.separate) as captured:
                self._use(target)
        leaks = captured.leaks(secrets)
        assert not leaks, f"{leaks[0]} shows a secret"
