"""Since when a feed may have missed events if nothing comes after an event: because no gateway was running."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Annotated

import msgspec

from jackfield.events import Event

__all__ = ["heard_until", "microseconds"]


class _Lost(msgspec.Struct):
    since: Annotated[datetime, msgspec.Meta(tz=True)]


def heard_until(event: Event) -> datetime:
    """When the feed of this event was last heard: when it was received, unless it says that the connection was lost."""
    if event.kind == "stream.disconnected":  # and never subscribed again, so no gap was announced
        with suppress(msgspec.ValidationError):
            return msgspec.convert(event.data, _Lost).since
    return event.received


def microseconds(moment: datetime) -> int:
    """A moment as the store keeps it: since 1970."""
    return int(moment.timestamp() * 1_000_000)
