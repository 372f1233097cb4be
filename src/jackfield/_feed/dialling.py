"""The stream below a connection: opened within a time limit, and the ways in which that fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from email.utils import formatdate
from typing import Protocol, runtime_checkable

import trio

from jackfield._net.dial import Network, open_stream
from jackfield.errors import ConnectionLost, HandshakeRefused
from jackfield.plugin.http import Response
from jackfield.plugin.transport import NetworkEndpoint, OpenPullSource, PullSource

__all__ = ["CLOSE_SECONDS", "Opener", "SourceOpener", "dialled", "dialler", "opened", "refused", "with_date", "within"]

# Closing gracefully is a courtesy: how long to wait for the other side's half of it.
CLOSE_SECONDS = 3.0


class Opener(Protocol):
    """Opens the stream below a connection."""

    async def __call__(self, endpoint: NetworkEndpoint, /) -> trio.abc.Stream:
        """Open it."""
        ...


@runtime_checkable
class SourceOpener(Protocol):
    """An opener that takes the place of a plugin's own client too, for tests."""

    def open_source(self, source: PullSource) -> AbstractAsyncContextManager[OpenPullSource]:
        """What the plugin's `PullSource.open` would return."""
        ...


def dialler(network: Network | None = None) -> Opener:
    """What opens real connections, through a feed's proxy and with its certificate."""

    async def dial(endpoint: NetworkEndpoint) -> trio.abc.Stream:
        return await open_stream(endpoint.url, endpoint.ca_file, network)

    return dial


@contextmanager
def within(display: str, timeout: float) -> Iterator[None]:
    """`ConnectionLost` where the body takes longer than so many seconds."""
    try:
        with trio.fail_after(timeout):
            yield
    except trio.TooSlowError:
        raise ConnectionLost(f"no answer from {display} within {timeout:g} s") from None


async def dialled(endpoint: NetworkEndpoint, opener: Opener, timeout: float) -> trio.abc.Stream:
    """The stream to an endpoint; `ConnectionLost` where it does not come up in so many seconds."""
    with within(endpoint.display, timeout):
        return await opener(endpoint)


@asynccontextmanager
async def opened(endpoint: NetworkEndpoint, opener: Opener, timeout: float) -> AsyncGenerator[trio.abc.Stream, None]:
    """The stream to an endpoint, closed gracefully at the end."""
    stream = await dialled(endpoint, opener, timeout)
    try:
        yield stream
        with trio.move_on_after(CLOSE_SECONDS):
            await stream.aclose()
    finally:
        await trio.aclose_forcefully(stream)


def refused(response: Response, display: str, unserved: str) -> HandshakeRefused:
    """The server has answered with a status that opens no connection."""
    meaning = {
        401: "the vendor refused the token",
        403: "the vendor forbids this to the token's owner",
        404: "there is no such path",
        429: "too many connections or requests",
    }.get(response.status, "the vendor is not able to serve now" if response.status >= 500 else unserved)
    note = response.wait.note if response.wait else ""
    reason = f"{display} answered HTTP {response.status}: {meaning}{note}"
    return HandshakeRefused(response.status, reason, retry_after=response.retry_after)


def with_date(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by their names; a recipient with a clock adds the Date that a server left out (RFC 9110, 6.6.1)."""
    found = {"date": formatdate(usegmt=True)}
    for name, value in headers:
        found[bytes(name).decode("latin-1").lower()] = bytes(value).decode("latin-1")
    return found
