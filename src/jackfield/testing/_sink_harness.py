"""How the suite for sinks writes to one, and what it asks of a target afterwards."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Self

import attrs
import trio
import trio.testing

from jackfield._net.exception_groups import sole_cause
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.sink import Batch, OpenSink
from jackfield.testing._sink_target import SinkTarget

__all__ = [
    "STEPS",
    "WAIT_SECONDS",
    "CancelAt",
    "Rescue",
    "cut",
    "deliver_with_retries",
    "failure_of",
    "missing_of",
    "reported_of",
    "run",
    "wait_for_arrival",
]

WAIT_SECONDS = 10.0
"""Seconds: what a target that works needs for a few events, and much more."""
STEPS = (*range(14), 17, 21, 34)
"""After so many steps of tasks a write is interrupted, one after the other, until it is through."""
ATTEMPTS = 10
POLL_SECONDS = 0.01
TURN_SECONDS = 0.05


def run(
    scenario: Callable[[], Awaitable[None]], *instruments: trio.abc.Instrument, clock: trio.abc.Clock | None = None
) -> None:
    """Play a scenario in real time, or on a clock of its own, and not for ever."""

    async def limited() -> None:
        with trio.fail_after(WAIT_SECONDS if clock is None else float("inf")):
            await scenario()

    try:
        trio.run(limited, instruments=instruments, clock=clock)
    except BaseExceptionGroup as group:
        raise sole_cause(group) from None


def cut(events: Sequence[Event], sizes: Iterable[int]) -> list[tuple[Event, ...]]:
    """The events in batches of these sizes."""
    rest = iter(events)
    return [tuple(next(rest) for _ in range(size)) for size in sizes]


def missing_of(events: Iterable[Event], arrived: Iterable[Event]) -> list[str]:
    """The ids of the events that have not arrived."""
    there = {event.id for event in arrived}
    return [event.id for event in events if event.id not in there]


async def wait_for_arrival(events: Iterable[Event], target: SinkTarget, seconds: float = 1.0) -> list[str]:
    """The ids of the events that have not arrived within so many seconds."""
    events = list(events)
    missing = missing_of(events, target.arrived())
    for _ in range(round(seconds / POLL_SECONDS)):
        if not missing:
            break
        await trio.sleep(POLL_SECONDS)
        missing = missing_of(events, target.arrived())
    return missing


def reported_of(batch: Batch, error: DeliveryError | None) -> list[Event]:
    """The events that the host does not send again after a write that failed, or was cancelled."""
    missing = set(batch.missing)
    if error is not None:
        missing -= set(range(error.delivered))
        if error.failed is not None:
            missing &= set(error.failed)
    return [event for index, event in enumerate(batch.events) if index not in missing]


async def failure_of(out: OpenSink, batch: Batch) -> DeliveryError:
    """The error of a write that must fail."""
    try:
        await out.write(batch)
    except DeliveryError as error:
        return error
    raise AssertionError("its target rejects every event, and write has returned as if they were delivered")


async def deliver_with_retries(out: OpenSink, events: Sequence[Event], target: SinkTarget) -> None:
    """Deliver as the host does, with a target that recovers after the first failure."""
    for attempt in range(ATTEMPTS):
        batch = Batch(tuple(events), attempt=attempt + 1)
        try:
            await out.write(batch)
        except DeliveryError as error:
            reported = {event.id for event in reported_of(batch, error)}
            events = [event for event in events if event.id not in reported]
            target.recover()
        else:
            return
        if not events:
            return
    raise AssertionError(f"its target works again, and {ATTEMPTS} attempts were in vain")


@attrs.define(eq=False)
class CancelAt(trio.abc.Instrument):
    """Cancels a scope after so many steps of tasks, so that a write is interrupted at each of its awaits in turn."""

    _steps: int
    _scope: trio.CancelScope | None = None

    def start(self, scope: trio.CancelScope) -> None:
        """Count from now on; cancel at once where there is nothing to count."""
        if self._steps:
            self._scope = scope
        else:
            scope.cancel()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Cancel when it is time."""
        if self._scope is not None:
            self._steps -= 1
            if self._steps <= 0:
                self._scope.cancel()
                self._scope = None


@attrs.define(eq=False)
class Rescue:
    """Has a target that hangs go on after some seconds, so that a write that heeds nothing ends too, and the test.

    They are counted in turns of a thread: a process that stands still as a whole loses none.
    """

    _recover: Callable[[], None]
    _seconds: float
    came: bool = False
    """Whether it was needed."""
    _started: bool = False
    _over: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread = attrs.Factory(
        lambda self: threading.Thread(target=self._wait, name="rescue", daemon=True), takes_self=True
    )

    def start(self) -> None:
        """Count from now on."""
        self._started = True
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._started:
            self._thread.join()

    def _wait(self) -> None:
        for _ in range(round(self._seconds / TURN_SECONDS)):
            if self._over.wait(TURN_SECONDS):
                return
        self.came = True
        self._recover()
