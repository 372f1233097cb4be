"""Performs exchanges by REST on trio: the only user of httpcore2 in the core."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs
import trio

from jackfield._net.dial import Network
from jackfield._net.os_errors import explain_os_error
from jackfield._net.tls import client_context
from jackfield.errors import RestError
from jackfield.plugin.http import HTTPFlow, Request, Response
from jackfield.plugin.secrets import redact_url

if TYPE_CHECKING:
    import httpcore2

__all__ = ["Perform", "open_client", "perform", "performer"]

T = TypeVar("T")

REQUEST_SECONDS = 15.0
CONNECTIONS = 10
# A page of a hundred resources is some 200 kB; nothing that providers ask for comes near this.
MOST_BYTES = 16 * 2**20
# How often a request is repeated when a busy server asks for it, and the longest wait before a repetition.
MOST_REPETITIONS = 3
LONGEST_WAIT = 30.0
BUSY = (429, 503)


async def perform(exchange: HTTPFlow[T], network: Network | None = None) -> T:
    """Perform an exchange to its end, and what it ends with; `RestError` where it cannot go on without an answer."""
    async with open_client(network=network) as send:
        return await drive(exchange, send)


def performer(network: Network) -> Perform:
    """Something that performs exchanges through a feed's proxy and with its certificate."""

    async def perform_there(exchange: HTTPFlow[T], /) -> T:
        return await perform(exchange, network)

    return perform_there


async def drive(exchange: HTTPFlow[T], send: Callable[[Request], Awaitable[Response]]) -> T:
    """Perform an exchange's requests with `send`, which raises `RestError` where there is no answer."""
    limited = ""
    try:
        request = next(exchange)
        while True:
            try:
                response = await _send_repeatedly(request, send)
            except RestError as error:
                limited = ""
                request = exchange.throw(error)
            else:
                limited = response.wait.note if response.wait else ""
                request = exchange.send(response)
    except RestError as error:
        if not limited:
            raise
        raise RestError(
            error.reason + limited, status=error.status, auth_failed=error.auth_failed, retry_after=error.retry_after
        ) from error
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        exchange.close()


class Perform(Protocol):
    """Something that performs exchanges, as `perform` does."""

    async def __call__(self, exchange: HTTPFlow[T], /) -> T:
        """Perform an exchange to its end."""
        ...


async def _send_repeatedly(request: Request, send: Callable[[Request], Awaitable[Response]]) -> Response:
    """The answer to a request, which is repeated while a busy server names a short time to wait."""
    for _ in range(MOST_REPETITIONS):
        response = await send(request)
        wait = response.retry_after
        if response.status not in BUSY or wait is None or wait > LONGEST_WAIT:
            return response
        await trio.sleep(wait)
    return await send(request)


@asynccontextmanager
async def open_client(
    *, connections: int = CONNECTIONS, timeout: float = REQUEST_SECONDS, network: Network | None = None
) -> AsyncGenerator[Callable[[Request], Awaitable[Response]], None]:
    """What performs one request, once, within so many seconds; it raises `RestError` where there is no answer."""
    client = _Client(connections, timeout, network or Network())
    try:
        yield client.send
    finally:
        with trio.CancelScope(shield=True):
            for pool in client.pools.values():
                await pool.aclose()


@attrs.frozen
class _Client:
    connections: int
    timeout: float
    network: Network
    pools: dict[str | None, httpcore2.AsyncConnectionPool] = attrs.field(factory=dict)
    """By the authorities that are trusted."""

    async def send(self, request: Request) -> Response:
        try:
            import httpcore2  # an extra, and slow to import: only providers that log in or backfill need it
        except ImportError:
            raise RestError("REST needs an HTTP client: install jackfield[rest]") from None
        where = f"{request.method} {redact_url(request.url)}"
        try:
            with trio.fail_after(self.timeout):
                return await self._exchange(request)
        except trio.TooSlowError:
            raise RestError(f"{where}: no answer within {self.timeout:g} s") from None
        except (OSError, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            raise RestError(f"{where}: {explain_os_error(error)}") from None
        except ValueError as error:  # more than we read, or a URL that is none
            raise RestError(f"{where}: {error}") from None

    async def _exchange(self, request: Request) -> Response:
        async with self._pool(request.ca_file).stream(
            request.method, request.url, headers=list(request.headers), content=request.body or None
        ) as answer:
            body = bytearray()
            async with aclosing(answer.aiter_stream()) as chunks:
                async for chunk in chunks:
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise ValueError(f"the answer is larger than {MOST_BYTES} bytes")
            # A recipient with a clock adds the Date that a server left out (RFC 9110, 6.6.1).
            headers = {"date": formatdate(usegmt=True)}
            headers |= {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(answer.headers)
            }
            return Response(answer.status, headers, bytes(body))

    def _pool(self, ca_file: str | None) -> httpcore2.AsyncConnectionPool:
        import httpcore2

        if ca_file not in self.pools:
            network = self.network
            context = client_context(ca_file, network.client_cert, network.client_key)
            self.pools[ca_file] = httpcore2.AsyncConnectionPool(
                ssl_context=context, max_connections=self.connections, proxy=_proxy(network)
            )
        return self.pools[ca_file]


def _proxy(network: Network) -> httpcore2.Proxy | None:
    import httpcore2

    if network.proxy is None:
        return None
    if network.proxy_credentials is None:
        return httpcore2.Proxy(network.proxy)
    user, _, password = network.proxy_credentials.reveal().partition(":")
    return httpcore2.Proxy(network.proxy, auth=(user, password))
