"""Reports about webhooks; among `jackfield.reports`."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

__all__ = ["WebhookRejected", "WebhookServerStarted"]


@attrs.frozen
class WebhookServerStarted:
    """Vendors' webhooks are received."""

    level: ClassVar[Literal["info"]] = "info"
    url: str
    """URL prefix of the feeds' webhook endpoints; a feed's percent-encoded name follows it."""
    feeds: tuple[str, ...]
    """The feeds that get any."""

    def __str__(self) -> str:
        return f"webhooks for {', '.join(self.feeds)} are received at {self.url}NAME"


@attrs.frozen
class WebhookRejected:
    """A webhook was rejected; reported at the first and then at each doubling of the count."""

    level: ClassVar[Literal["warning"]] = "warning"
    feed: str
    """Empty where it was meant for no feed that there is."""
    status: int
    """The HTTP status that it was answered with; from 500 on the vendor is to post it again."""
    reason: str
    total: int
    """How many posts for this feed were refused for this reason so far."""

    def __str__(self) -> str:
        whose = f"{self.feed}: webhook" if self.feed else "webhooks: request"
        return f"{whose} refused with {self.status} ({self.total} so far): {self.reason}"
