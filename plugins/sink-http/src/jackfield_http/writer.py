"""An open sink: each batch as requests, one after the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs

from jackfield.errors import DeliveryError
from jackfield.plugin.posting import Failure, Poster, message_id
from jackfield.plugin.sink import Batch
from jackfield_http.content_mode import Message, messages

if TYPE_CHECKING:
    from jackfield_http import Http

__all__ = ["HTTPWriter"]


@attrs.frozen
class HTTPWriter:
    """May be written to from several tasks."""

    _options: Http
    _poster: Poster

    async def write(self, batch: Batch) -> None:
        """Send the batch, one request after the other, until one fails; each counts as soon as it is answered."""
        delivered = 0
        for message in messages(self._options.mode, batch.events, self._options.max_request_bytes):
            delivered += len(message.events)
            if failure := await self._attempt(message, partial(batch.delivered, delivered)):
                raise DeliveryError(
                    failure.reason,
                    delivered=delivered - len(message.events),
                    on_error=failure.on_error,
                    rejected_count=1 if len(message.events) == 1 else None,
                    endpoint_suspected=failure.endpoint_suspected,
                    retry_after=failure.retry_after,
                )

    async def _attempt(self, message: Message, acknowledged: partial[None]) -> Failure | None:
        """Why a request failed; ``None`` where it did not. `acknowledged` is called as soon as the status says so."""
        most = self._options.max_request_bytes
        if len(message.body) > most:
            what = f"event {message.events[0].id!r} makes a body of {len(message.body)} bytes"
            return Failure(f"{what}, and max_request_bytes is {most}", "dead_letter")
        return await self._poster.post(message.headers, message.body, partial(message_id, message.events), acknowledged)
