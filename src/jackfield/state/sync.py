"""A vendor's own lists of what there is, in neutral words, so that a program that starts late begins with them.

A provider with `jackfield.plugin.provider.SupportsSync` asks its vendor by REST and returns a `Sync`: one `Listed` for
each thing, with the kind of event that leads to the state it is in. It goes into the stream as ``stream.synced``, so
that it has a position like every event. What `complete` does not name is unknown, not empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec

from jackfield.events import NO_PARTIES, Event, Parties

__all__ = ["MOST_LISTED", "Listed", "Sync", "as_event", "read_sync", "sync_facts"]

MOST_LISTED = 500
"""In one event."""


Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""An aware one."""


class Listed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing as its vendor lists it."""

    kind: str
    """Of an event that leads to the state it is in: ``agent.ready``, ``contact.queued``."""
    id: str
    """The resource's id, as in the addresses of its events."""
    correlation: str = ""
    """The contact that it belongs to; of a contact its own."""
    since: Moment | None = None
    """When it came to that state, where the vendor says it."""
    parties: Parties = NO_PARTIES


class Sync(msgspec.Struct, frozen=True):
    """What a vendor lists, all at about one moment."""

    listed: tuple[Listed, ...]
    complete: frozenset[str]
    """Of which entities every one is listed: ``call``, ``contact``, ``agent``, ``queue``."""
    at: datetime | None = None
    """When it was so, by the vendor's clock; ``None`` where that does not show."""


class _Facts(msgspec.Struct, omit_defaults=True):
    """The payload of ``stream.synced``."""

    as_of: Moment
    listed: tuple[Listed, ...] = ()
    complete: tuple[str, ...] = ()


def sync_facts(sync: Sync, at: datetime) -> Iterator[dict[str, Any]]:
    """The payloads of the events that say it, one after another; only the last names what is complete."""
    starts = range(0, max(len(sync.listed), 1), MOST_LISTED)
    for start in starts:
        complete = tuple(sorted(sync.complete)) if start == starts[-1] else ()
        facts: dict[str, Any] = msgspec.to_builtins(_Facts(at, sync.listed[start : start + MOST_LISTED], complete))
        yield facts


def read_sync(event: Event) -> tuple[datetime, Sync] | None:
    """What ``stream.synced`` says, and when its vendor was asked; ``None`` where an event does not say it."""
    try:
        facts = msgspec.convert(event.data, _Facts)
    except msgspec.ValidationError:
        return None
    return facts.as_of, Sync(facts.listed, frozenset(facts.complete))


def as_event(synced: Event, listed: Listed) -> Event:
    """One thing in a list, as the event that leads to its state."""
    entity = listed.kind.partition(".")[0]
    address = synced.address._replace(resource=entity, resource_id=listed.id)
    received, correlation, parties = synced.received, listed.correlation or None, listed.parties
    return Event("", listed.kind, address, listed.since, received, synced.feed, correlation, parties=parties)
