"""What a supervisor asks first, derived from a snapshot: who waits and how long, agents by state, today's totals; pure.

::

    figures = Figures.of(await gateway.snapshot())
    print(figures.totals.service_level, figures.waiting, figures.waiting_since)

Only what is known counts: what belongs to a feed that is down does not, and waiting contacts that a gap has made
doubtful are counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from jackfield.state.lives import AGENT
from jackfield.state.values import Contact, Snapshot, Totals

__all__ = ["Figures"]


class Figures(msgspec.Struct, frozen=True):
    """The figures of everything, of one feed or of one queue."""

    totals: Totals
    """Today's."""
    waiting: int
    """Contacts that are known to wait."""
    unconfirmed: int
    """Contacts that waited when a gap began."""
    waiting_since: datetime | None
    """Since when the first of those that are known to wait does."""
    waiting_in: str
    """The key of the queue that it waits in."""
    agents: Mapping[str, int]
    """By state of `jackfield.state.lives.AGENT`: how many agents are known to be in it."""
    stale: tuple[str, ...]
    """The feeds that are down."""

    @classmethod
    def of(cls, snapshot: Snapshot, *, feed: str = "", queue: str = "") -> Figures:
        """The figures of a snapshot: of everything, of what came by a feed, or of one queue by its key.

        Agents are not divided among queues.
        """
        queues = [each.key for each in snapshot.queues.values() if feed in ("", each.feed) and queue in ("", each.key)]
        whole = snapshot.totals.get("") if not feed and not queue else None
        contacts = [
            each
            for each in snapshot.contacts.values()
            if each.waits and feed in ("", each.feed) and queue in ("", each.queue)
        ]
        known = [each for each in contacts if snapshot.certainty(each) == "live"]
        first = min(known, key=_since, default=None)
        agents = Counter(
            each.state
            for each in snapshot.agents.values()
            if feed in ("", each.feed) and snapshot.certainty(each) == "live"
        )
        return cls(
            whole or _sum(snapshot.totals[key] for key in queues if key in snapshot.totals),
            len(known),
            sum(snapshot.certainty(each) == "unconfirmed" for each in contacts),
            None if first is None else _since(first),
            "" if first is None else first.queue,
            {state: agents[state] for state in AGENT.states},
            tuple(sorted(name for name, each in snapshot.feeds.items() if not each.live and feed in ("", name))),
        )


def _since(contact: Contact) -> datetime:
    return contact.queued_at or contact.since


def _sum(all_: Iterable[Totals]) -> Totals:
    figures = [msgspec.structs.astuple(each) for each in all_]
    return Totals(*map(sum, zip(*figures, strict=True)))
