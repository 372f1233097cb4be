"""The HTTP server that receives vendors' webhooks, for all feeds that get any, each at ``/webhooks/NAME``.

Whoever can reach it can try anything: each step of a request has a limit of size and of time, there are never
more than so many connections, and nothing that happens on one of them touches another.
"""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import unquote

import attrs
import trio

from jackfield._net.http_server import HTTPConnection
from jackfield._net.os_errors import explain_os_error
from jackfield._net.tls import TLSFileError, server_context
from jackfield._webhooks.receiver import METHODS, WebhookReceiver, answer, by
from jackfield.config import WebhooksOptions
from jackfield.errors import ConfigError, ConfigProblem, WebhookError
from jackfield.plugin.http import Request, Response
from jackfield.plugin.options import host_and_port
from jackfield.reports import Report, WebhookRejected, WebhookServerStarted
from jackfield.reports._thinning import is_due
from jackfield.reports.feed_stats import count_reason

__all__ = ["WebhookServer", "open_webhook_server"]

PREFIX = "/webhooks/"
MOST_CONNECTIONS = 256
# Bodies are held in memory until they are committed.
MOST_HELD_BYTES = 128 * 2**20
# Go's client, which VoIPBIN uses, drops what is idle for 90 s. Whoever waits for longer never closes a connection
# under a request that is just coming.
IDLE_SECONDS = 120.0
HEAD_SECONDS = 4.0
ANSWER_SECONDS = 4.0


@attrs.define(eq=False)
class WebhookServer:
    """Listens, and hands webhooks to the receivers; made by `open_webhook_server`."""

    url: str
    """URL prefix of the feeds' webhook endpoints."""
    _listeners: Sequence[trio.abc.Listener[trio.abc.Stream]]
    _receivers: Mapping[str, WebhookReceiver]
    _report: Callable[[Report], None]
    most: int = MOST_CONNECTIONS
    """Connections at once; beyond them the one that has been idle for longest is closed, and new ones wait."""
    rejections: Counter[str] = attrs.field(factory=Counter)
    """What was posted to no feed that there is, or is no HTTP, by reason."""
    _idle: dict[trio.CancelScope, None] = attrs.field(factory=dict)
    """The waits for a next request, the oldest first."""
    _slots: trio.CapacityLimiter = attrs.field(init=False)
    _held: int = 0
    """Bytes of bodies that are not committed yet."""
    _holding: dict[trio.abc.Stream, int] = attrs.field(factory=dict)
    _accepting: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _stopping: bool = False

    def __attrs_post_init__(self) -> None:
        self._slots = trio.CapacityLimiter(self.most)

    def stop(self) -> None:
        """Accept nothing more and let `run` return as soon as the requests under way are answered."""
        self._stopping = True
        self._accepting.cancel()
        for wait in self._idle:
            wait.cancel()

    async def run(self) -> None:
        """Serve until `stop`."""
        if not self._listeners:
            return
        self._report(WebhookServerStarted(self.url, tuple(self._receivers)))
        async with trio.open_nursery() as connections:
            with self._accepting:
                gates = [_Gate(listener, self._slots, self._make_room) for listener in self._listeners]
                await trio.serve_listeners(self._serve, gates, handler_nursery=connections)

    def _make_room(self) -> None:
        if oldest := next(iter(self._idle), None):
            del self._idle[oldest]
            oldest.cancel()

    async def _serve(self, stream: trio.abc.Stream) -> None:
        """One connection, from its beginning to its end."""
        connection = HTTPConnection(stream)
        try:
            while await self._exchange(connection):
                pass
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # whoever was there has gone, or speaks no TLS
        except Exception as error:  # noqa: BLE001  # a bug costs the connection that met it, and no other
            self._count(WebhookError(500, f"a bug of Jackfield's, please report it: {type(error).__name__}"))
        finally:
            await trio.aclose_forcefully(stream)
            self._slots.release_on_behalf_of(stream)

    async def _exchange(self, connection: HTTPConnection) -> bool:
        """One request and its answer; whether another one may follow."""
        try:
            if not connection.begun and not await self._wait(connection):
                return False
            late = WebhookError(408, f"no whole head within {HEAD_SECONDS:g} s")
            with by(trio.current_time() + HEAD_SECONDS, late):
                head = await connection.head()
            if head is None:
                return False
            response = await self._take(self._find(head), head, connection)
        except WebhookError as refusal:
            self._count(refusal)
            response = answer(refusal)
        with trio.move_on_after(ANSWER_SECONDS):
            return await connection.answer(response, last=self._stopping)
        return False

    async def _wait(self, connection: HTTPConnection) -> bool:
        """Wait for a request to begin; whether it does."""
        if self._stopping:
            return False
        with trio.move_on_after(IDLE_SECONDS) as wait:
            self._idle[wait] = None
            try:
                await connection.receive()
            finally:
                self._idle.pop(wait, None)
            return True
        return False

    def _find(self, head: Request) -> WebhookReceiver:
        path = head.url.partition("?")[0]
        name = path.removeprefix(PREFIX)
        receiver = self._receivers.get(unquote(name))
        if receiver is None or name == path or "/" in name:
            raise WebhookError(404, "no feed gets webhooks at this path")
        return receiver

    async def _take(self, receiver: WebhookReceiver, head: Request, connection: HTTPConnection) -> Response:
        """A request's body and what becomes of it, within the time that the feed's vendor waits."""
        webhook = receiver.webhook
        deadline, in_time = trio.current_time() + webhook.timeout, f"within {webhook.timeout:g} s"
        try:
            if head.method not in METHODS:
                raise WebhookError(405, f"the method is none of {', '.join(METHODS)}")
            with by(deadline, WebhookError(408, f"the body did not come {in_time}")):
                body = await connection.body(head, webhook.max_bytes, self._hold)
            return await receiver.receive(attrs.evolve(head, body=body), deadline=deadline)
        except WebhookError as refusal:
            return receiver.refuse(refusal)
        except (OSError, trio.BrokenResourceError):
            receiver.refuse(WebhookError(400, "the sender broke off"))
            raise
        finally:
            self._held -= self._holding.pop(connection.stream, 0)

    def _hold(self, stream: trio.abc.Stream, size: int) -> None:
        """Count what is held of a body; all bodies together are bounded."""
        if self._held + size > MOST_HELD_BYTES:
            raise WebhookError(503, f"other webhooks fill the memory of {MOST_HELD_BYTES} bytes")
        self._held += size
        self._holding[stream] = self._holding.get(stream, 0) + size

    async def post(self, feed: str, request: Request) -> Response:
        """Receive a request that came to another server."""
        receiver = self._receivers.get(feed)
        if receiver is None:
            refusal = WebhookError(404, "no feed gets webhooks at this path")
            self._count(refusal)
            return answer(refusal)
        return await receiver.receive(request)

    def _count(self, refusal: WebhookError) -> None:
        total = self.rejections[count_reason(self.rejections, refusal.reason)]
        if is_due(total):
            self._report(WebhookRejected("", refusal.status, refusal.reason, total))


