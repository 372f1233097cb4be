"""The webhooks of one feed: read, committed, counted, answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import attrs
import msgspec
import trio

from jackfield._loading.guard import provider_code
from jackfield._net.http_server import by
from jackfield.config import Feed, WebhooksOptions
from jackfield.errors import FrameError, JackfieldError, JournalError, PluginError, WebhookError
from jackfield.events import Event, TraceContext
from jackfield.plugin.http import Request, Response
from jackfield.plugin.protocol import FeedProtocol, SupportsWebhookNotes
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.webhook import Webhook, WebhookAnswer, WebhookRequest
from jackfield.reports import Report, WebhookRejected
from jackfield.reports._counters import FeedCounters, count_reason
from jackfield.reports._thinning import is_due

__all__ = ["METHODS", "WebhookReceiver", "answer", "refused"]

# VoIPBIN sends with its customers' method, and with GET where they gave none.
METHODS = ("DELETE", "GET", "POST", "PUT")

# Seconds after which a vendor should send again: a journal that is full or stuck takes longer than one to recover.
RETRY_AFTER = "5"


@attrs.define
class WebhookReceiver:
    """The webhooks of one feed."""

    feed: Feed
    webhook: Webhook
    _counters: FeedCounters
    _unreadable: Callable[[FrameError], None]
    """Counts, keeps and reports what could not be read, as for frames."""
    _publish: Callable[[Sequence[Event]], Awaitable[int]]
    """Waits until the events are committed; how many were new."""
    _report: Callable[[Report], None]
    _options: WebhooksOptions = attrs.field(factory=WebhooksOptions)
    _now: Callable[[], datetime] = attrs.field(default=partial(datetime.now, UTC))
    """The clock, which tests replace."""
    _redact: Redactor = attrs.field(factory=Redactor)
    _protocol: Callable[[], FeedProtocol | None] = lambda: None
    """The protocol of the feed's newest connection, where it has one as well."""

    def __attrs_post_init__(self) -> None:
        self._redact.learn(self.feed.provider, owner=self.feed.name)

    @property
    def most_bytes(self) -> int:
        """The largest body that is accepted."""
        return self.feed.connection.max_message_bytes

    async def receive(self, request: Request, *, deadline: float = float("inf")) -> Response:
        """The answer to a request: a success as soon as its events are committed, and not before."""
        webhook = self.webhook
        deadline = min(deadline, trio.current_time() + webhook.timeout)
        try:
            if request.method not in METHODS:
                raise WebhookError(405, f"the method is none of {', '.join(METHODS)}")
            if len(request.body) > self.most_bytes:
                raise WebhookError(413, f"the body is larger than {self.most_bytes} bytes")
            with by(deadline, WebhookError(503, f"the journal did not commit it within {webhook.timeout:g} s")):
                return await self._receive(self._whole(request), _trace_of(request))
        except WebhookError as refusal:
            return self.refuse(refusal)

    def _whole(self, request: Request) -> WebhookRequest:
        """The request as the provider reads it."""
        headers: dict[str, str] = {}
        for name, value in request.headers:
            headers.setdefault(name.lower(), value)
        parts = urlsplit(request.url)
        target = urlunsplit(("", "", parts.path, parts.query, ""))
        if self._options.public_url:
            url = self._options.public_url.rstrip("/") + target
        elif parts.scheme:
            url = request.url
        else:
            url = f"{'https' if self._options.tls_cert else 'http'}://{headers.get('host', '')}{target}"
        if not request.body and not parts.query:
            raise WebhookError(400, "the request has neither a body nor a query")
        return WebhookRequest(request.method, target, url, headers, request.body, self._now())

    async def _receive(self, request: WebhookRequest, trace: TraceContext | None) -> Response:
        try:
            with provider_code():
                read = self.webhook.read(request)
                answered = read if isinstance(read, WebhookAnswer) else WebhookAnswer(read)
            more: dict[str, Any] = {"origin": "webhook"} if trace is None else {"origin": "webhook", "trace": trace}
            events = [attrs.evolve(event, **more) for event in answered.events]
            new = await self._publish(events) if events else 0
        except FrameError as error:
            return self._cannot_read(error)
        except JournalError:
            raise WebhookError(503, "the journal takes nothing at the moment") from None
        except WebhookError:
            raise
        except JackfieldError as error:
            return self._fail(error, request.body)
        self._note(events)
        self._accept(events, new)
        if isinstance(read, WebhookAnswer):
            return answered.response
        return Response(200, body=msgspec.json.encode({"new": new, "copies": len(events) - new}))

    def _note(self, events: Sequence[Event]) -> None:
        """Let the connection's protocol know what came; a bug in it costs no event."""
        protocol = self._protocol()
        if protocol is not None and isinstance(protocol, SupportsWebhookNotes):
            try:
                with provider_code():
                    protocol.came_by_webhook(events)
            except JackfieldError as error:
                count_reason(self._counters.ignored, self._redact(str(error)))

    def refuse(self, refusal: WebhookError) -> Response:
        """The answer to what is not taken."""
        return refused(refusal, self.feed.name, self._counters.webhooks.rejections, self._report, self._redact)

    def _accept(self, events: list[Event], new: int) -> None:
        counters = self._counters
        counters.webhooks.accepted += 1
        counters.webhooks.copies += len(events) - new
        counters.events += len(events)
        if events:
            counters.last_event_at = events[-1].received
        else:
            counters.ignored["webhook without an event"] += 1

    def _fail(self, error: JackfieldError, body: bytes) -> Response:
        """Answer 400 for a provider's bug, and 503 for a missing secret, so that the vendor retries."""
        if isinstance(error, PluginError):
            return self._cannot_read(FrameError(str(error), body))
        return self.refuse(WebhookError(503, str(error)))

    def _cannot_read(self, error: FrameError) -> Response:
        self._unreadable(error)
        return answer(WebhookError(400, self._redact(error.problem)))


def _trace_of(request: Request) -> TraceContext | None:
    """The trace that a request says it belongs to."""
    parents = [value for name, value in request.headers if name.lower() == "traceparent"]
    if not parents:
        return None
    return TraceContext.parse(parents, [value for name, value in request.headers if name.lower() == "tracestate"])


def refused(
    refusal: WebhookError,
    feed: str,
    rejections: Counter[str],
    report: Callable[[Report], None],
    redact: Redactor,
) -> Response:
    """The answer to what is not taken, which is counted, and reported now and then."""
    # Secrets show in no report, whatever a provider writes; and a status below 400 would mean that it was accepted.
    reason = redact(refusal.reason)
    status = refusal.status if 400 <= refusal.status < 600 else 400
    total = rejections[count_reason(rejections, reason)]
    if is_due(total):
        report(WebhookRejected(feed, status, reason, total))
    return answer(WebhookError(status, reason))


def answer(refusal: WebhookError) -> Response:
    """The answer that says why something is not taken."""
    headers = {"retry-after": RETRY_AFTER} if refusal.status == 503 else {}
    return Response(refusal.status, headers, msgspec.json.encode({"error": refusal.reason}))
