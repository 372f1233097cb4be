"""How far one sink has come: what it has read, and what it is done with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs
import trio

from jackfield._journal.log import Log
from jackfield._journal.pending import PendingNotes
from jackfield.events import Event, Record

__all__ = ["Cursor", "position_text"]


def _never() -> bool:
    return False


def position_text(journal: str, position: int) -> str:
    """A position as sinks get it: texts that sort in the journal's order, and that no other journal has."""
    return f"{journal}-{position:016d}"


@attrs.define(eq=False)
class Cursor:
    """One sink's place in the journal; made by `Journal.cursor`."""

    name: str
    _log: Log
    _pending: PendingNotes
    _committed: int
    """The first position that the sink is not done with; what survives."""
    position: int = attrs.field(init=False)
    """The first position that was not read."""
    is_down: Callable[[], bool] = _never
    """Whether the sink accepts nothing at the moment; to be set by the sink's pipeline."""
    _on_loss: Callable[[int, str], object] | None = None
    _lost: list[tuple[int, int]] = attrs.field(factory=list)
    """Ranges of positions that are counted as lost, and stand behind what the sink is not done with."""
    _uncollected: int = 0
    _reading: bool = False

    def __attrs_post_init__(self) -> None:
        self.position = self._committed

    @property
    def committed(self) -> int:
        """The first position that the sink is not done with."""
        return self._committed

    @property
    def lag(self) -> int:
        """How many events the sink is not done with."""
        return self._log.count(self._committed, self._log.end)

    @property
    def oldest_at(self) -> datetime | None:
        """When the first of them came, or about then; ``None`` where there is none, or it is not known."""
        return self._log.received_at(self._committed)

    @property
    def durable(self) -> bool:
        """Whether what is not committed comes again after a restart."""
        return self._log.durable

    def attach(self, on_loss: Callable[[int, str], object], is_down: Callable[[], bool]) -> None:
        """From now on report losses by retention when they happen, instead of at the next read."""
        self._on_loss, self.is_down = on_loss, is_down
        if self._uncollected:
            on_loss(self._uncollected, "retention deleted them while the sink was down")
            self._uncollected = 0

    def lose(self, until: int) -> int:
        """Pass over events that retention has deleted, as far as memory does not hold them; how many there were.

        While a read is under way nothing is passed over: that read finds out.
        """
        start = self.position
        if self._reading or start >= (until := min(until, self._log.oldest)):
            return 0
        self.position = until
        lost = self._log.count(start, until)
        self._account(lost, start, until)
        if self._committed == start:  # what is lost needs nobody to commit it
            self.commit(until)
        return lost

    def stop(self, deleted: int) -> None:
        """Count what memory held of the deleted events before that position, and this process takes with it."""
        start, stop = self._committed, max(self._committed, deleted)
        if (lost := self._log.count(start, stop) - self._ahead()) > 0:
            self._account(lost, start, stop)
        self.commit(stop)

    def lost(self, count: int) -> None:
        """Report events that were lost while the sink did not run, and are counted already."""
        self._uncollected += count

    def _account(self, count: int, start: int, stop: int) -> None:
        slow = not self.is_down()
        self._lost.append((start, stop))
        self._pending.lose(self.name, count, slow=slow, ahead=self._ahead())
        if self._on_loss is None:
            self._uncollected += count
        elif slow:
            self._on_loss(count, "retention deleted them: the sink was too slow")
        else:
            self._on_loss(count, "retention deleted them while the sink was down")

    def position_of(self, number: int) -> str:
        """The position by which a sink knows the event with that number."""
        return position_text(self._log.journal, number)

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
            lost, self._uncollected = lost + self._uncollected, 0
            if (start := self.position) >= self._log.end:
                if self._log.closed:
                    return [], lost
                try:
                    await self._log.news()
                except trio.Cancelled:  # the reader stops, and another goes on
                    self._uncollected += lost
                    raise
                continue
            self._reading = True
            try:
                batch = await self._log.read(start, most)
            finally:
                self._reading = False
            self.position = batch.next
            lost += batch.lost
            if batch.deleted and self.durable:
                self._account(batch.deleted, start, batch.records[0].position if batch.records else batch.next)
                lost, self._uncollected = lost + self._uncollected, 0
            else:
                lost += batch.deleted
            if batch.records:
                return batch.records, lost
            if self._committed == start:
                self.commit(batch.next)

    def commit(self, upcoming: int) -> None:
        """Be done with everything before that position; saved a quarter of a second later at most.

        After a crash the sink is given again what was not saved. Never goes back.
        """
        if upcoming > self._committed:
            self._committed = upcoming
            self.position = max(self.position, upcoming)
            if self._lost and self._lost[0][1] <= upcoming:
                self._lost = [each for each in self._lost if each[1] > upcoming]
                self._pending.lose(self.name, 0, slow=False, ahead=self._ahead())
            self._pending.move(self.name, upcoming)

    def _ahead(self) -> int:
        return sum(self._log.count(start, stop) for start, stop in self._lost)

    def dead_letter(self, position: int, event: Event, reason: str, attempts: int) -> None:
        """Make an event a dead letter; saved together with a `commit` that follows without waiting in between.

        Made again after a crash it is still one letter.
        """
        self._pending.dead_letter(self.name, position, event, reason, attempts)

    def rest(self) -> tuple[list[Record], int]:
        """The unread records in memory, and the number of earlier ones that are gone; for a reader that stops."""
        return self._log.newest(self.position)
