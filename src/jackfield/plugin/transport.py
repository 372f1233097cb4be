"""How a feed reaches its vendor: what `Provider.endpoint` returns names the transport.

=================== ================================================================= ==================================
`Endpoint`          a websocket, the usual one                                        a frame is a message
`ByteStream`        TCP or TLS with a framing of the vendor's own                     a frame is what the framing says
`HTTPStream`        a response that does not end: server-sent events, JSON lines      a frame is what the framing says
`LongPoll`          requests that the vendor answers when it has something            a frame is the body of a response
`PullSource`        a connection that the plugin makes itself, such as to a broker    a frame is what it receives
=================== ================================================================= ==================================

Everything else is the same for all of them: the states of a feed, backoff, gaps, the protocol's inputs and actions,
statistics, redaction, and the options ``proxy``, ``client_cert`` and ``client_key`` of every feed (for a `PullSource`
the plugin's own options take their place).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

from jackfield.plugin.framing import ServerSentEvents
from jackfield.plugin.http import Request, Response
from jackfield.plugin.options import is_url
from jackfield.plugin.secrets import redact_url

__all__ = [
    "AnyEndpoint",
    "ByteStream",
    "Endpoint",
    "Framing",
    "HTTPStream",
    "LongPoll",
    "NetworkEndpoint",
    "OpenPullSource",
    "PullSource",
]


def _shown(endpoint: NetworkEndpoint) -> str:
    return redact_url(endpoint.url)


class Framing(Protocol):
    """Where frames begin and end in a stream of bytes; pure, and a fresh one for each connection.

    `jackfield.plugin.framing` has those that vendors use most.
    """

    def split(self, data: bytes) -> Iterator[bytes]:
        """Each frame that these bytes complete; then `FrameError` where what follows cannot be one.

        It bounds what it holds back: a frame above its limit is a `FrameError`. The connection ends with it.
        """
        ...

    def wrap(self, frame: bytes) -> bytes:
        """A frame of ours as it goes out."""
        ...

    @property
    def held(self) -> int:
        """How many bytes of an incomplete frame are held back."""
        ...


@attrs.frozen
class Endpoint:
    """A websocket to connect to; made anew before every attempt so that it holds a fresh token."""

    url: str = attrs.field(repr=False)
    """A ``ws:`` or ``wss:`` URL; its query may hold the token, so it is never shown."""
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    """Further headers of the handshake."""
    ca_file: str | None = None
    """A PEM file of the authorities to trust instead of the system's."""
    display: str = attrs.field(default=attrs.Factory(_shown, takes_self=True), kw_only=True)
    """The URL as it may be shown; by default without its query. A plugin whose token is in the path says another."""


@attrs.frozen
class ByteStream:
    """A TCP or TLS connection with a framing of its own."""

    url: str = attrs.field(repr=False, validator=is_url("tcp", "tls"))
    """``tcp://host:port`` or ``tls://host:port``."""
    framing: Callable[[], Framing]
    """Makes the framing of one connection."""
    ping: bytes | None = attrs.field(default=None, repr=False)
    """A frame that the vendor answers, sent each ``ping_seconds``; without one TCP keep-alive detects a dead peer."""
    idle_timeout: float | None = None
    """Seconds after which a vendor that sends regularly, such as heartbeats, is lost if nothing came."""
    ca_file: str | None = None
    """A PEM file of the authorities to trust instead of the system's."""
    display: str = attrs.field(default=attrs.Factory(_shown, takes_self=True), kw_only=True)
    """The URL as it may be shown; by default without its query. A plugin whose token is in the path says another."""


@attrs.frozen
class HTTPStream:
    """An HTTP request whose response is a stream of frames that does not end."""

    url: str = attrs.field(repr=False, validator=is_url("http", "https"))
    """Its query may hold the token, so it is never shown."""
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    method: str = "GET"
    body: bytes = attrs.field(default=b"", repr=False)
    framing: Callable[[], Framing] = ServerSentEvents
    """Makes the framing of one connection; each frame of the default is one event, for `ServerSentEvent.parse`."""
    idle_timeout: float | None = None
    """Seconds after which a vendor that sends regularly, such as comments, is lost if nothing came."""
    ca_file: str | None = None
    """A PEM file of the authorities to trust instead of the system's."""
    display: str = attrs.field(default=attrs.Factory(_shown, takes_self=True), kw_only=True)
    """The URL as it may be shown; by default without its query. A plugin whose token is in the path says another."""


@attrs.frozen
class LongPoll:
    """A request that the vendor answers as soon as it has something, and the next one, and so on.

    An answer 2xx with a body is one frame, one without a body none; any other ends the connection. The next request
    goes out when the journal has committed what the last answer brought, since with it many vendors forget that.
    """

    first: Request
    following: Callable[[Response], Request] = attrs.field(repr=False)
    """The next request, to the same server, after this response; called once for each, without I/O.

    An error of Jackfield's, such as `FrameError` for what is not an answer, ends the connection.
    """
    timeout: float = 90.0
    """Seconds that an answer may take."""
    display: str = attrs.field(default=attrs.Factory(_shown, takes_self=True), kw_only=True)
    """The URL as it may be shown; by default without its query. A plugin whose token is in the path says another."""

    @property
    def url(self) -> str:
        """That of the first request."""
        return self.first.url

    @property
    def ca_file(self) -> str | None:
        """That of the first request."""
        return self.first.ca_file


class OpenPullSource(Protocol):
    """A connection of the plugin's own that is up; its methods run on trio, in the gateway's loop."""

    async def receive(self) -> Sequence[bytes]:
        """What has come, in order, at least one frame; waits for it. Called again only when that was handed over.

        A source that is faster than the journal is slowed by that: frames are handed over as there is room for them, in
        events and in bytes, so no more is in memory than the journal's bounds and what one call returns.
        `ConnectionLost` where the connection has ended. May be cancelled at any moment.
        """
        ...

    async def send(self, frame: str | bytes) -> None:
        """Do what the protocol says by `Send`, such as to acknowledge; called while `receive` waits."""
        ...


@attrs.frozen
class PullSource:
    """A source that the plugin pulls from, such as a broker or a database, by a client of its own."""

    open: Callable[[], AbstractAsyncContextManager[OpenPullSource]] = attrs.field(repr=False)
    """Connects, and disconnects at the end; `ConnectionLost` or `OSError` where it does not succeed."""
    display: str
    """What it pulls from, as it may be shown."""


NetworkEndpoint = Endpoint | ByteStream | HTTPStream | LongPoll
"""What Jackfield itself connects to."""

AnyEndpoint = NetworkEndpoint | PullSource
"""What `Provider.endpoint` may return."""
