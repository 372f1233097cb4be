"""How far one sink has come: what it has read, and what it is done with."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable

import attrs
import trio

from jackfield._journal.log import Log
from jackfield._journal.store.records import DeadLetterRow
from jackfield.events import Event, Record
from jackfield.reports import EventsDropped, Report
from jackfield.reports._thinning import is_due

__all__ = ["Cursor", "DeadLetter", "PendingWrites", "position_text"]


@attrs.frozen
class DeadLetter:
    """A dead letter of a journal in memory."""

    sink: str
    seq: int
    event: Event
    reason: str
    attempts: int


@attrs.define(eq=False)
class PendingWrites:
    """Cursor moves and dead letters not yet committed; without a file, the dead letters themselves."""

    _capacity: int
    durable: bool
    _report: Callable[[Report], None]
    _stir: Callable[[], None]
    """Wakes the journal: there is something to save."""
    _clock: Callable[[], float] = time.time
    cursors: dict[str, int] = attrs.field(factory=dict)
    known: dict[str, int] = attrs.field(factory=dict)
    """How far each sink had come when that was last saved: what goes before that is needed by nobody any more."""
    dead_rows: list[DeadLetterRow] = attrs.field(factory=list)
    dead_lettered: Counter[str] = attrs.field(factory=Counter)
    """How many dead letters each sink has made since the journal was opened."""
    dead: deque[DeadLetter] = attrs.field(factory=deque)
    """The dead letters, without a file."""
    dropped: int = 0
    """Dead letters that made room for newer ones."""
    _saved: trio.Event = attrs.field(factory=trio.Event)

    def move(self, sink: str, upcoming: int) -> None:
        """Note how far a sink has come."""
        if self.durable:
            self.cursors[sink] = upcoming
            self._stir()

    def dead_letter(self, letter: DeadLetter) -> None:
        """Note a dead letter."""
        self.dead_lettered[letter.sink] += 1
        if self.durable:
            at = int(self._clock() * 1_000_000)
            body = letter.event.to_json()
            self.dead_rows.append(DeadLetterRow(letter.sink, letter.seq, at, letter.attempts, letter.reason, body))
            self._stir()
            return
        self.dead.append(letter)
        if len(self.dead) > self._capacity:
            gone = self.dead.popleft()
            self.dropped += 1
            if is_due(self.dropped):
                reason = f"memory holds {self._capacity} dead letters, and there are more"
                self._report(EventsDropped(f"dead letters of sink {gone.sink}", 1, reason, self.dropped))

    def saved(self, cursors: dict[str, int], dead_rows: list[DeadLetterRow]) -> None:
        """Drop what has been committed."""
        self.known.update(cursors)
        for sink, upcoming in cursors.items():
            if self.cursors[sink] == upcoming:
                del self.cursors[sink]
        del self.dead_rows[: len(dead_rows)]
        self._saved.set()
        self._saved = trio.Event()

    async def room(self) -> None:
        """Wait until what waits to be saved is little enough to read on; a full disk must not fill memory."""
        while len(self.dead_rows) >= self._capacity:
            await self._saved.wait()


def position_text(position: int) -> str:
    """A position as sinks get it: texts that sort in the journal's order."""
    return f"{position:016d}"


@attrs.define(eq=False)
class Cursor:
    """One sink's place in the journal; made by `Journal.cursor`."""

    name: str
    _log: Log
    _pending: PendingWrites
    _committed: int
    """The first number that the sink is not done with; what survives."""
    _position: int = attrs.field(init=False)
    """The first number that was not read."""

    def __attrs_post_init__(self) -> None:
        self._position = self._committed

    @property
    def committed(self) -> int:
        """The first number that the sink is not done with."""
        return self._committed

    @property
    def lag(self) -> int:
        """How many events the sink is not done with."""
        return self._log.end - self._committed

    @property
    def durable(self) -> bool:
        """Whether what is not committed comes again after a restart."""
        return self._log.durable

    def position_of(self, number: int) -> str:
        """The position by which a sink knows the event with that number."""
        return position_text(number)

    async def read(self, most: int) -> tuple[list[Record], int]:
        """The next records, at least one, and how many before them were lost; none at the end.

        Lost are events that were deleted, or damaged in the file, before they were read. What was read stays
        the reader's duty: call `commit` when everything up to there is delivered or given up. It may read on
        before that. Waits while there is nothing to read.
        """
        await trio.lowlevel.checkpoint()
        lost = 0
        while True:
            await self._pending.room()
            if (start := self._position) >= self._log.end:
                if self._log.closed:
                    return [], lost
                await self._log.news()
                continue
            batch = await self._log.read(start, most)
            self._position = batch.next
            lost += batch.lost
            if batch.records:
                return batch.records, lost
            if self._committed == start:  # what is lost needs nobody to commit it
                self.commit(batch.next)

    def commit(self, upcoming: int) -> None:
        """Be done with everything before that number; saved with the next commit, a quarter of a second later at most.

        After a crash the sink is given again what was not saved. Never goes back.
        """
        if upcoming > self._committed:
            self._committed = upcoming
            self._position = max(self._position, upcoming)
            self._pending.move(self.name, upcoming)

    def dead_letter(self, seq: int, event: Event, reason: str, attempts: int) -> None:
        """Make an event a dead letter; saved together with a `commit` that follows without waiting in between.

        Buried again after a crash it is still one letter.
        """
        self._pending.dead_letter(DeadLetter(self.name, seq, event, reason, attempts))

    def rest(self) -> tuple[list[Record], int]:
        """The unread records in memory, and the number of earlier ones that are gone; for a reader that stops."""
        return self._log.newest(self._position)
