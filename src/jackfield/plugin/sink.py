"""What a sink is: the plugin that delivers events out of the process.

A sink is an attrs class of options, one object for each ``[sinks.…]`` table, with one member:
`open`. It is offered to the host as a `SinkSpec` by the hook ``jackfield_sinks``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

from jackfield.events import Event

__all__ = ["Batch", "OpenSink", "Sink", "SinkSpec"]


@attrs.define(eq=False)
class Batch:
    """Events for one sink, in order, never empty, and how many of them have arrived.

    A batch keeps its content until it is settled: after a failure the same events come again, less those that arrived.
    """

    events: tuple[Event, ...]
    sink: str = attrs.field(default="", kw_only=True)
    """The sink's name in the configuration."""
    attempt: int = attrs.field(default=1, kw_only=True)
    """1 when these events are written for the first time since the start; above that some may be there already."""
    _positions: tuple[str, ...] | Callable[[], tuple[str, ...]] = attrs.field(default=(), kw_only=True, repr=False)
    """Made when a sink asks for them: most do not."""
    _fences: tuple[int, ...] | Callable[[], tuple[int, ...]] = attrs.field(default=(), kw_only=True, repr=False)
    _on_progress: Callable[[list[int]], None] | None = attrs.field(default=None, kw_only=True, repr=False)
    _some_missing: dict[int, None] | None = attrs.field(init=False, default=None, repr=False)
    """``None`` while no event was reported as delivered: most batches are reported in one step."""

    def __len__(self) -> int:
        return len(self.events)

    @property
    def positions(self) -> tuple[str, ...]:
        """The journal's position of each event: no other event has it, of another journal neither.

        As texts the positions of one journal sort in its order.

        A sink that stores them in the transaction that stores the events can leave out what it has; also of what is
        replayed, for an event keeps its position, as a dead letter too.
        """
        if callable(self._positions):
            self._positions = self._positions()
        return self._positions

    @property
    def fences(self) -> tuple[int, ...]:
        """The fencing number under which each event's feed was held; 0 for none, and no numbers without a cluster.

        A sink to which several gateways write can compare it with the highest number that it has seen of the feed: an
        event with a lower one comes from a gateway that did not know yet that another one had taken over.
        """
        if callable(self._fences):
            self._fences = self._fences()
        return self._fences

    @property
    def missing(self) -> tuple[int, ...]:
        """The indexes of the events that were not reported as delivered."""
        return tuple(range(len(self.events)) if self._some_missing is None else self._some_missing)

    def delivered(self, count: int) -> None:
        """Report that the first `count` events have arrived: they are not sent again, whatever becomes of the rest.

        To be called as soon as it is known, after each request or flush: ``delivery.timeout`` runs from the last
        progress. From the task that called `write`, not from a thread.
        """
        if count >= len(self.events):
            self._arrived(list(self.missing))
        else:
            self.delivered_each(range(count))

    def delivered_each(self, indexes: Iterable[int]) -> None:
        """Report that the events at these indexes have arrived, where they do not arrive in order."""
        if self._some_missing is None:
            self._some_missing = dict.fromkeys(range(len(self.events)))
        missing = self._some_missing
        self._arrived([index for index in dict.fromkeys(indexes) if index in missing])

    def _arrived(self, arrived: list[int]) -> None:
        if self._some_missing is None or len(arrived) == len(self._some_missing):
            self._some_missing = {}
        else:
            for index in arrived:
                del self._some_missing[index]
        if arrived and self._on_progress is not None:
            self._on_progress(arrived)


class OpenSink(Protocol):
    """A sink that is ready for events.

    The host calls it from as many tasks at a time as ``delivery.concurrency`` says, one by default, and
    never from two with events of one correlation.
    """

    async def write(self, batch: Batch) -> None:
        """Deliver the batch; return once every event of it is durably delivered.

        `DeliveryError` where it is not, saying which arrived and what to do about the rest. Call `Batch.delivered` on
        the way where a batch is more than one step. May be cancelled at any moment; what was not reported as
        delivered then is sent again.
        """
        ...


class Sink(Protocol):
    """One configured sink; implemented by the class that `SinkSpec.cls` names."""

    def open(self) -> AbstractAsyncContextManager[OpenSink]:
        """Make the sink ready and, at the end, close it; may be entered again after that.

        `DeliveryError` or `OSError` where it cannot be made ready: the host does not start then.
        """
        ...


@attrs.frozen
class SinkSpec:
    """What a plugin offers through the hook ``jackfield_sinks``."""

    name: str
    """What a configuration says as ``type = "…"``."""
    summary: str
    """One line for ``jackfield plugins``."""
    cls: type[Sink]
    """The attrs class that a ``[sinks.…]`` table is structured into."""
    batch_events: int = 100
    """How many events it is handed at once, at most, where ``delivery.batch_events`` does not say.

    A sink whose `write` costs much the same for few events as for many, such as one trip to a thread, keeps up with
    its feeds only if it gets many.
    """
