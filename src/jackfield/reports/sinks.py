"""Reports about sinks; among `jackfield.reports`."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

__all__ = [
    "DeliveryFailed",
    "DeliveryResumed",
    "EventDeadLettered",
    "SinkDisabled",
    "SinkPaused",
]


@attrs.frozen
class DeliveryFailed:
    """A sink did not take a batch; it will be tried again."""

    level: ClassVar[Literal["warning"]] = "warning"
    sink: str
    reason: str
    attempt: int
    retry_in: float

    def __str__(self) -> str:
        return f"sink {self.sink}: attempt {self.attempt} failed: {self.reason}; next in {self.retry_in:.1f} s"


@attrs.frozen
class DeliveryResumed:
    """A sink takes events again."""

    level: ClassVar[Literal["info"]] = "info"
    sink: str
    attempts: int

    def __str__(self) -> str:
        return f"sink {self.sink}: delivers again, after {self.attempts} attempts"


@attrs.frozen
class SinkPaused:
    """A sink turned our credentials down: nothing is sent and nothing dropped until somebody acts."""

    level: ClassVar[Literal["error"]] = "error"
    sink: str
    reason: str

    def __str__(self) -> str:
        return f"sink {self.sink}: paused, its events wait: {self.reason}"


@attrs.frozen
class SinkDisabled:
    """A receiver wants nothing any more: nothing is sent to it until the next start."""

    level: ClassVar[Literal["error"]] = "error"
    sink: str
    reason: str

    def __str__(self) -> str:
        return f"sink {self.sink}: disabled until the next start: {self.reason}"


@attrs.frozen
class EventDeadLettered:
    """A sink refused an event for good; reported at the first and then at each doubling of the count."""

    level: ClassVar[Literal["error"]] = "error"
    sink: str
    reason: str
    attempts: int
    total: int
    """How many events of this sink became dead letters since the start."""

    def __str__(self) -> str:
        return f"sink {self.sink}: an event became a dead letter ({self.total} so far): {self.reason}"
