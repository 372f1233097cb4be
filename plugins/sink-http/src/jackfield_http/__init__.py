"""HTTP for Jackfield: the options of a ``[sinks.NAME]`` table with ``type = "http"``."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from jackfield.config import about, url
from jackfield.credentials import shown_url
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.hooks import hookimpl
from jackfield.sinks import Batch, OpenSink, SinkSpec

if TYPE_CHECKING:
    import httpx2

__all__ = ["Http", "jackfield_sinks"]

# What CloudEvents' HTTP binding calls the structured mode: the whole event is the body.
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
# Answers that may be another one next time; any other 4xx will stay what it is.
COME_AGAIN = frozenset({408, 425, 429})


@attrs.frozen
class Http:
    """Events posted one by one, each as a CloudEvent in structured form."""

    url: str = attrs.field(validator=url("https", "http"), metadata=about("where to POST each event"))
    timeout: float = attrs.field(default=10.0, metadata=about("seconds for one request"))

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenSink, None]:
        """Make a client with its pool of connections; nothing is connected yet."""
        import httpx2  # imported when a sink is opened: it costs 70 ms that most commands do not need

        async with httpx2.AsyncClient(timeout=self.timeout, follow_redirects=False) as client:
            yield _Poster(client, self.url)


@attrs.frozen
class _Poster:
    _client: httpx2.AsyncClient
    _url: str

    async def write(self, batch: Batch) -> None:
        for number, event in enumerate(batch.events):
            await self._post(event, number)

    async def _post(self, event: Event, delivered: int) -> None:
        import httpx2

        try:
            answer = await self._client.post(self._url, content=event.to_json(), headers={"content-type": CONTENT_TYPE})
        except httpx2.TransportError as error:
            reason = str(error) or type(error).__name__
            raise DeliveryError(f"{shown_url(self._url)}: {reason}", delivered=delivered) from None
        if not answer.is_success:
            status = answer.status_code
            again = status >= 500 or status in COME_AGAIN
            after = answer.headers.get("retry-after", "")
            raise DeliveryError(
                f"{shown_url(self._url)} answered HTTP {status}",
                delivered=delivered,
                remedy="retry" if again else "refuse",
                refused=1,
                retry_after=float(after) if after.isdigit() else None,
            )


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``http``."""
    return [SinkSpec("http", "HTTP POST of each event as a CloudEvent", Http)]
