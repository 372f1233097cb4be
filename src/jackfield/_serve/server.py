"""``[serve]``: the server for programs and pages, beside a gateway."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import attrs
import trio

from jackfield._gateway.committed import webhook_http
from jackfield._gateway.gateway import Gateway
from jackfield._net.exception_groups import unwrapped
from jackfield._net.http_connection import HTTPConnection, Streamed
from jackfield._net.http_server import HTTPServer, Limits, close_listeners, listen, whole
from jackfield._net.mounts import Mount
from jackfield._net.os_errors import explain_os_error
from jackfield._net.tls import TLSFileError, server_context
from jackfield._serve.access import Access
from jackfield._serve.api import API, open_api
from jackfield._serve.asking import PREFIX, Refused, json_response, read_target
from jackfield._serve.tickets import Tickets, ticket_key
from jackfield._serve.websocket import serve_websocket
from jackfield.config import GatewayConfig
from jackfield.config.addresses import SPARE_CONNECTIONS, connections_of, host_of, tables_of
from jackfield.errors import ConfigError, ConfigProblem, WebhookError
from jackfield.plugin.http import Request, Response
from jackfield.plugin.options import host_and_port

__all__ = ["Server", "Serving", "open_serving"]

HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


@attrs.define(eq=False)
class Server:
    """Answers requests: who may ask, and then the API."""

    _api: API
    _access: Access

    async def respond(self, request: Request) -> Response | Streamed:
        """Answer one request."""
        cors: dict[str, str] = {}
        try:
            self._access.check_host(request)
            cors = self._access.cors(request)
            answer = await self._respond(request, cors)
        except Refused as refusal:
            self._api.refuse(refusal.error)
            answer = refusal.response()
        headers = {**HEADERS, **cors}
        if isinstance(answer, Streamed):
            return attrs.evolve(answer, head=_with(answer.head, headers))
        return _with(answer, headers)

    async def _respond(self, request: Request, cors: dict[str, str]) -> Response | Streamed:
        target = read_target(request.url)
        if target is None:
            raise Refused(404, "there is only /v1/ here: /v1/events, /v1/state, /v1/openapi.json")
        if request.method == "OPTIONS":
            return Response(204, self._access.preflight() if "access-control-allow-origin" in cors else {})
        if target.path == ("tickets",):
            if request.method != "POST":
                raise Refused(405, "only POST is allowed here", {"allow": "POST"})
            target.check(())
            return json_response(200, self._access.ticket(request, time.time()))
        answer = await self._api.respond(request, self._access.grant(request, target, time.time()))
        assert answer is not None
        return answer

    async def upgrade(self, request: Request, connection: HTTPConnection) -> None:
        """Serve a websocket, or refuse it."""
        try:
            self._access.check_host(request)
            self._access.cors(request)
            target = read_target(request.url)
            if target is None or target.path != ("events",):
                raise Refused(404, "websockets are at /v1/events")
            grant = self._access.grant(request, target, time.time())
            await serve_websocket(self._api, grant, request, target, connection)
        except Refused as refusal:
            self._api.refuse(refusal.error)
            await connection.answer(_with(refusal.response(), HEADERS), last=True)

    def refuse(self, refusal: WebhookError) -> Response:
        """The answer to what is not a request."""
        self._api.refuse(refusal.reason)
        return json_response(refusal.status, {"error": refusal.reason})


def _with(response: Response, headers: dict[str, str]) -> Response:
    vary = ", ".join(each["vary"] for each in (headers, response.headers) if "vary" in each)
    return attrs.evolve(response, headers={**headers, **response.headers, **({"vary": vary} if vary else {})})


@attrs.frozen
class Serving:
    """Where programs will be served, as soon as there is a gateway."""

    config: GatewayConfig
    url: str = ""
    _listeners: Sequence[trio.abc.Listener[trio.abc.Stream]] = ()
    """None where webhooks are received at the same address, by whose server it is served then."""

    @asynccontextmanager
    async def of(self, gateway: Gateway) -> AsyncGenerator[HTTPServer | None, None]:
        """Serve this gateway meanwhile; by the server at its address, where there is one."""
        options = self.config.serve
        if options.listen is None:
            yield None
            return
        tickets = Tickets(ticket_key(self.config.gateway.journal), options.ticket_seconds)
        access = Access(options, host_and_port(options.listen)[0], tickets)
        more = connections_of(["metrics"], self.config)
        limits = Limits(connections=options.max_clients + SPARE_CONNECTIONS + more)
        with unwrapped() as body:
            async with open_api(gateway, options) as api, trio.open_nursery() as nursery:
                server = Server(api, access)
                if not self._listeners:
                    http = webhook_http(gateway)
                    mount = Mount((PREFIX,), whole(server.respond), server.upgrade)
                    with http.mounts.mounted(mount), body.watched():
                        yield http
                    return
                http = HTTPServer(whole(server.respond), limits, server.refuse, "websocket", server.upgrade)
                await nursery.start(http.run, self._listeners)
                with body.watched():
                    yield http
                nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_serving(config: GatewayConfig) -> AsyncGenerator[Serving, None]:
    """Listen at the configuration's address, if there is one, before a gateway opens; `ConfigError` if it cannot.

    Where webhooks are received at the same address the gateway listens, and nothing is done here.
    """
    options = config.serve
    if options.listen is None:
        yield Serving(config)
        return
    if host_of("serve", tables_of(config)) != "serve":
        yield Serving(config, f"{'http' if options.tls_cert is None else 'https'}://{options.listen}")
        return
    tls = None
    if options.tls_cert is not None:
        try:
            tls = server_context(options.tls_cert, options.tls_key)
        except TLSFileError as error:
            raise ConfigError([ConfigProblem(f"serve.tls_{error.file}", str(error))]) from None
    try:
        listeners, url = await listen(*host_and_port(options.listen), tls)
    except OSError as error:
        problem = f"cannot listen on {options.listen}: {explain_os_error(error)}"
        raise ConfigError([ConfigProblem("serve.listen", problem)]) from None
    try:
        yield Serving(config, url, listeners)
    finally:
        await close_listeners(listeners)
