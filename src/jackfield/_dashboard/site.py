"""The dashboard's web site: its pages, its stream of updates, and the tasks that update the board."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import parse_qs

import attrs
import msgspec
import trio

from jackfield._dashboard.access import Access
from jackfield._dashboard.board import Board
from jackfield._dashboard.rows import SinkRow
from jackfield._dashboard.updates import View
from jackfield._gateway.gateway import Gateway
from jackfield._gateway.listener import Listener
from jackfield._gateway.watch import Watch
from jackfield._net.http_connection import Send, Streamed
from jackfield._net.http_server import HTTPServer, listen, whole
from jackfield.errors import SelectorError
from jackfield.events import Event
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.http import Request, Response
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret
from jackfield.reports import Report
from jackfield.selectors import EVERYTHING, Selector

__all__ = ["PAGES", "Site", "page"]

T = TypeVar("T")

QUICK_SECONDS, CALM_SECONDS = 0.2, 0.5
"""Seconds between two updates of one page: after a small update, and after one of `CALM_BYTES` or more."""
CALM_BYTES = 16_000
MEASURE_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
"""Seconds without an update after which the stream sends a comment."""
RATE_SAMPLES = 6
"""Measurements that a rate is computed from."""
MOST_VIEWERS = 32
BUFFER = 5000
"""Capacity of the board's listener, in events."""
SLICE_SECONDS, SLICE_EVENTS = 0.05, 200
"""The board applies at most so many events in such a time, since it shares a processor with the gateway."""
WRONG_TOKEN_SECONDS = 1.0
"""Delay of the answer to a wrong token or cookie, by whichever way it comes."""

