"""How late an event loop is, measured all the time."""

from __future__ import annotations

import attrs
import trio

from jackfield.reports.latency import Latency, LatencyCounter

__all__ = ["LoopDelays"]

MEASURE_SECONDS = 0.25


@attrs.define(eq=False)
class LoopDelays:
    """How late the loop was each time that it was measured."""

    _counter: LatencyCounter = attrs.field(factory=LatencyCounter)

    async def measure(self) -> None:
        """Keep measuring."""
        while True:
            due = trio.current_time() + MEASURE_SECONDS
            await trio.sleep_until(due)
            self._counter.observe(max(0.0, trio.current_time() - due))

    def snapshot(self) -> Latency:
        """The counts as they are now."""
        return self._counter.snapshot()
