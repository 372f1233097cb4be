"""A sink that keeps what it gets, for the tests of a program that embeds a gateway."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import attrs
import trio

from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.sink import Batch, OpenSink, SinkSpec

__all__ = ["RecordingSink"]


@attrs.define(eq=False)
class RecordingSink:
    """Keeps events, and fails when asked to; also the plugin that offers the sinks of type ``recording``.

    ::

        sink = RecordingSink()
        document = {…, "sinks": {"kept": {"type": "recording"}}, …}
        async with open_gateway(document, plugins=[sink]):
            await sink.wait_for(lambda event: event.kind == "contact.queued")
    """

    events: list[Event] = attrs.field(factory=list)
    """What has been delivered, in order."""
    attempts: int = 0
    """How often somebody has tried to deliver."""
    failure: DeliveryError | None = None
    """What every attempt fails with, for as long as it is set: ``DeliveryError("no room")``, or ``None``."""
    _came: trio.Event = attrs.field(factory=trio.Event, repr=False)

    async def wait_for(self, condition: Callable[[Event], bool], count: int = 1) -> list[Event]:
        """Wait until so many events that meet the condition have been delivered; these, from the first on."""
        while len(found := [event for event in self.events if condition(event)]) < count:
            await self._came.wait()
        return found[:count]

    async def write(self, batch: Batch) -> None:
        """Keep the batch, or fail."""
        await trio.lowlevel.checkpoint()
        self.attempts += 1
        if self.failure is not None:
            raise self.failure
        self.events += batch.events
        self._came.set()
        self._came = trio.Event()

    @hookimpl
    def jackfield_sinks(self) -> list[SinkSpec]:
        """Offer the sink ``recording``, which delivers here."""
        keeper = self

        @attrs.frozen
        class Recording:
            @asynccontextmanager
            async def open(self) -> AsyncGenerator[OpenSink, None]:
                yield keeper

        return [SinkSpec("recording", "keeps events for a test", Recording)]
