"""What comes out of a feed's driver: facts for the session, and work for the tasks of the connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import attrs

from jackfield.errors import ConnectionLost, FrameError
from jackfield.events import Event
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import Action, GapSuspected, NotVerified, Renew, Replan, Send

__all__ = [
    "BackfillEnded",
    "Effect",
    "EventsReceived",
    "FrameIgnored",
    "FrameUnreadable",
    "Lost",
    "Perform",
    "RequestFailed",
    "Settled",
    "SlowStep",
    "TopicRefused",
    "TopicServed",
]


@attrs.frozen
class EventsReceived:
    """The events of one read, in order; also where there are none, so that frames are counted."""

    events: list[Event]
    frames: int
    tokens: Mapping[str, str] = attrs.field(factory=dict)
    """By event id: what the vendor wants back once the event is committed."""


@attrs.frozen
class FrameUnreadable:
    """A frame could not be read."""

    error: FrameError


@attrs.frozen
class FrameIgnored:
    """A frame was no event."""

    reason: str


@attrs.frozen
class TopicServed:
    """The vendor serves a topic, perhaps after all."""

    topic: str


@attrs.frozen
class TopicRefused:
    """The vendor does not serve a topic, or did not answer in time."""

    topic: str
    reason: str


@attrs.frozen
class Settled:
    """Every topic that was asked for is answered, and these are served."""

    topics: frozenset[str]


@attrs.frozen
class Perform:
    """Perform an HTTP flow, and say by its number what came of it."""

    number: int
    flow: HTTPFlow[Iterable[Action]]


@attrs.frozen
class BackfillEnded:
    """A backfill is done; `failure` says why it could not be, and is empty where it was."""

    since: datetime | None
    """``None`` where no gap was the reason."""
    began: datetime
    events: int = 0
    failure: str = ""


@attrs.frozen
class RequestFailed:
    """A request of the protocol's got no answer, and will not be made again."""

    reason: str
    since: datetime | None = None
    """When it was asked for; ``None`` for before the connection's first frame and first tick."""
    brings_events: bool = True
    """Whether events may be missing without its answer."""


@attrs.frozen
class SlowStep:
    """A step of the protocol's has held up everything else in the process for so long."""

    step: str
    seconds: float


@attrs.frozen
class Lost:
    """The connection is of no use any more."""

    loss: ConnectionLost


Effect = (
    EventsReceived
    | FrameUnreadable
    | FrameIgnored
    | TopicServed
    | TopicRefused
    | Settled
    | Perform
    | BackfillEnded
    | RequestFailed
    | SlowStep
    | Lost
    | Send
    | GapSuspected
    | NotVerified
    | Replan
    | Renew
)
