"""A listener that goes on, after any pause and restart, behind what its program has acknowledged."""

from __future__ import annotations

import attrs

from jackfield._gateway.arguments import expect
from jackfield._gateway.listener import BUFFER_BYTES, Listener
from jackfield._gateway.missing import missing_events
from jackfield._journal import Journal
from jackfield._journal.durable import DurableSubscription, check_given
from jackfield._routing.index import SelectorIndex
from jackfield.events import Record

__all__ = ["DurableListener"]

PAGE = 500


@attrs.define(eq=False)
class DurableListener(Listener[Record]):
    """The events that some selectors match, from where its program was done; made by `Gateway.listen` with ``durable``.

    Call `acknowledge` with each record, or now and then with the last of several. What was not acknowledged comes again
    when a program listens under the same name, after a crash too. What has no room in the buffer is read from the
    journal later, so that no event is lost but what retention deletes before it is read: a ``stream.gap_suspected``
    says that, and `dropped` counts it.
    """

    durable: str = attrs.field(kw_only=True)
    """Its name."""
    _journal: Journal = attrs.field(kw_only=True)
    _place: DurableSubscription = attrs.field(kw_only=True)
    _next: int = attrs.field(init=False)
    """The position that comes next."""
    _index: SelectorIndex[int] = attrs.field(factory=SelectorIndex, init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._next = self._place.position
        for selector in self.selectors:
            self._index.add(selector, 0)

    def acknowledge(self, record: Record) -> None:
        """Be done with this record and all that came before it; saved a quarter of a second later at most.

        `TypeError` for what is not a record, `ValueError` for one that this listener has not given yet.
        """
        expect("record", record, Record, "a record that the listener gave")
        if self._events:
            check_given(self.durable, record.position, self._events[0].position)
        self._place.acknowledge(record.position)
        self._pass_over()

    def _follow(self, records: list[Record]) -> None:
        """Take the events of a commit, if it is the next one and there is room; never waits."""
        if records[0].position == self._next and len(self._events) < self.buffer and self._bytes <= BUFFER_BYTES:
            self._give(records, records[-1].position + 1)
        self._news.set()

    def _give(self, records: list[Record], upcoming: int) -> None:
        match = self._index.match
        for record in records:
            if match(record.event):
                self._append(record)
        self._next = upcoming
        self._pass_over()

    def _append(self, record: Record) -> None:
        self._events.append(record)
        self._sizes.append(size := len(record.event.raw))
        self._bytes += size
        self._place.give(record.position)

    def _pass_over(self) -> None:
        """Nothing but what it was given was for this listener up to here."""
        self._place.pass_over(self._next)

    async def _wait(self) -> None:
        if self._next >= self._journal.end:
            await super()._wait()
            return
        start = self._next
        batch = await self._journal.read(start, min(PAGE, self.buffer))
        for missing in missing_events(self._journal.id, start, batch):
            self._append(missing)
            self._lose(missing.event.data["events"], missing.event.data["reason"])
        self._give(batch.records, max(batch.next, start))

    def __str__(self) -> str:
        return f"durable listener {self.durable}"
