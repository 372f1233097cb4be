"""What is wrong with an event that a provider has made."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from jackfield.events import Event
from jackfield.kinds import KIND_NAMES, UNMAPPED

__all__ = ["problems_of_event"]


def problems_of_event(event: Event, feed: str, provider: str, at: datetime, origins: Collection[str]) -> list[str]:
    """Each thing that is wrong with it, in words."""
    problems = {
        "another feed": event.feed != feed,
        "another provider": event.address.provider != provider,
        "a kind that nobody knows": event.kind not in KIND_NAMES and not event.kind.startswith(f"{UNMAPPED}."),
        "an empty segment": not all(event.address),
        "no id": not event.id,
        "another moment of receipt": event.received != at,
        "a time that is not in UTC": event.time is not None and event.time.utcoffset() != timedelta(0),
        f"another origin than {' or '.join(origins)}": event.origin not in origins,
    }
    return [problem for problem, wrong in problems.items() if wrong]
