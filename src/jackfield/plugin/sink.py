"""What a sink is: the plugin that delivers events out of the process.

A sink is an attrs class of options, one object for each ``[sinks.…]`` table, with one member:
`open`. It is offered to the host as a `SinkSpec` by the hook ``jackfield_sinks``.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

from jackfield.events import Event

__all__ = ["Batch", "OpenSink", "Sink", "SinkSpec"]


@attrs.frozen
class Batch:
    """Events for one sink, in order, never empty."""

    events: tuple[Event, ...]

    def __len__(self) -> int:
        return len(self.events)


class OpenSink(Protocol):
    """A sink that is ready to take events.

    The host calls it from as many tasks at a time as ``delivery.concurrency`` says, one by default, and
    never from two with events of one correlation.
    """

    async def write(self, batch: Batch) -> None:
        """Deliver the batch; return once every event of it is durably delivered.

        `DeliveryError` where it is not, saying how many were and what to do about the rest. May be
        cancelled at any moment; what was not delivered then is sent again.
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