@attrs.frozen(eq=False)
class _Gate(trio.abc.Listener[trio.abc.Stream]):
    """A listener that hands over a connection when there is a slot for it."""

    _listener: trio.abc.Listener[trio.abc.Stream]
    _slots: trio.CapacityLimiter
    _make_room: Callable[[], None]

    async def accept(self) -> trio.abc.Stream:
        stream = await self._listener.accept()
        if not self._slots.available_tokens:
            self._make_room()
        try:
            await self._slots.acquire_on_behalf_of(stream)
        except trio.Cancelled:
            await trio.aclose_forcefully(stream)
            raise
        return stream

    async def aclose(self) -> None:
        await self._listener.aclose()


@asynccontextmanager
async def open_webhook_server(
    options: WebhooksOptions, receivers: Mapping[str, WebhookReceiver], report: Callable[[Report], None]
) -> AsyncGenerator[WebhookServer, None]:
    """A server that listens where the options say, or nowhere if no feed needs it; `ConfigError` if it cannot."""
    if options.listen is None or not receivers:
        yield WebhookServer("", (), receivers, report)
        return
    host, port = host_and_port(options.listen)
    context = _tls(options)
    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        problem = f"cannot listen on {options.listen}: {explain_os_error(error)}"
        raise ConfigError([ConfigProblem("webhooks.listen", problem)]) from None
    address = listeners[0].socket.getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    url = f"{'https' if context else 'http'}://{shown}:{address[1]}{PREFIX}"
    secured = [trio.SSLListener(each, context, https_compatible=True) for each in listeners] if context else listeners
    try:
        yield WebhookServer(url, secured, receivers, report)
    finally:
        for each in listeners:
            each.socket.close()


def _tls(options: WebhooksOptions) -> ssl.SSLContext | None:
    if options.tls_cert is None:
        return None
    try:
        return server_context(options.tls_cert, options.tls_key)
    except TLSFileError as error:
        raise ConfigError([ConfigProblem(f"webhooks.tls_{error.file}", str(error))]) from None
