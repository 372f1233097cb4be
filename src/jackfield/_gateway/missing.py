"""What a reader of the journal could not be given: facts about that one reader's stream, which are in no journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from jackfield._journal.cursor import position_text
from jackfield._journal.log import Batch
from jackfield.addresses import Address
from jackfield.events import Event, Record, content_id

__all__ = ["missing_events", "own_event"]

SOURCE = ("jackfield", "journal")


def own_event(journal: str, word: str, at: datetime, data: Mapping[str, Any]) -> Event:
    """A fact about what one reader gets: ``stream.dropped`` or ``stream.gap_suspected``."""
    text = msgspec.json.encode(data)
    return Event(
        id=content_id(journal.encode(), word.encode(), at.isoformat().encode(), text),
        kind=f"stream.{word}",
        address=Address(*SOURCE, journal, "stream", "served", word),
        time=at,
        received=at,
        feed="served",
        data=msgspec.json.decode(text),
        data_json=text,
    )


def missing_events(journal: str, start: int, batch: Batch) -> Iterator[Record]:
    """What a reader misses that wanted to go on at `start`, and was given this batch; each at its last position."""
    if batch.deleted and start:
        first = batch.records[0] if batch.records else None
        more = {} if first is None else {"until": first.event.received}
        behind = batch.next if first is None else first.position
        yield _gap(journal, start, behind, batch.deleted, "the journal does not keep them any more", more)
    if batch.lost:
        yield _gap(journal, start, batch.next, batch.lost, "the journal is damaged there", {})


def _gap(journal: str, start: int, behind: int, count: int, reason: str, more: Mapping[str, Any]) -> Record:
    span = {"from": position_text(journal, start - 1), "to": position_text(journal, behind - 1), "events": count}
    return Record(
        behind - 1, own_event(journal, "gap_suspected", datetime.now(UTC), {"reason": reason, **span, **more})
    )
