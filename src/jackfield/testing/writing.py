"""How the suite for sinks writes to one, and what it asks of a place afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

import trio

from jackfield._net.exception_groups import sole_cause
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.sink import Batch, OpenSink
from jackfield.testing.places import Place

__all__ = ["WAIT_SECONDS", "cut", "failure_of", "insist", "missing_of", "run"]

WAIT_SECONDS = 10.0
"""Seconds: what a place that works needs for a few events, and much more."""
ATTEMPTS = 10


def run(scene: Callable[[], Awaitable[None]]) -> None:
    """Play a scene in real time, and not for ever."""

    async def limited() -> None:
        with trio.fail_after(WAIT_SECONDS):
            await scene()

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
    raise AssertionError("its place takes nothing, and write has returned")


async def insist(out: OpenSink, events: Sequence[Event], place: Place) -> None:
    """Deliver as the host does, with a place that is mended after the first failure."""
    for _ in range(ATTEMPTS):
        try:
            await out.write(Batch(tuple(events)))
        except DeliveryError as error:
            events = events[error.delivered :]
            place.mend()
        else:
            return
        if not events:
            return
    raise AssertionError(f"its place works again, and {ATTEMPTS} attempts were in vain")
