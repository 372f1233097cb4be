"""How the suite for sinks writes to one, and what it asks of a target afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

import trio

from jackfield._net.exception_groups import sole_cause
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.sink import Batch, OpenSink
from jackfield.testing._sink_target import SinkTarget

__all__ = ["WAIT_SECONDS", "cut", "deliver_with_retries", "failure_of", "missing_of", "run"]

WAIT_SECONDS = 10.0
"""Seconds: what a target that works needs for a few events, and much more."""
ATTEMPTS = 10


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Play a scenario in real time, and not for ever."""

    async def limited() -> None:
        with trio.fail_after(WAIT_SECONDS):
            await scenario()

    try:
        trio.run(limited)
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


async def failure_of(out: OpenSink, events: Sequence[Event]) -> DeliveryError:
    """The error of a write that must fail."""
    try:
        await out.write(Batch(tuple(events)))
    except DeliveryError as error:
        return error
    raise AssertionError("its target takes nothing, and write has returned")


async def deliver_with_retries(out: OpenSink, events: Sequence[Event], target: SinkTarget) -> None:
    """Deliver as the host does, with a target that recovers after the first failure."""
    for _ in range(ATTEMPTS):
        try:
            await out.write(Batch(tuple(events)))
        except DeliveryError as error:
            events = events[error.delivered :]
            target.recover()
        else:
            return
        if not events:
            return
    raise AssertionError(f"its target works again, and {ATTEMPTS} attempts were in vain")
