"""The webhooks of a feed that another process holds: received here, answered there once they are committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import attrs
import trio

from jackfield._cli.workers.worker import Worker, WorkerDown
from jackfield._net.http_server import by
from jackfield._webhooks.receiver import refused
from jackfield.config import Feed, WebhooksOptions
from jackfield.errors import WebhookError
from jackfield.plugin.http import Request, Response
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.webhook import Webhook
from jackfield.reports import Report

__all__ = ["RemoteReceiver"]


@attrs.define(eq=False)
class RemoteReceiver:
    """Passes a feed's webhooks on, whole, to the worker that holds it."""

    feed: Feed
    webhook: Webhook
    _worker: Worker
    rejections: Counter[str]
    """What was refused here, by reason."""
    _report: Callable[[Report], None]
    _options: WebhooksOptions
    _redact: Redactor

    @property
    def most_bytes(self) -> int:
        """The largest body that is accepted."""
        return self.feed.connection.max_message_bytes

    async def receive(self, request: Request, *, deadline: float = float("inf")) -> Response:
        """The worker's answer, which comes once the events are committed; 503 where it has none in time."""
        timeout = self.webhook.timeout
        deadline = min(deadline, trio.current_time() + timeout)
        try:
            with by(deadline, WebhookError(503, f"the feed's worker did not answer within {timeout:g} s")):
                return await self._worker.post(self.feed.name, self._whole(request))
        except WorkerDown:
            return self.refuse(WebhookError(503, "the feed's worker is being started"))
        except WebhookError as refusal:
            return self.refuse(refusal)

    def _whole(self, request: Request) -> Request:
        """With the URL that the vendor has called, which some sign; who listens knows whether by TLS."""
        if self._options.public_url or "://" in request.url.partition("?")[0]:
            return request
        scheme = "https" if self._options.tls_cert else "http"
        return attrs.evolve(request, url=f"{scheme}://{request.header('host')}{request.url}")

    def refuse(self, refusal: WebhookError) -> Response:
        """The answer to what is not taken."""
        return refused(refusal, self.feed.name, self.rejections, self._report, self._redact)
