"""What a server's answer means: whether the events are delivered, and what is to be done if not."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from jackfield.errors import OnError

__all__ = ["MISDIRECTED", "Failure", "excerpt", "is_endpoint_suspected", "on_error_of"]

EXCERPT = 200
# Of a long text so much is looked at.
MOST_READ = 10 * EXCERPT

RETRYABLE = frozenset({408, 425, 429})
"""4xx that may be another answer next time."""
AUTH_FAILED = frozenset({401, 403, 407})
"""Our credentials, or a proxy's, are not good enough."""
GONE = 410
MISDIRECTED = 421
ENDPOINT_SUSPECTED = frozenset({404, 405, 409, MISDIRECTED})
"""4xx that may be about the URL and not about the event, as are redirects."""


@attrs.frozen
class Failure:
    """Why a request failed, and the on_error, as `DeliveryError` has it."""

    reason: str
    on_error: OnError
    retry_after: float | None = None
    endpoint_suspected: bool = False


def is_endpoint_suspected(status: int) -> bool:
    """Whether an answer may be about the URL and not about the event."""
    return 300 <= status < 400 or status in ENDPOINT_SUSPECTED


def on_error_of(status: int) -> OnError | None:
    """What is to be done after an answer with this status; ``None`` where the events are delivered."""
    if 200 <= status < 300:
        return None
    if status in AUTH_FAILED:
        return "pause"
    if status == GONE:
        return "disable"
    if 300 <= status < 500 and status not in RETRYABLE:
        return "dead_letter"
    return "retry"


def excerpt(text: str, redact: Callable[[str], str]) -> str:
    """The beginning of what a server wrote, on one line, without control characters and without secrets."""
    plain = " ".join(redact(" ".join(text[:MOST_READ].split())).split())
    return plain if len(plain) <= EXCERPT else f"{plain[:EXCERPT]}…"
