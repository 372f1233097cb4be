"""In-band facts: events about a feed's own stream, mixed among the vendor's where they belong in time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from jackfield.addresses import Address, Source
from jackfield.events import Event, content_id

__all__ = ["stream_event"]


def stream_event(source: Source, feed: str, word: str, at: datetime, **data: Any) -> Event:
    """The event ``stream.<word>`` of a feed, at ``<provider>/<scope>/<scope_id>/stream/<feed>/<word>``."""
    text = msgspec.json.encode(data)
    return Event(
        id=content_id(feed.encode(), word.encode(), at.isoformat().encode(), text),
        kind=f"stream.{word}",
        address=Address(*source, "stream", feed, word),
        time=at,
        received=at,
        feed=feed,
        data=msgspec.json.decode(text),
        data_json=text,
    )
