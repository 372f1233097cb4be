"""One sink as its pipeline sees it: attempts, each with a time limit and through the breaker, and what came of them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from functools import partial

import attrs
import trio

from jackfield._delivery.breaker import Breaker
from jackfield._delivery.failure import Failure, checked_failure, delivery_error
from jackfield._delivery.suspicion import ROW, Suspicion, Verdict
from jackfield._net.exception_groups import leaves
from jackfield.events import Event, Record
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.sink import Batch, OpenSink
from jackfield.reports import Report, SinkContractBroken, SinkDisabled, SinkPaused
from jackfield.reports._counters import SinkCounters
from jackfield.reports._thinning import is_due

__all__ = ["FenceOf", "SinkRunner"]

FenceOf = Callable[[int, Event], int]

# Somebody must act before rejected credentials are accepted; a renewed secret is noticed soon enough at this pace.
PAUSE_SECONDS = (15.0, 30.0)


@attrs.define(eq=False)
class SinkRunner:
    """Writes to one sink, for all of its partitions."""

    name: str
    _sink: OpenSink
    _timeout: float
    """Seconds without progress after which an attempt is cancelled."""
    breaker: Breaker
    report: Callable[[Report], None]
    rng: random.Random
    _redact: Redactor = attrs.field(factory=Redactor)
    """For what a sink says of a failure: a server may have worded it, and it is reported and kept with dead letters."""
    _position_of: Callable[[int], str] = "{:016d}".format
    """The position by which the sink knows the event with that number."""
    _fence_of: FenceOf | None = None
    """The fencing number of an event by its number; ``None`` where no feed is shared with other gateways."""
    counters: SinkCounters = attrs.field(factory=SinkCounters)
    suspicion: Suspicion = attrs.field(factory=Suspicion)
    disabled: trio.Event = attrs.field(factory=trio.Event)
    """Set when the receiver accepts nothing any more."""
    _breaches: int = 0
    _changed: trio.Event = attrs.field(factory=trio.Event)

    async def admitted(self) -> None:
        """Wait until the breaker admits an attempt; the caller must `attempt` at once."""
        while (seconds := self.breaker.ask(trio.current_time())) > 0:
            changed = self._changed
            with trio.move_on_after(seconds):
                await changed.wait()

    async def attempt(
        self, records: Sequence[Record], attempt: int, arrived: Callable[[list[int]], None]
    ) -> Failure | None:
        """Send a batch once; ``None`` where all of it arrived.

        `arrived` is called with the indexes of events as soon as they are known to have arrived, also where this is
        cancelled.
        """
        scope = trio.CancelScope(deadline=trio.current_time() + self._timeout)
        batch = Batch(
            tuple([event for _, event in records]),
            sink=self.name,
            attempt=attempt,
            positions=lambda: tuple([self._position_of(number) for number, _ in records]),
            fences=() if (of := self._fence_of) is None else lambda: tuple([of(*record) for record in records]),
            on_progress=partial(self._progressed, scope, arrived),
        )
        began = trio.current_time()
        if attempt > 1:
            self.counters.retried += len(records)
        try:
            failure = await self._write(batch, scope)
        except BaseException:
            self.breaker.unprobed()
            raise
        else:
            if failure is not None:
                self.counters.failures += 1
                self._learn(failure)
            return failure
        finally:
            self.counters.batches.observe(trio.current_time() - began)
            self._wake_waiting()

    def suspect(self, keys: Sequence[Hashable], reason: str) -> Verdict:
        """What an answer is about that may be about the endpoint; pauses the sink where it is."""
        verdict = self.suspicion.suspect(keys)
        if verdict == "endpoint":
            several = f"{ROW} answers in a row, for several correlations, say that the endpoint is wrong"
            self._pause(f"{several}; the last: {reason}")
        else:
            self.counters.state = "retrying"
        return verdict

    async def _write(self, batch: Batch, scope: trio.CancelScope) -> Failure | None:
        failure: Failure | None = None
        with scope:
            failure = await self._outcome(batch)
            # A sink may swallow its cancellation, and return as if it were done.
            cut_off = trio.current_effective_deadline() == -math.inf
            if failure is not None:
                batch.delivered_each(failure.arrived)
            elif not cut_off:
                batch.delivered(len(batch))
        if not batch.missing:
            return failure
        await trio.lowlevel.checkpoint_if_cancelled()  # from outside, at the end of the gateway
        if failure is not None:
            return failure
        return Failure(f"no progress within {self._timeout:g} s; {len(batch.missing)} events are missing", "retry")

    async def _outcome(self, batch: Batch) -> Failure | None:
        """What a write ends with, whatever the plugin raises; what it is cancelled with passes."""
        try:
            await self._sink.write(batch)
        except (Exception, SystemExit, BaseExceptionGroup) as error:  # a sink's bug must not end others
            if isinstance(error, BaseExceptionGroup):
                if not all(isinstance(each, Exception | SystemExit | trio.Cancelled) for each in leaves(error)):
                    raise
                await trio.lowlevel.checkpoint_if_cancelled()
            failure = self._read(error, batch)
            for breach in failure.breaches:
                self._breaches += 1
                if is_due(self._breaches):
                    self.report(SinkContractBroken(self.name, breach, self._breaches))
            return failure
        return None

    def _read(self, error: BaseException, batch: Batch) -> Failure:
        if (said := delivery_error(error)) is not None:
            with suppress(Exception):  # such as of a subclass without the attributes
                failure = checked_failure(said, batch.missing, len(batch))
                return attrs.evolve(failure, reason=self._redact(failure.reason))
        described = self._redact(_described(error))
        return Failure(f"the sink failed: {described}", "retry", breaches=(described,))

    def _progressed(self, scope: trio.CancelScope, arrived: Callable[[list[int]], None], indexes: list[int]) -> None:
        scope.deadline = trio.current_time() + self._timeout
        self.counters.delivered += len(indexes)
        self._works()
        arrived(indexes)

    def _learn(self, failure: Failure) -> None:
        now = trio.current_time()
        match failure.on_error:
            case "dead_letter":
                if failure.endpoint_suspected:
                    self.breaker.succeeded()  # it answers; `suspect` says what about
                else:
                    self._works()
            case "pause":
                self._pause(failure.reason)
            case "disable":
                self.counters.state = "disabled"
                self.report(SinkDisabled(self.name, failure.reason))
                self.disabled.set()
            case "retry":
                if failure.retry_after is not None:
                    self.breaker.hold(now, failure.retry_after)
                self.breaker.failed(now)
                self.counters.state = "paused" if self.suspicion.paused else "retrying"

    def _pause(self, reason: str) -> None:
        self.breaker.hold(trio.current_time(), self.rng.uniform(*PAUSE_SECONDS))
        if self.counters.state != "paused":
            self.report(SinkPaused(self.name, reason))
        self.counters.state = "paused"

    def _works(self) -> None:
        self.breaker.succeeded()
        self.suspicion.succeeded()
        if not self.disabled.is_set():
            self.counters.state = "delivering"

    def _wake_waiting(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


def _described(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(dict.fromkeys(map(_described, leaves(error))))
    with suppress(Exception):  # its own text may fail
        return f"{type(error).__name__}: {error}"
    return type(error).__name__
