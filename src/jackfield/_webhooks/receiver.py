"""What a vendor has posted for one feed: read, committed, counted, answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import attrs
import msgspec

from jackfield._loading.guard import provider_code
from jackfield.config import Feed
from jackfield.errors import FrameError, JackfieldError, JournalError, PluginError, WebhookError
from jackfield.events import Event
from jackfield.plugin.http import Request, Response
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.webhook import Webhook
from jackfield.reports import Report, WebhookRejected, is_due
from jackfield.reports.feed_stats import FeedStats, count_reason

__all__ = ["WebhookReceiver", "answer"]

# To whoever is asked to post again: a journal that is full or stuck is not looked after within a second.
RETRY_AFTER = "5"


@attrs.define
class WebhookReceiver:
    """The webhooks of one feed."""

    feed: Feed
    webhook: Webhook
    _stats: FeedStats
    _unreadable: Callable[[FrameError], None]
    """Counts, keeps and tells what could not be read, as it does for frames."""
    _publish: Callable[[Sequence[Event]], Awaitable[int]]
    """Waits until the events are committed; how many were new."""
    _report: Callable[[Report], None]
    _redact: Redactor = attrs.field(factory=Redactor)

    def __attrs_post_init__(self) -> None:
        self._redact.learn(self.feed.provider)

    async def take(self, request: Request) -> Response:
        """The answer to a post: 200 as soon as its events are committed, and not before."""
        headers: dict[str, str] = {}
        for name, value in request.headers:
            headers.setdefault(name.lower(), value)
        try:
            if not request.body:
                raise WebhookError(400, "nothing was posted: the request has no body")
            with provider_code():
                read = tuple(self.webhook.read(headers, request.body, datetime.now(UTC)))
            events = [attrs.evolve(event, origin="webhook") for event in read]
            new = await self._publish(events)
        except WebhookError as refusal:
            return self.refuse(refusal)
        except FrameError as error:
            return self._cannot_read(error)
        except JournalError:
            return self.refuse(WebhookError(503, "the journal takes nothing at the moment"))
        except JackfieldError as error:
            return self._fail(error, request.body)
        return self._accept(len(events), new)

    def refuse(self, refusal: WebhookError) -> Response:
        """The answer to what is not taken."""
        # Secrets show in no report, whatever a provider writes; and a status below 400 would mean that it was accepted.
        reason = self._redact(refusal.reason)
        status = refusal.status if 400 <= refusal.status < 600 else 400
        rejections = self._stats.webhooks.rejections
        total = rejections[count_reason(rejections, reason)]
        if is_due(total):
            self._report(WebhookRejected(self.feed.name, status, reason, total))
        return answer(WebhookError(status, reason))

    def _accept(self, events: int, new: int) -> Response:
        stats = self._stats
        stats.webhooks.accepted += 1
        stats.webhooks.copies += events - new
        stats.events += events
        if not events:
            stats.ignored["webhook without an event"] += 1
        return Response(200, body=msgspec.json.encode({"new": new, "copies": events - new}))

    def _fail(self, error: JackfieldError, body: bytes) -> Response:
        """Answer 400 for a provider's bug, and 503 for a missing secret, so that the vendor retries."""
        if isinstance(error, PluginError):
            return self._cannot_read(FrameError(str(error), body))
        return self.refuse(WebhookError(503, str(error)))

    def _cannot_read(self, error: FrameError) -> Response:
        self._unreadable(error)
        return answer(WebhookError(400, self._redact(error.problem)))


def answer(refusal: WebhookError) -> Response:
    """The answer that says why something is not taken."""
    headers = {"retry-after": RETRY_AFTER} if refusal.status == 503 else {}
    return Response(refusal.status, headers, msgspec.json.encode({"error": refusal.reason}))
