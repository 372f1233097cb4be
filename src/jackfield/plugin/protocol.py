"""What a protocol is: a state machine for one connection, without I/O and without a clock.

The session calls the protocol's inputs and performs the actions that they return::

    opened()                    the connection is up
    subscribe(topic)            somebody wants the topic: ask the vendor for it
    unsubscribe(topic)          nobody wants it any more
    received(frame, at)         the vendor sent a frame, at that moment
    tick(at, passed)            so many seconds have passed since the last tick
    closed(code, at)            the connection is down

It calls one input at a time, performs a call's actions before the next call, and makes a fresh protocol for each
connection, so a protocol needs no reset; what one has learned of its vendor the next may take over. Each topic that
was subscribed to must end in one `Subscribed` or `SubscriptionRefused`; the session counts what stays unanswered. A
vendor that never answers gets its `Subscribed` together with the `Send`.

**Time.** `at` is the wall clock, for moments; it may be set back or forward at any time. Durations are sums of
`passed`, which counts what the process slept or was stopped too; never subtract one moment from another.

Optional inputs are protocols of their own: `SupportsBackfill` for gaps that REST can fill, `SupportsCommit` for
vendors that want to know what was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs
import msgspec

from jackfield.events import Event
from jackfield.plugin.http import HTTPFlow

__all__ = [
    "Action",
    "Backfill",
    "Disconnect",
    "Emit",
    "FeedProtocol",
    "GapSuspected",
    "Ignore",
    "NotVerified",
    "Renew",
    "Replan",
    "Request",
    "Send",
    "Subscribed",
    "SubscriptionRefused",
    "SupportsBackfill",
    "SupportsCommit",
    "SupportsExplanation",
    "SupportsWebhookNotes",
    "backfill_verifies",
]


@attrs.frozen
class Send:
    """Send this to the vendor as one frame: a text, or bytes."""

    frame: str | bytes = attrs.field(repr=False)
    """May hold the token, so it is not shown."""


class Emit(msgspec.Struct, frozen=True):  # not attrs: made for each event, at a fifth of the price
    """An event for whoever selects it."""

    event: Event
    token: str | None = None
    """What `SupportsCommit.committed` gets once the event is stored: an offset, a replay id, a delivery tag."""


@attrs.frozen
class Subscribed:
    """The vendor serves this topic from now on."""

    topic: str


@attrs.frozen
class SubscriptionRefused:
    """The vendor does not serve this topic on this connection; says why, without any secret."""

    topic: str
    reason: str


@attrs.frozen
class Ignore:
    """The frame was understood and is not an event: an answer, an acknowledgement, a heartbeat.

    Every frame ends as an `Emit`, as an `Ignore` with its reason, or as a `FrameError`, so that
    none disappears uncounted.
    """

    reason: str


@attrs.frozen
class Disconnect:
    """Close this connection and come back later."""

    reason: str
    auth_failed: bool = False
    """Whether authentication failed: the session uses the slow retry then."""
    missed_since: datetime | None = None
    """Since when events may be missing, where that is longer ago than the connection's last activity."""


@attrs.frozen
class GapSuspected:
    """Events may be missing since this moment although the connection is up; the session announces the gap."""

    since: datetime
    reason: str


@attrs.frozen
class NotVerified:
    """A span in which nobody could know whether events were missed: not a loss, not a gap.

    A span is verified up to the last completed backfill, or the last event with a token, on its subscription; an event
    without a token shows that its subscription lives, not that none before it was dropped. A protocol states what its
    vendor's REST interface does not reach back to, a subscription that nothing vouches for, and the like; so it claims
    no loss that it cannot know of. The host merges the spans and reports each moment once: a statement that overlaps
    an earlier one extends it, and many in a short time make one report.
    """

    since: datetime
    until: datetime | None
    """``None`` for the moment of the statement."""
    reason: str
    """Why nobody could know, without any secret."""


@attrs.frozen
class Backfill:
    """Start a backfill by REST now; for protocols with `SupportsBackfill`, else without effect."""

    reason: str


