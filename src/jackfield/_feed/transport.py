"""What a connection is, whatever it is made of, and the one way to open one.

Each transport is a module with a `connect` of its own. A connection says in one sentence, as `ConnectionLost`, why it
did not come up or has ended; `HandshakeRefused` where the server answered with an HTTP status.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import Protocol

import attrs

from jackfield._feed import byte_stream, http_stream, long_poll, pull_source, websocket
from jackfield._feed.activity import Activity, wall_clock
from jackfield._feed.dialling import Opener, SourceOpener, dialler
from jackfield._feed.intake import Intake, Unlimited
from jackfield.errors import ConnectionLost
from jackfield.plugin.transport import AnyEndpoint, ByteStream, Endpoint, HTTPStream, LongPoll, PullSource
from jackfield.plugin.webhook import MAX_MESSAGE_BYTES

__all__ = ["Connection", "connect"]


class Connection(Protocol):
    """A connection that is up."""

    @property
    def can_wait(self) -> bool:
        """Whether the vendor keeps what is not read, so that reading may wait."""
        ...

    async def receive(self) -> list[bytes]:
        """The frames that one read has brought, at least one; `ConnectionLost` when it is down and all are read."""
        ...

    async def send(self, frame: str | bytes) -> None:
        """Send one frame."""
        ...

    async def ping(self) -> None:
        """Find out whether the other side is there, for as long as that takes; at once where it cannot be asked."""
        ...

    @property
    def activity(self) -> Activity:
        """When the last byte came."""
        ...


def connect(
    endpoint: AnyEndpoint,
    *,
    timeout: float,
    most_bytes: int = MAX_MESSAGE_BYTES,
    opener: Opener | None = None,
    intake: Intake | None = None,
    now: Callable[[], datetime] = wall_clock,
) -> AbstractAsyncContextManager[Connection]:
    """A connection to an endpoint by its transport, closed gracefully at the end.

    Messages are of `most_bytes` at most; where a framing makes them, it has a limit of its own.
    `opener` takes the place of TCP and TLS; tests give one that needs no network. Vendors that can wait do so for
    room in the `intake`.
    """
    opener, intake = opener or dialler(), intake or Unlimited()
    match endpoint:
        case Endpoint():
            return websocket.connect(endpoint, timeout=timeout, most_bytes=most_bytes, opener=opener, now=now)
        case ByteStream():
            return byte_stream.connect(endpoint, timeout=timeout, opener=opener, now=now)
        case HTTPStream():
            return http_stream.connect(endpoint, timeout=timeout, opener=opener, now=now)
        case LongPoll():
            return long_poll.connect(
                endpoint, timeout=timeout, most_bytes=most_bytes, opener=opener, intake=intake, now=now
            )
        case PullSource():
            opens = partial(opener.open_source, endpoint) if isinstance(opener, SourceOpener) else endpoint.open
            source = attrs.evolve(endpoint, open=opens)
            return pull_source.connect(source, timeout=timeout, intake=intake, now=now)
        case _:
            raise ConnectionLost(f"endpoint() returned {type(endpoint).__name__}, which names no transport")
