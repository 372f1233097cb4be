"""What ``jackfield doctor`` has seen of one feed, for its checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from jackfield.events import Event

__all__ = ["Exchange", "Host", "Observed"]


@attrs.frozen
class Host:
    """A server that was dialled, before anything was said to it."""

    name: str
    """With the port."""
    purpose: str
    """What it is for: ``events``, ``REST``."""
    by_tls: bool
    addresses: tuple[str, ...] = ()
    proxy: str = ""
    """Through which it was reached; then that resolves its name."""
    resolution: str = ""
    """Why its name could not be resolved."""
    connect_seconds: float | None = None
    unreachable: str = ""
    tls: str = ""
    """The version of TLS that was agreed on."""
    expires: datetime | None = None
    """When its certificate does."""
    tls_problem: str = ""
    tls_verdict: str = ""
    """Which kind of problem: ``name``, ``expired``, ``untrusted``; empty for any other."""


@attrs.frozen
class Exchange:
    """One request by HTTP, and what came of it."""

    what: str
    """Method and URL, without secrets."""
    seconds: float
    status: int | None = None
    problem: str = ""
    """Why there was no answer."""
    skew_seconds: float | None = None
    """How far the server's clock is ahead of ours, by its ``Date``."""


@attrs.define
class Observed:
    """What was seen of one feed."""

    feed: str
    at: datetime
    """When this was, by this machine's clock."""
    webhook_only: bool = False
    listened_seconds: float = 0.0
    hosts: list[Host] = attrs.field(factory=list)
    exchanges: list[Exchange] = attrs.field(factory=list)
    attempts: list[tuple[str, bool, bool]] = attrs.field(factory=list)
    """Why each connection ended or did not come up; whether that was the login; whether credentials were rejected."""
    opened: str = ""
    """What the connection that came up leads to."""
    open_seconds: float | None = None
    """From the beginning of the attempt to the open connection, a login included."""
    subscribed_seconds: float | None = None
    """From there until every topic was answered."""
    topics: tuple[str, ...] = ()
    """What the vendor has confirmed."""
    wanted: tuple[str, ...] = ()
    """What the routes need."""
    refused: Mapping[str, str] = attrs.field(factory=dict)
    unselected: Sequence[str] = ()
    """Why a selector has no topic."""
    events: list[Event] = attrs.field(factory=list)
    """What came live, copies too."""
    unreadable: Sequence[str] = ()
    """The problems of frames that could not be read."""
    ignored: Mapping[str, int] = attrs.field(factory=dict)
    lists_state: bool = False
    """Whether the provider can ask REST how things stand."""
    sync_problem: str = ""
    moved: int | None = None
    """How many things REST listed otherwise at the end than at the beginning; ``None`` where that was not compared."""
    gaps: Sequence[str] = ()
