"""The server for probes: ``/metrics``, ``/healthz`` and ``/readyz``."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

import attrs
import trio

from jackfield._gateway.committed import webhook_http
from jackfield._gateway.gateway import Gateway
from jackfield._gateway.snapshot import GatewayState, SupportsState
from jackfield._net.browsers import is_own_host
from jackfield._net.exception_groups import unwrapped
from jackfield._net.http_server import HTTPServer, close_listeners, listen, whole
from jackfield._net.mounts import Mount
from jackfield._net.os_errors import explain_os_error
from jackfield._serve.health import health_of
from jackfield._serve.loop_delays import LoopDelays
from jackfield.errors import ConfigError, ConfigProblem
from jackfield.plugin.http import Request, Response
from jackfield.plugin.options import host_and_port

if TYPE_CHECKING:
    from jackfield._serve.metrics import Process

__all__ = ["Monitor", "Probes", "missing_library", "open_probes"]

PATHS = ("/metrics", "/healthz", "/readyz")


@attrs.define(eq=False)
class Monitor:
    """Answers probes from a gateway's state."""

    _state: Callable[[], GatewayState]
    _exposition: Callable[[GatewayState, Process, datetime], bytes]
    _process: Process
    _content_type: str
    _listening: str
    """The host on which it listens; on loopback a request must have been made to a name of this machine."""
    _delays: LoopDelays = attrs.field(factory=LoopDelays)

    async def respond(self, request: Request) -> Response:
        """Answer one request."""
        path, _, query = request.url.partition("?")
        if (host := request.header("host")) and not is_own_host(host, self._listening):
            return _text(403, f"{host} is not this machine: a page of another site may not read from here")
        if path not in PATHS:
            return _text(404, f"there are {', '.join(PATHS)}")
        if request.method not in ("GET", "HEAD"):
            return Response(405, {"allow": "GET, HEAD", "content-type": "text/plain"}, b"only GET is allowed here\n")
        if path == "/metrics":
            state, delays = self._state(), self._delays.snapshot()
            for worker in state.workers.values():
                delays += worker.loop_delays
            process = attrs.evolve(self._process, loop_delays=delays)
            text = self._exposition(state, process, datetime.now(UTC))
            return Response(200, {"content-type": self._content_type}, text)
        if path == "/healthz":  # whoever gets this answer knows that the loop turns
            return _json(200, {"status": "ok"})
        health = health_of(self._state(), datetime.now(UTC))
        well = health.ready and not ("strict" in query.split("&") and health.reasons)
        return _json(200 if well else 503, health.as_document())

    async def measure(self) -> None:
        """Keep measuring how late the event loop is."""
        await self._delays.measure()


def missing_library() -> str | None:
    """The package that metrics need and that is not installed."""
    return None if find_spec("prometheus_client") is not None else "prometheus-client"


@attrs.frozen
class Probes:
    """Where probes will be answered, and nobody is until there is a gateway."""

    url: str = ""
    _listeners: Sequence[trio.abc.Listener[trio.abc.Stream]] = ()
    _host: str = ""

    @asynccontextmanager
    async def of(self, gateway: SupportsState, shared: HTTPServer | None = None) -> AsyncGenerator[None, None]:
        """Answer them for this gateway meanwhile; by the server that `shared` is, where it has no listener."""
        if not self.url:
            yield
            return
        from jackfield._serve.metrics import CONTENT_TYPE_LATEST, Process, exposition

        process = Process(version("jackfield"))
        monitor = Monitor(gateway.state, exposition, process, CONTENT_TYPE_LATEST, self._host)
        with unwrapped() as body:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(monitor.measure)
                if self._listeners:
                    await nursery.start(HTTPServer(whole(monitor.respond)).run, self._listeners)
                    with body.watched():
                        yield
                else:
                    if shared is None:
                        assert isinstance(gateway, Gateway)
                        shared = webhook_http(gateway)
                    with shared.mounts.mounted(Mount(PATHS, whole(monitor.respond))), body.watched():
                        yield
                nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_probes(address: str | None, *, shared: bool = False) -> AsyncGenerator[Probes, None]:
    """Listen at an address, if there is one, before a gateway opens, so that one which cannot start leaves nothing.

    With `shared` another server of the gateway listens there.
    `ConfigError` where it cannot be listened there, or the client library for Prometheus is not installed.
    """
    if address is None:
        yield Probes()
        return
    if (missing := missing_library()) is not None:
        raise ConfigError([ConfigProblem("metrics.listen", f"needs the package {missing}; install it")])
    if shared:
        yield Probes(f"http://{address}", (), host_and_port(address)[0])
        return
    try:
        host, port = host_and_port(address)
        listeners, url = await listen(host, port)
    except OSError as error:
        problem = f"cannot listen on {address}: {explain_os_error(error)}"
        raise ConfigError([ConfigProblem("metrics.listen", problem)]) from None
    try:
        yield Probes(url, listeners, host)
    finally:
        await close_listeners(listeners)


def _text(status: int, text: str) -> Response:
    return Response(status, {"content-type": "text/plain; charset=utf-8"}, f"{text}\n".encode())


def _json(status: int, content: object) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(content).encode() + b"\n")
