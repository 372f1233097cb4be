"""One sink as its pipeline sees it: attempts, each with a time-out and through the breaker, and what came of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Literal

import attrs
import trio

from jackfield._delivery.breaker import Breaker
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.sink import Batch, OpenSink
from jackfield.reports import Report, SinkDisabled, SinkPaused

__all__ = ["SinkRunner", "SinkStats"]

# Somebody must act before refused credentials are taken; a renewed secret is noticed soon enough at this pace.
PAUSE_SECONDS = (15.0, 30.0)


@attrs.define
class SinkStats:
    """What one sink has got since it was opened."""

    state: Literal["delivering", "retrying", "paused", "disabled"] = "delivering"
    delivered: int = 0
    dropped: int = 0
    """Events that were routed here and lost."""
    dead: int = 0
    """Events that the sink refused for good, and that are among the dead letters."""
    failures: int = 0
    """Attempts that failed."""
    lag: int = 0
    """Events in the journal behind this sink's cursor, routed here or not."""


@attrs.define(eq=False)
class SinkRunner:
    """Where the events of one sink go out."""

    name: str
    _sink: OpenSink
    _timeout: float
    breaker: Breaker
    report: Callable[[Report], None]
    rng: random.Random
    stats: SinkStats = attrs.field(factory=SinkStats)
    disabled: trio.Event = attrs.field(factory=trio.Event)
    """The receiver wants nothing any more."""
    _changed: trio.Event = attrs.field(factory=trio.Event)

    async def attempt(self, events: Sequence[Event]) -> DeliveryError | None:
        """Send a batch once, as soon as the breaker allows it; ``None`` where all of it arrived."""
        await self._wait_for_breaker()
        try:
            failure = await self._write(Batch(tuple(events)))
        except BaseException:
            self.breaker.unprobed()
            self._wake_waiting()
            raise
        if failure is None:
            self.stats.delivered += len(events)
            self._works()
        else:
            self.stats.delivered += failure.delivered
            self.stats.failures += 1
            self._learn(failure)
        self._wake_waiting()
        return failure

    async def _wait_for_breaker(self) -> None:
        while (seconds := self.breaker.ask(trio.current_time())) > 0:
            changed = self._changed
            with trio.move_on_after(seconds):
                await changed.wait()

    async def _write(self, batch: Batch) -> DeliveryError | None:
        try:
            with trio.move_on_after(self._timeout) as scope:
                await self._sink.write(batch)
        except DeliveryError as error:
            return error
        except Exception as error:  # noqa: BLE001  # a sink's bug must not end the other sinks
            return DeliveryError(f"the sink failed: {type(error).__name__}: {error}")
        if scope.cancelled_caught:
            return DeliveryError(f"it did not take {len(batch)} events within {self._timeout:g} s")
        return None

    def _learn(self, failure: DeliveryError) -> None:
        now = trio.current_time()
        if failure.delivered or failure.on_error == "dead_letter":
            self._works()
        match failure.on_error:
            case "pause":
                self.breaker.hold(now, self.rng.uniform(*PAUSE_SECONDS))
                if self.stats.state != "paused":
                    self.report(SinkPaused(self.name, failure.reason))
                self.stats.state = "paused"
            case "disable":
                self.stats.state = "disabled"
                self.report(SinkDisabled(self.name, failure.reason))
                self.disabled.set()
            case "retry":
                if failure.retry_after is not None:
                    self.breaker.hold(now, failure.retry_after)
                self.breaker.failed(now)
                self.stats.state = "retrying"

    def _works(self) -> None:
        self.breaker.succeeded()
        self.stats.state = "delivering"

    def _wake_waiting(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
