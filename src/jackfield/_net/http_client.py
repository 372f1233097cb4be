"""Performs exchanges by REST on trio: the only user of httpcore2 in the core."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs
import trio

from jackfield.errors import RestError
from jackfield.plugin.http import HTTPFlow, Request, Response
from jackfield.plugin.secrets import redact_url

if TYPE_CHECKING:
    import httpcore2

__all__ = ["Perform", "open_client", "perform"]

T = TypeVar("T")

REQUEST_SECONDS = 15.0
CONNECTIONS = 10
# A page of a hundred resources is some 200 kB; nothing that providers ask for comes near this.
MOST_BYTES = 16 * 2**20
# A server that says when to come back is taken at its word, a few times and within reason.
MOST_WAITS = 3
LONGEST_WAIT = 30.0
BUSY = (429, 503)


async def perform(exchange: HTTPFlow[T]) -> T:
    """Perform an exchange to its end, and what it ends with; `RestError` where it cannot go on without an answer."""
    async with open_client() as send:
        return await drive(exchange, send)


async def drive(exchange: HTTPFlow[T], send: Callable[[Request], Awaitable[Response]]) -> T:
    """Perform an exchange's requests with `send`, which raises `RestError` where there is no answer."""
    try:
        request = next(exchange)
        while True:
            try:
                response = await _patiently(request, send)
            except RestError as error:
                request = exchange.throw(error)
            else:
                request = exchange.send(response)
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


async def _patiently(request: Request, send: Callable[[Request], Awaitable[Response]]) -> Response:
    for _ in range(MOST_WAITS):
        response = await send(request)
        wait = response.retry_after
        if response.status not in BUSY or wait is None or wait > LONGEST_WAIT:
            return response
        await trio.sleep(wait)
    return await send(request)


@asynccontextmanager
async def open_client(
    *, connections: int = CONNECTIONS, timeout: float = REQUEST_SECONDS
) -> AsyncGenerator[Callable[[Request], Awaitable[Response]], None]:
    """What performs one request, once, within so many seconds; it raises `RestError` where there is no answer."""
    client = _Client(connections, timeout)
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
            raise RestError(f"{where}: {_reason(error)}") from None
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
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(answer.headers)}
            return Response(answer.status, headers, bytes(body))

    def _pool(self, ca_file: str | None) -> httpcore2.AsyncConnectionPool:
        import httpcore2

        if ca_file not in self.pools:
            context = ssl.create_default_context(cafile=ca_file)
            self.pools[ca_file] = httpcore2.AsyncConnectionPool(ssl_context=context, max_connections=self.connections)
        return self.pools[ca_file]


def _reason(error: BaseException) -> str:
    """The operating system's own words, as far as they are under what was raised."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(dict.fromkeys(_reason(each) for each in error.exceptions))
    # httpcore2's pool takes the cause away from what it raises, but not the argument.
    wrapped = error.__cause__ or next((each for each in error.args if isinstance(each, BaseException)), None)
    if wrapped is not None:
        return _reason(wrapped)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if (
        isinstance(error, OSError)
        and error.errno is not None
        and error.errno > 0
        and not isinstance(error, ssl.SSLError)
    ):
        return os.strerror(error.errno)  # trio puts the address into strerror, which the message has already
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
