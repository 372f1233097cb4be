"""Reports about sinks; among `jackfield.reports`."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

__all__ = [
    "DeliveryFailed",
    "DeliveryResumed",
    "EventDeadLettered",
    "SinkContractBroken",
    "SinkDisabled",
    "SinkPaused",
]


@attrs.frozen
class DeliveryFailed:
    """An attempt to deliver a batch failed; what is missing will be sent again."""

    level: ClassVar[Literal["warning"]] = "warning"
    sink: str
    reason: str
    attempt: int
    retry_in: float

    def __str__(self) -> str:
        return f"sink {self.sink}: attempt {self.attempt} failed: {self.reason}; next in {self.retry_in:.1f} s"


@attrs.frozen
class DeliveryResumed:
    """A sink delivers again after failures."""

    level: ClassVar[Literal["info"]] = "info"
    sink: str
    attempts: int

    def __str__(self) -> str:
        return f"sink {self.sink}: delivers again, after {self.attempts} attempts"


@attrs.frozen
class SinkPaused:
    """A sink rejects our credentials, or its endpoint is wrong: nothing is dropped, and it is tried again slowly."""

    level: ClassVar[Literal["error"]] = "error"
    sink: str
    reason: str

    def __str__(self) -> str:
        return f"sink {self.sink}: paused, its events wait: {self.reason}"


@attrs.frozen
class SinkDisabled:
    """A receiver accepts nothing any more: nothing is sent to it until the next start."""

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


@attrs.frozen
class SinkContractBroken:
    """A sink's plugin breaks its contract; reported at the first and then at each doubling of the count.

    Nothing is lost by it: what the plugin said is not used.
    """

    level: ClassVar[Literal["error"]] = "error"
    sink: str
    problem: str
    total: int
    """How often since the start."""

    def __str__(self) -> str:
        return f"sink {self.sink}: its plugin breaks the contract ({self.total} so far): {self.problem}"
