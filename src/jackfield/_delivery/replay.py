"""Events of the past, out of a journal's folder, and on their way to a sink once more."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import attrs
import trio

from jackfield._journal.cursor import position_text
from jackfield._journal.segments.walk import Line
from jackfield._journal.store import SegmentStore
from jackfield.errors import EventError
from jackfield.events import Event, Record
from jackfield.selectors import Selector

__all__ = ["DeadLetterEvent", "EventFilter", "Replay", "letters", "past"]

FOREVER = 2**62


@attrs.frozen
class DeadLetterEvent:
    """A dead letter as people and programs look at it."""

    number: int
    sink: str
    position: int
    at: datetime
    """When it was given up."""
    attempts: int
    reason: str
    event: Event


@attrs.frozen
class EventFilter:
    """Which events of the past are meant."""

    selectors: tuple[Selector, ...] = ()
    """Any of them; everything where there is none."""
    since: datetime | None = None
    """Received at this moment or later."""
    until: datetime | None = None
    """Received before this moment."""
    correlation: str | None = None
    """Of this contact; of any where there is none."""

    def takes(self, event: Event) -> bool:
        """Whether an event is one of them."""
        if (self.since and event.received < self.since) or (self.until and event.received >= self.until):
            return False
        if self.correlation is not None and event.correlation != self.correlation:
            return False
        return not self.selectors or any(selector.matches(event) for selector in self.selectors)


def past(
    store: SegmentStore,
    filter_: EventFilter,
    unreadable: Callable[[int], object],
    problem: Callable[[str], object],
    passed: Callable[[int], object] = lambda _position: None,
) -> Iterator[list[Record]]:
    """The selected records, a page at a time.

    Lines that are not events are reported to `unreadable` by position, damaged files to `problem`; `passed` is called
    with each position that was come to, whether anything was selected before it or not.
    """
    since = _microseconds(filter_.since) if filter_.since else 0
    until = _microseconds(filter_.until) if filter_.until else FOREVER
    pages: Iterable[list[Line]] = store.scan(since, until, problem)
    if filter_.correlation is not None:
        pages = ([line] for line in store.folder.find("correlationid", filter_.correlation))
    for page in pages:
        found = [(line.position, _read(line.position, line.body, unreadable)) for line in page]
        events = [Record(position, event) for position, event in found if event is not None]
        if page:
            passed(page[-1].position)
        if records := [each for each in events if filter_.takes(each.event)]:
            yield records


def letters(
    store: SegmentStore, sink: str | None, filter_: EventFilter, unreadable: Callable[[int], None]
) -> Iterator[list[DeadLetterEvent]]:
    """The dead letters that are meant, of one sink or of all, some at a time."""
    number = 0
    while page := store.dead(sink, number):
        number = page[-1].number + 1
        found = []
        for each in page:
            event = _read(each.number, each.body, unreadable)
            if event is not None and filter_.takes(event):
                at = datetime.fromtimestamp(each.at / 1_000_000, UTC)
                found.append(
                    DeadLetterEvent(each.number, each.sink, each.position, at, each.attempts, each.reason, event)
                )
        if found:
            yield found


def _read(number: int, body: bytes | None, unreadable: Callable[[int], object]) -> Event | None:
    if body is not None:
        with suppress(EventError):
            return Event.from_cloudevent(body)
    unreadable(number)
    return None


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


@attrs.define(eq=False)
class Replay:
    """Takes a cursor's place in a pipeline; each event goes out with ``origin=replay`` and the id that it has."""

    _pages: Iterator[list[Record]]
    """Numbers in ascending order; read in a thread."""
    _done: Callable[[list[int]], None]
    """Called with the numbers of events that were delivered."""
    _journal: str = ""
    """The journal's id."""
    _positions: dict[int, int] = attrs.field(factory=dict)
    """The journal's position of each event, by number, where numbers are not positions but those of dead letters."""
    _waiting: deque[int] = attrs.field(factory=deque)
    """Read, and not done with."""
    _ready: list[Record] = attrs.field(factory=list)
    _dead: set[int] = attrs.field(factory=set)
    committed: int = 0
    oldest_at: None = None
    """What was read is with the pipeline."""
    durable: bool = True
    """Nothing is lost when it is stopped: what it replays stays where it is."""

    @property
    def lag(self) -> int:
        """How many events are read and not done with."""
        return len(self._waiting)

    def position_of(self, number: int) -> str:
        """The position by which a sink knows the event: the one under which it came the first time."""
        return position_text(self._journal, self._positions.get(number, number))

    async def read(self, most: int) -> tuple[list[Record], int]:
        """The next events, at least one; none at the end. Nothing is ever lost."""
        while not self._ready:
            page = await trio.to_thread.run_sync(next, self._pages, None)
            if page is None:
                return [], 0
            self._ready = page
        batch, self._ready = self._ready[:most], self._ready[most:]
        self._waiting += [number for number, _ in batch]
        return [Record(number, attrs.evolve(event, origin="replay")) for number, event in batch], 0

    def commit(self, upcoming: int) -> None:
        """Be done with everything before that number."""
        finished = []
        while self._waiting and self._waiting[0] < upcoming:
            finished.append(self._waiting.popleft())
        for number in finished:
            self._positions.pop(number, None)
        self.committed = upcoming
        if delivered := [number for number in finished if number not in self._dead]:
            self._done(delivered)

    def dead_letter(self, seq: int, _event: Event, _reason: str, _attempts: int) -> None:
        """An event was refused again: it stays where it is."""
        self._dead.add(seq)

    def rest(self) -> tuple[list[Record], int]:
        """Nothing: what is not replayed is not lost."""
        return [], 0
