"""How a provider reads the webhooks that its vendor sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs

from jackfield.events import Event

__all__ = ["SupportsWebhooks", "Webhook"]


@attrs.frozen
class Webhook:
    """How a vendor's webhooks for one feed are read."""

    read: Callable[[Mapping[str, str], bytes, datetime], Iterable[Event]]
    """The events in one request, from its headers (names in lower case), its body as it came, and the moment.

    Their origin is set to ``webhook`` by the host.

    `WebhookError` where the request is rejected, such as for a wrong signature; `FrameError` where it cannot be read.
    """
    websocket: bool = True
    """Whether the feed has a websocket too; without, all its events come by webhook."""
    max_bytes: int = 1_000_000
    """A larger body is rejected."""
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
