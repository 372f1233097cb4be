"""How far durable subscriptions have come: what consumers have acknowledged, which outlives them and this process.

They hold no event: what retention deletes before a consumer comes back is missing, and the consumer is given a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from jackfield._journal.log import Log
from jackfield._journal.pending import PendingNotes
from jackfield._journal.store.records import Durable
from jackfield.config.naming import is_short_name
from jackfield.errors import JournalError

__all__ = ["DurableSubscription", "DurableSubscriptions", "check_durable", "check_given"]

MOST_NAMES = 1000
MOST_SELECT = 16_000


def check_durable(name: str) -> None:
    """`ValueError` for what cannot be the name of one, `TypeError` for what is no text."""
    if not isinstance(name, str):
        raise TypeError(f"durable: {name!r} is of type {type(name).__name__}; give a name, as a text")
    if not is_short_name(name):
        raise ValueError(f"durable: {name[:80]!r} is not a name of at most 64 letters, digits, '.', '_' and '-'")


def check_given(name: str, position: int, given: int) -> None:
    """`ValueError` where a consumer acknowledges what it was not given: it was given what stands before `given`."""
    if position >= given:
        raise ValueError(f"event {position} was not given yet to {name!r}; acknowledge what it was given")


@attrs.define(eq=False)
class DurableSubscription:
    """One, while a consumer follows it."""

    name: str
    _pending: PendingNotes
    _given: int
    """The position behind the last event that the consumer was given."""

    @property
    def position(self) -> int:
        """The first position that is not acknowledged."""
        return row.next if (row := self._pending.durable.get(self.name)) else self._given

    def give(self, position: int) -> None:
        """The consumer is given the event at this position, which it is to acknowledge."""
        self._given = max(self._given, position + 1)

    def acknowledge(self, position: int) -> None:
        """The consumer is done with all that it was given up to there; `ValueError` for what it was not given."""
        check_given(self.name, position, self._given)
        self._move(position + 1)

    def pass_over(self, upcoming: int) -> None:
        """Nothing before `upcoming` is for the consumer but what it was given; counts once it is done with that."""
        if self.position >= self._given:
            self._given = max(self._given, upcoming)
            self._move(upcoming)

    def _move(self, upcoming: int) -> None:
        if (row := self._pending.durable.get(self.name)) and upcoming > row.next:
            self._pending.remember(self.name, row._replace(next=upcoming))


@attrs.frozen(eq=False)
class DurableSubscriptions:
    """All of a journal."""

    _pending: PendingNotes
    _log: Log

    def __iter__(self) -> Iterator[str]:
        return iter(self._pending.durable)

    def __contains__(self, name: str) -> bool:
        return name in self._pending.durable

    def position(self, name: str) -> int:
        """The first position that is not acknowledged."""
        return self._pending.durable[name].next

    def behind(self, name: str) -> int:
        """How many events it has not acknowledged, whether they are for it or not."""
        return self._log.count(self.position(name), self._log.end)

    def select(self, name: str) -> str:
        """What it selects, a selector a line; nothing where there is none of that name."""
        return row.select if (row := self._pending.durable.get(name)) else ""

    @property
    def in_memory(self) -> Iterable[int]:
        """From which positions on memory is to hold events for them, where nothing else does."""
        return () if self._log.durable else (row.next for row in self._pending.durable.values())

    def open(self, name: str, select: str, beginning: int) -> DurableSubscription:
        """One to follow, which begins there where the name is new; `JournalError` where there are too many."""
        row = self._pending.durable.get(name)
        if len(select) > MOST_SELECT:
            raise JournalError(f"a durable subscription has selectors of at most {MOST_SELECT} characters in all")
        if row is None and len(self._pending.durable) >= MOST_NAMES:
            raise JournalError(f"there are {MOST_NAMES} durable subscriptions; forget those that nobody uses")
        if row is None or row.select != select:
            row = Durable(beginning if row is None else row.next, select)
            self._pending.remember(name, row)
        return DurableSubscription(name, self._pending, row.next)

    def acknowledge(self, name: str, position: int) -> None:
        """Be done with everything up to that position, which is committed; never goes back."""
        if position + 1 > (row := self._pending.durable[name]).next:
            self._pending.remember(name, row._replace(next=position + 1))

    def forget(self, name: str) -> None:
        """Have it begin anew when its name is used again."""
        self._pending.remember(name, None)

    async def saved(self) -> None:
        """Wait until what was acknowledged by now is saved; `JournalError` while the disk does not take it."""
        await self._pending.saved()