@attrs.frozen
class Request:
    """Perform an HTTP flow now; the actions that it ends with are performed like any input's.

    A flow that ends in a `RestError` is made anew, at growing distances, unless authentication failed; then, and where
    it never succeeds, the session reports `reason`.
    """

    flow: Callable[[], HTTPFlow[Iterable[Action]]] = attrs.field(repr=False)
    """Makes the flow, once for each attempt."""
    reason: str
    """What it is for, without any secret."""
    brings_events: bool = True
    """Whether events may be missing if it is never answered: then its time is stated as not verified."""


@attrs.frozen
class Replan:
    """The dialect would answer otherwise now, such as for a new member of a roster: plan anew, send the difference."""

    reason: str


@attrs.frozen
class Renew:
    """Open another connection, subscribe it, and then close this one, so that nothing is missed in between."""

    reason: str


Action = (
    Send
    | Emit
    | Subscribed
    | SubscriptionRefused
    | Ignore
    | Disconnect
    | GapSuspected
    | NotVerified
    | Backfill
    | Request
    | Replan
    | Renew
)


class FeedProtocol(Protocol):
    """One connection to one vendor, as a state machine; the module's page states its duties."""

    def opened(self) -> Iterable[Action]:
        """The connection is up; say what must be said before the first subscription."""
        ...

    def subscribe(self, topic: str) -> Iterable[Action]:
        """Ask for a topic that is not asked for yet on this connection."""
        ...

    def unsubscribe(self, topic: str) -> Iterable[Action]:
        """Unsubscribe from a topic that was confirmed on this connection."""
        ...

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        """Read one frame that came at this moment; `FrameError` where it cannot be read."""
        ...

    def tick(self, at: datetime, passed: float) -> Iterable[Action]:
        """So many seconds have passed, about one: for time-outs, paces and watchdogs; the session sends the pings."""
        ...

    def closed(self, code: int | None, at: datetime) -> None:
        """The connection is down, with the vendor's close code or ``None`` where it was cut or closed by us."""
        ...


@runtime_checkable
class SupportsBackfill(Protocol):
    """A protocol that can learn by REST what it has missed."""

    def backfill(self, since: datetime | None, at: datetime) -> HTTPFlow[Iterable[Action]]:
        """What happened since the gap began, as far as the vendor's REST interface tells, with the origin ``backfill``.

        Called a moment after the subscriptions are active again, while frames keep coming between a request and its
        answer, and never twice at once. `since` is ``None`` where the protocol itself asked, by a `Backfill`. It must
        not emit an older state of a thing than the one that came meanwhile. `RestError` where the vendor does not
        answer or allow it: the gap stays announced.
        """
        ...


def backfill_verifies(protocol: FeedProtocol) -> bool:
    """Whether a completed backfill shows that no event was missed.

    So it is for each `SupportsBackfill`, unless it says ``backfill_verifies = False``: where REST knows how things
    stand, and not what happened, a thing that came and went between two backfills is never seen.
    """
    return isinstance(protocol, SupportsBackfill) and getattr(protocol, "backfill_verifies", True)


@runtime_checkable
class SupportsWebhookNotes(Protocol):
    """A protocol that remembers what came, and so has to know of what came by webhook beside its connection."""

    def came_by_webhook(self, events: Sequence[Event]) -> None:
        """These events of the feed came by webhook, and are committed; called on the newest connection's protocol."""
        ...


@runtime_checkable
class SupportsCommit(Protocol):
    """A protocol whose vendor wants to know what was stored: by acknowledgement, or by an offset to resume from."""

    def committed(self, token: str) -> Iterable[Action]:
        """The event of an `Emit` with this token is in the journal; tokens come in the order of their events."""
        ...


@runtime_checkable
class SupportsExplanation(Protocol):
    """A protocol that can say how it read a frame, for ``jackfield decode --explain``."""

    def explain(self) -> str:
        """Why the last frame became what it became, in one line; empty where nothing came yet."""
        ...
