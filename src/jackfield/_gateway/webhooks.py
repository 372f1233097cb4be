"""What reads the webhooks of a gateway's feeds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from jackfield._feed.session import Session
from jackfield._loading.registry import Registry
from jackfield._webhooks.receiver import WebhookReceiver
from jackfield.config import WebhooksOptions
from jackfield.events import Event

__all__ = ["webhook_receivers"]


def webhook_receivers(
    sessions: Mapping[str, Session],
    publish: Callable[[Sequence[Event]], Awaitable[int]],
    registry: Registry,
    options: WebhooksOptions,
) -> dict[str, WebhookReceiver]:
    """The receivers of the feeds whose vendors send webhooks, by feed."""
    return {
        name: WebhookReceiver(
            session.feed,
            webhook,
            session.stats,
            session.recorder.unreadable,
            publish,
            registry.observe,
            options,
            redact=registry.redact,
            protocol=partial(getattr, session, "protocol"),
        )
        for name, session in sessions.items()
        if (webhook := session.feed.webhook) is not None
    }
