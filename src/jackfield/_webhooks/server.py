"""The HTTP server that receives vendors' webhooks, for all feeds that get any, each at ``/webhooks/NAME``."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import unquote

import attrs
import trio

from jackfield._net.http_connection import HTTPConnection
from jackfield._net.http_server import HTTPServer, Limits, by, close_listeners, listen, shared
from jackfield._net.os_errors import explain_os_error
from jackfield._net.tls import TLSFileError, server_context
from jackfield._webhooks.receiver import METHODS, answer
from jackfield.config import WebhooksOptions
from jackfield.errors import ConfigError, ConfigProblem, WebhookError
from jackfield.plugin.http import Request, Response
from jackfield.plugin.options import host_and_port
from jackfield.plugin.webhook import Webhook
from jackfield.reports import Report, WebhookRejected, WebhookServerStarted
from jackfield.reports._counters import count_reason
from jackfield.reports._thinning import is_due

__all__ = ["ReceivesWebhooks", "WebhookServer", "open_webhook_server"]

PREFIX = "/webhooks/"
# Bodies are held in memory until they are committed.
MOST_HELD_BYTES = 128 * 2**20
# Go's client, which VoIPBIN uses, drops what is idle for 90 s. A server that waits for longer never closes a connection
# under a request that is just coming.
LIMITS = Limits(idle=120.0, head=4.0, send=4.0, connections=256)


class ReceivesWebhooks(Protocol):
    """What answers the webhooks of one feed."""

    @property
    def webhook(self) -> Webhook:
        """How its provider reads them, and how long its vendor waits."""

    @property
    def most_bytes(self) -> int:
        """The largest body that is accepted."""

    async def receive(self, request: Request, *, deadline: float = float("inf")) -> Response:
        """The answer to a request: a success as soon as its events are committed, and not before."""

    def refuse(self, refusal: WebhookError) -> Response:
        """The answer to what is not taken."""


@attrs.define(eq=False)
class WebhookServer:
    """Listens, and hands webhooks to the receivers; made by `open_webhook_server`."""

    url: str
    """URL prefix of the feeds' webhook endpoints."""
    _listeners: Sequence[trio.abc.Listener[trio.abc.Stream]]
    receivers: Mapping[str, ReceivesWebhooks]
    _report: Callable[[Report], None]
    _context: ssl.SSLContext | None = None
    _limits: Limits = LIMITS
    rejections: Counter[str] = attrs.field(factory=Counter)
    """Requests that were for no feed, or were not HTTP, by reason."""
    _held: int = 0
    """Bytes of bodies that are not committed yet."""
    _most_held: int = attrs.field(init=False)
    _holding: dict[trio.abc.Stream, int] = attrs.field(factory=dict)
    http: HTTPServer = attrs.field(init=False)
    """What else is served at its address can be mounted there."""

    def __attrs_post_init__(self) -> None:
        self._most_held = max([MOST_HELD_BYTES, *(each.most_bytes for each in self.receivers.values())])
        self.http = HTTPServer(self._receive, self._limits, self._refuse)

    def renew(self, options: WebhooksOptions) -> None:
        """Show another certificate from the next connection on; `ConfigError` where it cannot be used."""
        if self._context is None or options.tls_cert is None:
            if (self._context is None) != (options.tls_cert is None):
                problem = "cannot be switched on or off while the gateway listens there; restart it"
                raise ConfigError([ConfigProblem("webhooks.tls_cert", problem)])
            return
        _tls(options)  # what cannot be used is found before it takes the place of what can
        self._context.load_cert_chain(options.tls_cert, options.tls_key)

    def stop(self) -> None:
        """Accept nothing more and let `run` return as soon as the requests under way are answered."""
        self.http.stop()

    async def run(self) -> None:
        """Serve until `stop`."""
        if self._listeners:
            if self.receivers:  # or it listens for what else is served at its address
                self._report(WebhookServerStarted(self.url, tuple(self.receivers)))
            await self.http.run(self._listeners)

    def _find(self, head: Request) -> ReceivesWebhooks:
        path = head.url.partition("?")[0]
        name = path.removeprefix(PREFIX)
        receiver = self.receivers.get(unquote(name))
        if receiver is None or name == path or "/" in name:
            raise WebhookError(404, "no feed gets webhooks at this path")
        return receiver

    async def _receive(self, head: Request, connection: HTTPConnection) -> Response:
        """A request's body and what becomes of it, within the time that the feed's vendor waits."""
        receiver = self._find(head)
        webhook = receiver.webhook
        deadline, in_time = trio.current_time() + webhook.timeout, f"within {webhook.timeout:g} s"
        try:
            if head.method not in METHODS:
                raise WebhookError(405, f"the method is none of {', '.join(METHODS)}")
            with by(deadline, WebhookError(408, f"the body did not come {in_time}")):
                body = await connection.body(head, receiver.most_bytes, self._hold)
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
        if self._held + size > self._most_held:
            raise WebhookError(503, f"other webhooks fill the memory of {self._most_held} bytes")
        self._held += size
        self._holding[stream] = self._holding.get(stream, 0) + size

    async def post(self, feed: str, request: Request) -> Response:
        """Receive a request that came to another server."""
        receiver = self.receivers.get(feed)
        if receiver is None:
            return self._refuse(WebhookError(404, "no feed gets webhooks at this path"))
        return await receiver.receive(request)

    def _refuse(self, refusal: WebhookError) -> Response:
        total = self.rejections[count_reason(self.rejections, refusal.reason)]
        if is_due(total):
            self._report(WebhookRejected("", refusal.status, refusal.reason, total))
        return answer(refusal)


@asynccontextmanager
async def open_webhook_server(
    options: WebhooksOptions,
    receivers: Mapping[str, ReceivesWebhooks],
    report: Callable[[Report], None],
    *,
    wanted: bool = False,
    more_connections: int = 0,
) -> AsyncGenerator[WebhookServer, None]:
    """A server that listens where the options say, or nowhere if no feed needs it; `ConfigError` if it cannot.

    With `wanted` one will, so that it listens already; `more_connections` are for what else is served there.
    """
    if options.listen is None or not (receivers or wanted):
        yield WebhookServer("", (), receivers, report)
        return
    context = _tls(options)
    try:
        listeners, url = await listen(*host_and_port(options.listen), context)
    except OSError as error:
        problem = f"cannot listen on {options.listen}: {explain_os_error(error)}"
        raise ConfigError([ConfigProblem("webhooks.listen", problem)]) from None
    try:
        limits = shared(LIMITS, more_connections) if more_connections else LIMITS
        yield WebhookServer(f"{url}{PREFIX}", listeners, receivers, report, context, limits)
    finally:
        await close_listeners(listeners)


def _tls(options: WebhooksOptions) -> ssl.SSLContext | None:
    if options.tls_cert is None:
        return None
    try:
        return server_context(options.tls_cert, options.tls_key)
    except TLSFileError as error:
        raise ConfigError([ConfigProblem(f"webhooks.tls_{error.file}", str(error))]) from None
