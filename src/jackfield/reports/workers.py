"""Reports about the processes that hold the feeds, where there are several; among `jackfield.reports`."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

import attrs

from jackfield.reports.latency import Latency

__all__ = ["WorkerEnded", "WorkerStarted", "WorkerStats"]


@attrs.frozen
class WorkerStats:
    """One of the processes that hold the feeds, as it stands now."""

    up: bool
    since: datetime
    """When it came up, or ended."""
    feeds: tuple[str, ...]
    """What it holds, or will hold again."""
    restarts: int = 0
    """How often it was started again."""
    loop_delays: Latency = attrs.field(factory=Latency)
    """How late its event loop was."""


@attrs.frozen
class WorkerStarted:
    """A process of the gateway's has taken its feeds."""

    level: ClassVar[Literal["info"]] = "info"
    worker: int
    process: int
    feeds: tuple[str, ...]

    def __str__(self) -> str:
        return f"worker {self.worker}: process {self.process} holds {', '.join(self.feeds) or 'no feed'}"


@attrs.frozen
class WorkerEnded:
    """A process of the gateway's has ended and will be started again; its next run announces its feeds' gap."""

    level: ClassVar[Literal["error"]] = "error"
    worker: int
    process: int
    reason: str
    feeds: tuple[str, ...]
    """The feeds that nobody holds meanwhile."""
    retry_in: float
    """Seconds until it is started again."""

    def __str__(self) -> str:
        feeds = f"; nobody holds {', '.join(self.feeds)}" if self.feeds else ""
        return (
            f"worker {self.worker}: process {self.process} {self.reason}{feeds}; started again in {self.retry_in:.1f} s"
        )