PAGES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/board.css": ("board.css", "text/css; charset=utf-8"),
    "/board.js": ("board.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
# Served without a token, for the sign-in page.
OPEN = frozenset({"/board.css", "/icon.svg"})
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
    """Hides secrets in all updates."""
    board: Board = attrs.field(factory=Board)
    _listener: Listener[Event] | None = None
    _samples: deque[tuple[float, dict[str, int]]] = attrs.field(factory=lambda: deque(maxlen=RATE_SAMPLES))
    _figures: dict[str, Any] = attrs.field(factory=dict)
    _viewers: int = 0

    def __attrs_post_init__(self) -> None:
        self.redact.add(Secret("text", text) for text in (self.access.token, self.access.session) if text)

    @hookimpl
    def jackfield_observe(self, report: Report) -> None:
        """Update the board from one report."""
        self.board.apply_report(report, datetime.now(UTC))

    async def run(
        self, gateway: Gateway, port: int, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Follow the gateway and serve the pages until cancelled; starts with the URL, or raises `OSError`."""
        listeners, url = await listen(self.access.host, port, self.access.tls)
        async with gateway.watch() as watch:
            with gateway.listen("**", buffer=BUFFER) as self._listener:
                self._measure(gateway)
                self.board.show(watch.snapshot, datetime.now(UTC))
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._follow, self._listener)
                    nursery.start_soon(self._follow_state, watch)
                    nursery.start_soon(self._keep_measuring, gateway)
                    await nursery.start(HTTPServer(whole(self.respond)).run, listeners)
                    task_status.started(f"{url}/")

    # -- updating the board ----------------------------------------------------------------------------

    async def _follow(self, events: Listener[Event]) -> None:
        began, applied = trio.current_time(), 0
        async for event in events:
            self.board.apply(event)
            applied += 1
            if applied >= SLICE_EVENTS:
                await trio.sleep_until(began + SLICE_SECONDS)
            if applied >= SLICE_EVENTS or trio.current_time() >= began + SLICE_SECONDS:
                began, applied = trio.current_time(), 0

    async def _follow_state(self, watch: Watch) -> None:
        """Update the rows, some at a time: a board that is behind gets each thing once, as it stands by then."""
        async for changes in watch:
            for some in batched(changes.changes, SLICE_EVENTS):
                self.board.change(some, datetime.now(UTC), changes.day)
                await trio.sleep(SLICE_SECONDS)

    async def _keep_measuring(self, gateway: Gateway) -> None:
        while True:
            await trio.sleep(MEASURE_SECONDS)
            self._measure(gateway)

    def _measure(self, gateway: Gateway) -> None:
        """Read the gateway's figures, and remove old rows."""
        now, stats = datetime.now(UTC), gateway.state()
        counts = {f"feed {name}": feed.events for name, feed in stats.feeds.items()}
        counts |= {f"sink {name}": sink.delivered for name, sink in stats.sinks.items()}
        counts["events"] = self.board.tail.last
        self._samples.append((trio.current_time(), counts))
        providers = {feed.name: feed.provider_name for feed in gateway.config.feeds}
        for name, feed in stats.feeds.items():
            self.board.change_feed(
                name,
                now,
                provider=providers[name],
                state=feed.state.value,
                since=feed.since.timestamp(),
                rate=self._rate(f"feed {name}"),
                events=feed.events,
                unreadable=feed.unreadable,
                topics=len(feed.topics),
                refused=len(feed.refused_topics),
                gaps=feed.gaps,
            )
        self.board.set_sinks(
            {
                name: SinkRow(sink.state, sink.lag, self._rate(f"sink {name}"), sink.delivered, sink.dropped, sink.dead)
                for name, sink in stats.sinks.items()
            }
        )
        self.board.age(now)
        self._figures = {
            "rate": self._rate("events"),
            "today": self.board.today(),
            "events": self.board.tail.last,
            "missed": 0 if self._listener is None else self._listener.dropped,
            "journal_waiting": stats.journal.waiting,
            "journal_dropped": stats.journal.dropped,
        }

    def _rate(self, name: str) -> float:
        """Increments per second of a counter, over the last measurements."""
        (began, first), (ended, last) = self._samples[0], self._samples[-1]
        return round((last[name] - first.get(name, 0)) / (ended - began), 1) if ended > began else 0.0

    # -- serving viewers -------------------------------------------------------------------------------

    async def respond(self, request: Request) -> Response | Streamed:
        """Answer one request."""
        answer = await self._respond(request)
        if isinstance(answer, Streamed):
            return attrs.evolve(answer, head=_safe(answer.head))
        return _safe(answer)

    async def _respond(self, request: Request) -> Response | Streamed:
        if not self.access.allows_host(request.header("host")):
            return _text(421, "this dashboard does not serve that host name; use localhost")
        path, _, text = request.url.partition("?")
        if request.method == "POST" and path == "/sign-in":
            return await self._sign_in(request)
        if request.method != "GET":
            return _text(405, "only GET is allowed here", allow="GET")
        if not self.access.admits(request) and path not in OPEN:
            if self.access.presents(request):
                await trio.sleep(WRONG_TOKEN_SECONDS)  # the same by every way, so that none is good for guessing
            browser = "text/html" in request.header("accept")
            return page("sign-in.html", "text/html; charset=utf-8", 401) if browser else _text(401, "a token is needed")
        if path == "/events":
            return self._events(parse_qs(text, keep_blank_values=True))
        return page(*PAGES[path]) if path in PAGES else _text(404, "there is no such page")

    async def _sign_in(self, request: Request) -> Response:
        given = parse_qs(request.body.decode("utf-8", "replace")).get("token", [""])[0].strip()
        if self.access.token and self.access.is_token(given):
            return Response(303, {"location": "/", "set-cookie": self.access.cookie()})
        await trio.sleep(WRONG_TOKEN_SECONDS)
        return page("sign-in.html", "text/html; charset=utf-8", 401, (b" hidden", b""))

    def _events(self, query: Mapping[str, list[str]]) -> Response | Streamed:
        """The stream of updates; with ``check`` only whether the selector is valid, and the position of the error."""
        check = "check" in query
        text = query.get("select", [""])[0].strip()
        try:
            selector = Selector.parse(text) if text else EVERYTHING
        except SelectorError as error:
            return _json(200 if check else 400, {"problem": error.problem, "position": error.position})
        if check:
            return _json(200, {"selector": str(selector)})
        if self._viewers >= MOST_VIEWERS:
            return _text(503, "too many pages are open", retry_after="10")
        head = Response(200, {"content-type": "text/event-stream"})
        return Streamed(head, partial(self._send_updates, View(selector)))

    async def _send_updates(self, view: View, send: Send) -> None:
        self._viewers += 1
        try:
            await send(b"retry: 1000\n\n")
            last_sent_at = trio.current_time()
            while True:
                now = datetime.now(UTC).timestamp()
                update = view.next(self.board, self._figures, now, self.redact)
                if update is not None:
                    await send(b"data: " + update + b"\n\n")
                    last_sent_at = trio.current_time()
                elif trio.current_time() - last_sent_at >= HEARTBEAT_SECONDS:
                    await send(b":\n\n")
                    last_sent_at = trio.current_time()
                full = min(1.0, len(update or b"") / CALM_BYTES)
                await trio.sleep(QUICK_SECONDS + full * (CALM_SECONDS - QUICK_SECONDS))
        finally:
            self._viewers -= 1


def batched(things: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """So many at a time."""
    return (things[start : start + most] for start in range(0, len(things), most))


def page(name: str, content_type: str, status: int = 200, change: tuple[bytes, bytes] = (b"", b"")) -> Response:
    """A response with one of the package's pages."""
    content = files("jackfield._dashboard").joinpath("pages", name).read_bytes()
    return Response(status, {"content-type": content_type}, content.replace(*change) if change[0] else content)


def _text(status: int, text: str, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": "text/plain; charset=utf-8", **named}, f"{text}\n".encode())


def _json(status: int, content: Any) -> Response:
    return Response(status, body=msgspec.json.encode(content))


def _safe(response: Response) -> Response:
    return attrs.evolve(response, headers={**HEADERS, **response.headers})
