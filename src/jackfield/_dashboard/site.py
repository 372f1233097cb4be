"""The dashboard's web site: its pages, and below ``/v1/`` what they read."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

import attrs
import msgspec
import trio

from jackfield._dashboard.access import Access, Viewer
from jackfield._dashboard.operations import Operations
from jackfield._gateway.gateway import Gateway
from jackfield._net.http_connection import Streamed
from jackfield._net.http_server import HTTPServer, close_listeners, listen, whole
from jackfield._serve.api import API, open_api
from jackfield.config import GatewayConfig
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.http import Request, Response
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret
from jackfield.reports import Report

__all__ = ["PAGES", "Site", "page"]

MEASURE_SECONDS = 1.0
MOST_STREAMS = 32
"""Of all pages together; a page has one."""
WRONG_TOKEN_SECONDS = 1.0
"""Delay of the answer to a wrong token or cookie, by whichever way it comes."""

HTML, CSS, SCRIPT = "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"
SCRIPTS = ("alerts", "board", "chart", "figures", "format", "operator", "store", "stream", "table", "tiles", "timeline")
PAGES = {
    "/": ("index.html", HTML),
    "/operator": ("operator.html", HTML),
    "/board.css": ("board.css", CSS),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}.js": (f"{name}.js", SCRIPT) for name in SCRIPTS},
}
OPEN = frozenset({"/board.css", "/icon.svg"})
"""Served without a token, for the sign-in page."""
OPERATORS = frozenset({"/operator", "/operator.json"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@attrs.define(eq=False)
class Site:
    """One dashboard; also an observer of the gateway's reports."""

    access: Access
    redact: Redactor = attrs.field(factory=Redactor)
    """Hides secrets in the operator's figures and notices."""
    operations: Operations = attrs.field(factory=Operations)
    _api: API | None = None
    _config: GatewayConfig = attrs.field(factory=lambda: GatewayConfig(()))

    def __attrs_post_init__(self) -> None:
        for viewer in self.access.viewers:
            self.redact.add(Secret("text", text) for text in (viewer.token, viewer.session) if text)

    @hookimpl
    def jackfield_observe(self, report: Report) -> None:
        """Keep one report for the operator."""
        self.operations.observe(report, datetime.now(UTC))

    async def run(
        self, gateway: Gateway, port: int, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve the pages until cancelled; starts with the URL, or raises `OSError`."""
        listeners, url = await listen(self.access.host, port, self.access.tls)
        self._config = gateway.config
        try:
            async with open_api(gateway) as self._api, trio.open_nursery() as nursery:
                self._measure(gateway)
                nursery.start_soon(self._keep_measuring, gateway)
                await nursery.start(HTTPServer(whole(self.respond)).run, listeners)
                task_status.started(f"{url}/")
        finally:
            await close_listeners(listeners)

    async def _keep_measuring(self, gateway: Gateway) -> None:
        while True:
            await trio.sleep(MEASURE_SECONDS)
            self._measure(gateway)

    def _measure(self, gateway: Gateway) -> None:
        providers = {feed.name: feed.provider_name for feed in gateway.config.feeds}
        self.operations.measure(gateway.state(), providers, trio.current_time())

    async def respond(self, request: Request) -> Response | Streamed:
        """Answer one request."""
        answer = await self._respond(request)
        if isinstance(answer, Streamed):
            return attrs.evolve(answer, head=_safe(answer.head))
        return _safe(answer)

    async def _respond(self, request: Request) -> Response | Streamed:
        if not self.access.allows_host(request.header("host")):
            return _text(421, "this dashboard does not serve that host name; use localhost")
        path = request.url.partition("?")[0]
        if path.startswith("/v1/") and request.header("sec-fetch-site") == "cross-site":
            return _text(403, "pages of other sites may not ask here")  # a durable subscription is made by asking
        if request.method == "POST" and path == "/sign-in":
            return await self._sign_in(request)
        if request.method != "GET":
            return _text(405, "only GET is allowed here", allow="GET")
        if path in OPEN:
            return page(*PAGES[path])
        viewer = self.access.viewer(request)
        if viewer is None:
            if self.access.presents(request):
                await trio.sleep(WRONG_TOKEN_SECONDS)  # the same by every way, so that none is good for guessing
            browser = "text/html" in request.header("accept")
            return page("sign-in.html", HTML, 401) if browser else _text(401, "a token is needed")
        return await self._show(request, path, viewer)

    async def _show(self, request: Request, path: str, viewer: Viewer) -> Response | Streamed:
        if path in OPERATORS and not viewer.operator:
            return _text(403, "this token does not show the operator's page; [viewers.NAME] operator = true would")
        if path in PAGES:
            return page(*PAGES[path])
        if path == "/settings.json":
            return _json(self._settings(viewer))
        if path == "/operator.json":
            return _json(_without(self.operations.shown(), self.redact))
        api = self._api
        if api is not None and path == "/v1/events" and api.counts.clients >= MOST_STREAMS:
            return _text(503, "too many pages are open", **{"retry-after": "10"})
        answer = None if api is None else await api.respond(request, viewer.grant)
        return _text(404, "there is no such page") if answer is None else answer

    def _settings(self, viewer: Viewer) -> dict[str, Any]:
        """What the pages need to know of the configuration."""
        options, names = self._config.dashboard, self._config.names
        return {
            "title": options.title,
            "thresholds": {
                "service_level": options.service_level,
                "longest_wait": options.longest_wait,
                "waiting": options.waiting,
                "abandoned": options.abandoned,
                "ready": options.ready,
                "speed_of_answer": options.speed_of_answer,
            },
            "silence_seconds": options.silence_seconds,
            "answer_seconds": self._config.gateway.answer_seconds,
            "names": {"queues": names.queues, "agents": names.agents if viewer.grant.personal else {}},
            "personal": viewer.grant.personal,
            "operator": viewer.operator,
        }

    async def _sign_in(self, request: Request) -> Response:
        given = parse_qs(request.body.decode("utf-8", "replace")).get("token", [""])[0].strip()
        if given and (viewer := self.access.holder(given)) is not None:
            return Response(303, {"location": "/", "set-cookie": self.access.cookie(viewer)})
        await trio.sleep(WRONG_TOKEN_SECONDS)
        return page("sign-in.html", HTML, 401, (b" hidden", b""))


def page(name: str, content_type: str, status: int = 200, change: tuple[bytes, bytes] = (b"", b"")) -> Response:
    """A response with one of the package's pages."""
    content = files("jackfield._dashboard").joinpath("pages", name).read_bytes()
    return Response(status, {"content-type": content_type}, content.replace(*change) if change[0] else content)


def _text(status: int, text: str, **headers: str) -> Response:
    return Response(status, {"content-type": "text/plain; charset=utf-8", **headers}, f"{text}\n".encode())


def _json(content: Any) -> Response:
    return Response(200, {"content-type": "application/json"}, msgspec.json.encode(content))


def _safe(response: Response) -> Response:
    return attrs.evolve(response, headers={**HEADERS, **response.headers})


def _without(value: Any, redact: Redactor) -> Any:
    """The value with all secrets redacted in its texts."""
    match value:
        case str():
            return redact(value)
        case list():
            return [_without(each, redact) for each in value]
        case dict():
            return {key: _without(each, redact) for key, each in value.items()}
    return value
