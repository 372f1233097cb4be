"""How a provider reads the webhooks that its vendor sends, and answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable
from urllib.parse import parse_qsl

import attrs

from jackfield.errors import WebhookError
from jackfield.events import Event
from jackfield.plugin.http import Response

__all__ = ["MAX_MESSAGE_BYTES", "SupportsWebhooks", "Webhook", "WebhookAnswer", "WebhookRequest"]

FORM = "application/x-www-form-urlencoded"
# A frame of an activeflow grows with every executed step (VoIPBIN) and a sync with every member (KAZOO), neither with a
# limit; trio-websocket's own limit of 1 MiB would close the connection.
MAX_MESSAGE_BYTES = 16 * 2**20
"""The largest message that a feed accepts where its ``max_message_bytes`` does not say."""


@attrs.frozen
class WebhookRequest:
    """A whole request of the vendor's; only its method shows, since the other parts may hold secrets."""

    method: str
    target: str = attrs.field(repr=False)
    """Path and query, as they were sent."""
    url: str = attrs.field(repr=False)
    """The URL that the vendor was given, with the query: what some vendors sign."""
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Names in lower case; of several of one name the first."""
    body: bytes = attrs.field(repr=False)
    at: datetime
    """When the request came."""

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The query's names and values, decoded, in order."""
        return tuple(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def form(self) -> tuple[tuple[str, str], ...]:
        """The names and values of a body ``application/x-www-form-urlencoded``; `WebhookError` if it is another."""
        if (
            self.headers.get("content-type", "").partition(";")[0].strip().lower()
            != "application/x-www-form-urlencoded"
        ):
            raise WebhookError(415, "the body is not application/x-www-form-urlencoded")
        try:
            return tuple(parse_qsl(self.body.decode("ascii"), keep_blank_values=True, errors="strict"))
        except ValueError:
            raise WebhookError(400, "the form in the body cannot be decoded") from None


def _events(events: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(events)


@attrs.frozen
class WebhookAnswer:
    """What a request brought, and the answer that the vendor expects once the events are committed."""

    events: tuple[Event, ...] = attrs.field(default=(), converter=_events)
    response: Response = attrs.field(factory=lambda: Response(200))


@attrs.frozen
class Webhook:
    """How a vendor's webhooks for one feed are read."""

    read: Callable[[WebhookRequest], Iterable[Event] | WebhookAnswer]
    """The events in one request; with a `WebhookAnswer` also the answer, such as to a challenge.

    Their origin is set to ``webhook`` by the host.

    `WebhookError` where the request is rejected, such as for a wrong signature; `FrameError` where it cannot be read.
    """
    websocket: bool = True
    """Whether the feed has a websocket too; without, all its events come by webhook."""
    timeout: float = 4.0
    """Seconds for a request to come in and to be committed."""


@runtime_checkable
class SupportsWebhooks(Protocol):
    """A provider whose vendor can send events by webhook."""

    def webhook(self, feed: str) -> Webhook | None:
        """How to read the webhooks for the feed of this name; ``None`` where it is configured to get none.

        Called once, when the configuration is read.
        """
        ...
