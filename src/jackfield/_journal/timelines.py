"""Finds contacts in the journal, by their correlation or a customer's number, with all that happened to them.

The indexes find them, however many events there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import attrs

from jackfield._journal.segments.walk import Line
from jackfield._journal.store import SegmentStore, Store
from jackfield.errors import EventError, JournalError
from jackfield.events import Event, Record
from jackfield.state.timeline import GAPS, Timeline

__all__ = ["EventsInFolder", "events_with_id", "find_timelines", "timelines_of"]

MOST_BETWEEN = 100_000
"""Among so many events from a contact's first on, what was said of missing ones is looked for."""
BEHIND = 1_000
"""And so many behind its last: a gap is announced when the connection is back."""
PAGE = 5_000
MOST_PARTS = 100
MOST_CONTACTS = 1000
"""Of one number; of more, the newest."""
_SEPARATORS = re.compile(r"[\s()./-]")


@attrs.frozen(eq=False)
class EventsInFolder:
    """Those of a journal in a folder, which a gateway may be writing to."""

    _store: SegmentStore
    _problem: Callable[[str], object]
    """Gets what cannot be read."""

    def find(self, name: str, value: str) -> Iterator[Record]:
        """By the indexes."""
        return self._read(self._store.folder.find(name, value))

    def gaps(self, first: int, behind: int) -> Iterator[Event]:
        """One position after another, which are few for a contact of minutes."""
        while first < behind:
            page = self._store.read(first, min(PAGE, behind - first))
            yield from (each.event for each in self._read(line for line in page.lines if _tells_of_gap(line.body)))
            if page.next <= first:
                return
            first = page.next

    def _read(self, lines: Iterable[Line]) -> Iterator[Record]:
        for line in lines:
            try:
                yield Record(line.position, Event.from_cloudevent(line.body))
            except EventError as error:
                self._problem(f"event {line.position} cannot be read: {error}")


def events_with_id(store: Store, id: str) -> list[Record]:
    """The events of an open journal with this id, of whatever sources; none of a journal in memory."""
    return list(EventsInFolder(store, lambda _problem: None).find("id", id)) if isinstance(store, SegmentStore) else []


def timelines_of(store: Store, what: str, most: int) -> list[Timeline]:
    """The newest contacts of an open journal that are meant; `JournalError` where that is in memory.

    Lines that cannot be read are left out; `jackfield journal check` finds them.
    """
    if most < 1:
        raise ValueError(f"last is {most}; it must be at least 1")
    if not isinstance(store, SegmentStore):
        raise JournalError("a journal in memory keeps no contacts; [gateway] journal must be a folder")
    return find_timelines(EventsInFolder(store, lambda _problem: None), what, most)[0]


def find_timelines(events: EventsInFolder, what: str, most: int) -> tuple[list[Timeline], int]:
    """The newest contacts of a correlation or a number, the oldest of them first; and how many there are in all."""
    found = _contacts(events, what)
    return [each for correlation in found[-most:] if (each := _timeline(events, correlation)).entries], len(found)


def _contacts(events: EventsInFolder, what: str) -> list[str]:
    """The correlations that are meant, the oldest first."""
    if not what.strip():  # as events have it that belong to no contact
        return []
    if next(iter(events.find("correlationid", what)), None) is not None:
        return [what]
    first: dict[str, datetime] = {}
    for number in dict.fromkeys(_spellings(what)):
        for name in ("caller", "callee"):
            for _, event in events.find(name, number):
                if event.correlation:
                    received = _aware(event.received)
                    first[event.correlation] = min(first.get(event.correlation, received), received)
    return sorted(first, key=first.__getitem__)[-MOST_CONTACTS:]


def _spellings(what: str) -> Iterator[str]:
    """A number as it is written, and as vendors may write it; what has no digits is none."""
    yield what
    plain = _SEPARATORS.sub("", what)
    digits = plain.removeprefix("+").removeprefix("00")
    if digits.isdecimal():
        yield from (plain, digits, f"+{digits}", f"00{digits}")


def _timeline(events: EventsInFolder, correlation: str) -> Timeline:
    own = list(events.find("correlationid", correlation))
    if not own:  # retention has deleted them meanwhile
        return Timeline(())
    for part in _parts(own, correlation):
        own += events.find("correlationid", part)
    own.sort(key=lambda each: each.position)
    feeds = {event.feed for _, event in own}
    first, last = own[0].position, own[-1].position
    gaps = events.gaps(first, min(last + BEHIND, first + MOST_BETWEEN))
    return Timeline.of([*(event for _, event in own), *(each for each in gaps if each.feed in feeds)])


def _parts(own: Iterable[Record], correlation: str) -> list[str]:
    """What belongs to a contact by a name of its own: segments name their transcription, and machines their flow."""
    names = {each.event.address.resource_id for each in own if each.event.kind.startswith(("transcription.", "flow."))}
    return sorted(names - {correlation})[:MOST_PARTS]


def _tells_of_gap(line: bytes) -> bool:
    return any(b'"type":"%b"' % kind.encode() in line for kind in GAPS) if b'"type":"stream.' in line else False


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
