"""One customer's contact from its first event to its last, across resources, feeds and vendors, to be read; pure.

::

    for line in Timeline.of(events).lines():
        print(line)

The events are those of one correlation, in any order, and the facts about the streams that fall between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from jackfield.events import Event, Parties
from jackfield.kinds import causal_rank

__all__ = ["Entry", "Timeline"]

GAPS = ("stream.gap_suspected", "stream.not_verified")


class Entry(msgspec.Struct, frozen=True):
    """One event, or one span in which events may be missing."""

    at: datetime
    after: timedelta
    """Since the entry before."""
    kind: str
    feed: str
    text: str
    """Who takes part, or what may be missing."""
    event: Event


class Timeline(msgspec.Struct, frozen=True):
    """The entries in the order of their times; what one time does not order is ordered by cause."""

    entries: tuple[Entry, ...]
    waited: timedelta | None = None
    """From the queue to an agent, or to giving up; of the last visit, where there are several."""
    handled: timedelta | None = None
    """How long an agent had it."""

    @classmethod
    def of(cls, events: Iterable[Event]) -> Timeline:
        """The timeline of these events; a copy counts once."""
        unique = {event.id: event for event in events}
        marked = sorted(((_moment(event), causal_rank(event.kind), event) for event in unique.values()), key=_mark)
        own = [at for at, _, event in marked if not event.kind.startswith("stream.")]
        entries: list[Entry] = []
        last: dict[str, datetime] = {}
        for at, _, event in marked:
            if event.kind in GAPS:
                if not own or not _overlaps(event, own[0], own[-1]):
                    continue
            elif event.kind.startswith("stream."):
                continue
            after = at - entries[-1].at if entries else timedelta()
            entries.append(Entry(at, after, event.kind, event.feed, _text(event), event))
            last[event.kind] = at
        queued, connected = last.get("contact.queued"), last.get("contact.connected")
        answered_or_not = connected or last.get("contact.abandoned")
        ended = last.get("contact.disconnected") or last.get("contact.ended")
        return cls(
            tuple(entries),
            _span(queued, answered_or_not),
            _span(connected, ended),
        )

    def lines(self) -> Iterator[str]:
        """The timeline as text, in the time zone of its entries' times."""
        if not self.entries:
            return
        first, last = self.entries[0].at, self.entries[-1].at
        feeds = ", ".join(dict.fromkeys(entry.feed for entry in self.entries))
        yield f"{first:%Y-%m-%d %H:%M:%S} to {last:%H:%M:%S} ({shown(last - first)}), by {feeds}"
        width = max(len(entry.kind) for entry in self.entries)
        for entry in self.entries:
            after = f"+{shown(entry.after)}" if entry.after else ""
            mark = "!" if entry.kind in GAPS else " "
            yield f"{entry.at:%H:%M:%S} {after:>9} {mark} {entry.kind:<{width}}  {entry.text}".rstrip()
        said = [f"waited {shown(self.waited)}"] if self.waited is not None else []
        said += [f"with an agent for {shown(self.handled)}"] if self.handled is not None else []
        if said:
            yield ", ".join(said)


def shown(span: timedelta) -> str:
    """A duration as people write it: ``8 s``, ``3:05``, ``1:02:07``."""
    seconds = round(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _moment(event: Event) -> datetime:
    return _aware(event.time or event.received)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _mark(marked: tuple[datetime, int, Event]) -> tuple[datetime, int, datetime, str]:
    at, rank, event = marked
    return at, rank, _aware(event.received), event.id


def _span(since: datetime | None, until: datetime | None) -> timedelta | None:
    return None if since is None or until is None else max(until - since, timedelta())


def _overlaps(event: Event, first: datetime, last: datetime) -> bool:
    since, until = _gap(event)
    return since <= last and until >= first


def _gap(event: Event) -> tuple[datetime, datetime]:
    data = event.data if isinstance(event.data, dict) else {}
    moments = []
    for name in ("since", "until"):
        try:
            moments.append(_aware(datetime.fromisoformat(data[name])))
        except (KeyError, TypeError, ValueError):
            moments.append(_moment(event))
    return moments[0], moments[1]


def _text(event: Event) -> str:
    """Who takes part, in a few words; of a gap, from when to when."""
    if event.kind in GAPS:
        since, until = _gap(event)
        return f"events of {event.feed} may be missing from {since:%H:%M:%S} to {until:%H:%M:%S}"
    named: Parties = event.parties
    parts = []
    if caller := _named(named.caller_name, named.caller):
        parts.append(f"{caller} → {callee}" if (callee := _named(named.callee_name, named.callee)) else caller)
    if named.queue_name or named.queue_id:
        parts.append(f"queue {named.queue_name or named.queue_id}")
    if named.agent_name or named.agent_id:
        parts.append(f"agent {named.agent_name or named.agent_id}")
    if named.cause:
        parts.append(named.cause)
    return ", ".join(parts)


def _named(name: str, number: str) -> str:
    return f"{name} ({number})" if name and number and name != number else name or number
