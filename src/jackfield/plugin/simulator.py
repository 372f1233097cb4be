"""What a simulator is: a faithful stand-in for a vendor's server, without I/O.

A simulator is an attrs class of options whose public fields become the flags of ``jackfield simulate
PROVIDER``; those that ``field_help(…, live=True)`` describes can be changed while it runs. One object stands for
one server and may hold its state. `jackfield.simulation` puts it on a real socket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

import attrs

from jackfield.plugin.http import Request, Response

__all__ = [
    "CloseConnection",
    "Refusal",
    "SimulatedClient",
    "Simulator",
    "SupportsClosed",
    "SupportsGreeting",
    "SupportsQueueLimit",
    "SupportsRest",
    "SupportsWebhookDelivery",
    "WebhookDelivery",
]


@attrs.frozen
class Refusal:
    """An HTTP answer instead of the websocket upgrade."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    """Further ones, such as Retry-After."""


@attrs.frozen
class CloseConnection:
    """The server ends the connection; without a code it just cuts the connection."""

    code: int | None = None
    reason: str = ""


class SimulatedClient(Protocol):
    """The server's side of one connection."""

    def received(self, frame: str | bytes) -> Iterable[str | CloseConnection]:
        """What the server answers to a client's frame, in order."""
        ...

    def frames_for(self, event: Any) -> Iterable[str]:
        """The frames in which this client gets a published event: none if it did not subscribe, or several copies."""
        ...


@runtime_checkable
class SupportsGreeting(Protocol):
    """A `SimulatedClient` of a vendor that speaks first."""

    def opened(self) -> Iterable[str | bytes]:
        """What the server sends as soon as a connection is up, such as a greeting or a session's id."""
        ...


@runtime_checkable
class SupportsClosed(Protocol):
    """A `SimulatedClient` that wants to know when its connection is down."""

    def closed(self) -> None:
        """The connection is down, whoever ended it."""
        ...


class Simulator(Protocol):
    """A vendor's server with a small contact centre behind it."""

    @property
    def rate(self) -> float:
        """How many events happen in a second."""
        ...

    @property
    def ping_every(self) -> float | None:
        """How often the server pings its clients, in seconds; ``None`` for never."""
        ...

    def url(self, authority: str) -> str:
        """The websocket URL under which clients of ``host:port`` connect, without any token."""
        ...

    def feed(self, url: str) -> dict[str, Any]:
        """The ``[feeds.…]`` table of a gateway that connects to this server."""
        ...

    def admit(self, target: str, headers: Mapping[str, str]) -> Refusal | None:
        """Whether a handshake for this request target is refused; header names are lower case."""
        ...

    def client(self) -> SimulatedClient:
        """The state of a connection that has just been accepted."""
        ...

    def events(self, now: Callable[[], datetime]) -> Iterator[Any]:
        """Everything that happens, without end, each made at the moment that it is asked for.

        What an event looks like is between this and `SimulatedClient.frames_for`.
        ``None`` says that nothing is due yet.
        """
        ...


@runtime_checkable
class SupportsRest(Protocol):
    """A simulator with a REST interface, served on the same port as its websocket."""

    def answer(self, request: Request) -> Response:
        """The answer to a request that is not a websocket handshake; its URL is the target, path and query."""
        ...


@runtime_checkable
class SupportsQueueLimit(Protocol):
    """A simulator of a server that is known to keep only so many frames for a slow client."""

    @property
    def most_queued(self) -> int:
        """How many frames wait for a client at most; what comes beyond them is dropped silently, answers too."""
        ...


@attrs.frozen
class WebhookDelivery:
    """A request by which the vendor delivers an event, and how often it tries."""

    request: Request
    attempts: int = 3
    wait: float = 1.0
    """Seconds between two attempts."""
    timeout: float = 30.0
    """Seconds that one attempt may take."""


@runtime_checkable
class SupportsWebhookDelivery(Protocol):
    """A simulator that delivers events by webhook too."""

    def webhooks_of(self, event: Any) -> Iterable[WebhookDelivery]:
        """The requests in which an event goes out.

        An attempt has failed where the connection broke or the status is 500 or more.
        """
        ...
