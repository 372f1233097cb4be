"""What observers get: frozen facts about feeds, sinks, plugins, and about everything lost.

A report is made where something changes or goes wrong, never for each event; counts live in
`Gateway.state`. Its text is a sentence for an operator and holds no secret.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from jackfield.reports.cluster import ClusterLost, ClusterRejoined, FeedHeld, FeedReleased, StandbyOverflowed
from jackfield.reports.feed_states import FeedState
from jackfield.reports.feed_stats import FeedStats, WebhookStats
from jackfield.reports.fields import event_name, report_fields
from jackfield.reports.gaps import Backfilled, GapSuspected, NotVerified
from jackfield.reports.journal import (
    JournalCorrupted,
    JournalRecovered,
    JournalRescued,
    JournalTakenOver,
    JournalWriteFailed,
)
from jackfield.reports.latency import Latency
from jackfield.reports.reloads import ConfigReloaded, ConfigReloadFailed, SinkRemoved
from jackfield.reports.setup import DurableOwnerless, KindUnknown, PluginLoadFailed
from jackfield.reports.sinks import (
    DeliveryFailed,
    DeliveryResumed,
    EventDeadLettered,
    SinkContractBroken,
    SinkDisabled,
    SinkPaused,
)
from jackfield.reports.stats import (
    ClusterStats,
    DurableStats,
    JournalStats,
    ListenerState,
    Overflow,
    ServeStats,
    SharedFeed,
    SinkStats,
)
from jackfield.reports.webhooks import WebhookRejected, WebhookServerStarted
from jackfield.reports.workers import WorkerEnded, WorkerStarted, WorkerStats

__all__ = [
    "Backfilled",
    "ClusterLost",
    "ClusterRejoined",
    "ClusterStats",
    "ConfigReloadFailed",
    "ConfigReloaded",
    "ConnectionRenewed",
    "DeliveryFailed",
    "DeliveryResumed",
    "DurableOwnerless",
    "DurableStats",
    "EventDeadLettered",
    "EventsDropped",
    "FeedHeld",
    "FeedReleased",
    "FeedState",
    "FeedStateChanged",
    "FeedStats",
    "FrameInvalid",
    "GapSuspected",
    "JournalCorrupted",
    "JournalRecovered",
    "JournalRescued",
    "JournalStats",
    "JournalTakenOver",
    "JournalWriteFailed",
    "KindUnknown",
    "Latency",
    "Level",
    "ListenerState",
    "NotVerified",
    "Overflow",
    "PluginLoadFailed",
    "Report",
    "RequestFailed",
    "ServeStats",
    "SharedFeed",
    "SinkContractBroken",
    "SinkDisabled",
    "SinkPaused",
    "SinkRemoved",
    "SinkStats",
    "StandbyOverflowed",
    "StepSlow",
    "TopicConfirmed",
    "TopicRefused",
    "WebhookRejected",
    "WebhookServerStarted",
    "WebhookStats",
    "WorkerEnded",
    "WorkerStarted",
    "WorkerStats",
    "event_name",
    "report_fields",
]

Level = Literal["debug", "info", "warning", "error"]


@attrs.frozen
class FeedStateChanged:
    """A feed's connection came into another state."""

    level: ClassVar[Level] = "info"
    feed: str
    state: FeedState
    reason: str = ""
    """The reason, if it was not requested; or the number of active topics."""
    retry_in: float | None = None
    """Seconds until the next attempt, with the state `RECONNECTING`."""

    def __str__(self) -> str:
        text = f"{self.feed}: {self.state.value}{self.reason and ': '}{self.reason}"
        return text if self.retry_in is None else f"{text}; next attempt in {self.retry_in:.1f} s"


@attrs.frozen
class TopicConfirmed:
    """A vendor serves a topic."""

    level: ClassVar[Level] = "debug"
    feed: str
    topic: str

    def __str__(self) -> str:
        return f"{self.feed}: subscribed to {self.topic}"


@attrs.frozen
class TopicRefused:
    """A vendor does not serve a topic, or did not answer in time: its events will not come."""

    level: ClassVar[Level] = "error"
    feed: str
    topic: str
    reason: str

    def __str__(self) -> str:
        return f"{self.feed}: no subscription to {self.topic}: {self.reason}"


@attrs.frozen
class FrameInvalid:
    """A vendor's frame could not be read; reported at the first and then at each doubling of the count."""

    level: ClassVar[Level] = "warning"
    feed: str
    problem: str
    raw: bytes = attrs.field(repr=False)
    total: int
    """How many frames of this feed could not be read so far."""

    def __str__(self) -> str:
        return f"{self.feed}: unreadable frame ({self.total} so far): {self.problem}"


@attrs.frozen
class RequestFailed:
    """A request by HTTP that a feed's protocol needed got no answer, and is given up."""

    level: ClassVar[Level] = "error"
    feed: str
    reason: str

    def __str__(self) -> str:
        return f"{self.feed}: request failed: {self.reason}"


@attrs.frozen
class StepSlow:
    """A step of a provider's protocol held up everything else; reported at the first and at each doubling of the count.

    A protocol must only compute, and little for each frame: no file, no network, no sleep.
    """

    level: ClassVar[Level] = "warning"
    feed: str
    provider: str
    step: str
    """The protocol's input: ``received``, ``tick``, ``subscribe``."""
    seconds: float
    total: int
    """How many such steps this feed had so far."""

    def __str__(self) -> str:
        step = f"the step {self.step!r} of the provider {self.provider!r}"
        return f"{self.feed}: {step} held up everything else for {self.seconds:.1f} s ({self.total} so far)"


@attrs.frozen
class ConnectionRenewed:
    """A feed's connection was replaced by another without a gap, or could not be yet and goes on."""

    feed: str
    reason: str
    failure: str = ""
    retry_in: float | None = None
    """Seconds until the next attempt, after a failure."""

    @property
    def level(self) -> Level:
        """A failure is worth a warning."""
        return "warning" if self.failure else "info"

    def __str__(self) -> str:
        text = f"{self.feed}: connection {'not ' if self.failure else ''}renewed: {self.failure or self.reason}"
        return text if self.retry_in is None else f"{text}; next attempt in {self.retry_in:.1f} s"


@attrs.frozen
class EventsDropped:
    """Events were lost on our side."""

    level: ClassVar[Level] = "error"
    where: str
    """``sink crm``, ``listener contact.*`` or ``journal``."""
    count: int
    reason: str
    total: int
    """How many were lost there so far."""

    def __str__(self) -> str:
        return f"{self.where}: {self.count} events lost ({self.total} so far): {self.reason}"


Report = (
    FeedStateChanged
    | TopicConfirmed
    | TopicRefused
    | FrameInvalid
    | GapSuspected
    | NotVerified
    | WebhookServerStarted
    | WebhookRejected
    | Backfilled
    | RequestFailed
    | StepSlow
    | ConnectionRenewed
    | EventsDropped
    | DeliveryFailed
    | DeliveryResumed
    | SinkContractBroken
    | SinkPaused
    | SinkDisabled
    | EventDeadLettered
    | JournalWriteFailed
    | JournalRecovered
    | JournalRescued
    | JournalTakenOver
    | JournalCorrupted
    | ConfigReloaded
    | ConfigReloadFailed
    | SinkRemoved
    | ClusterLost
    | ClusterRejoined
    | FeedHeld
    | FeedReleased
    | StandbyOverflowed
    | WorkerStarted
    | WorkerEnded
    | KindUnknown
    | DurableOwnerless
    | PluginLoadFailed
)
