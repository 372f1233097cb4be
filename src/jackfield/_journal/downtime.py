"""Where the next run of a feed goes on: since when it may have missed events, and up to when all is accounted for.

A feed's session notes its account every few seconds, and whenever its beginning moves back. A note is saved only when
the events that it stands behind are committed. Lines of the log count only for a feed without a note, which was
killed before its first one was saved, or stems from an older journal: then it was heard when its vendor last sent
something, or when its first subscription became active. What we say ourselves of its stream, and what a backfill
found, says nothing about the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import attrs

from jackfield.events import Event

__all__ = ["Account", "AccountNotes", "AccountRow", "learn"]


class AccountRow(NamedTuple):
    """A feed's account as it is stored, in microseconds since 1970."""

    heard: int
    accounted: int | None
    looked: int | None
    shown: int | None
    position: int
    """It holds once everything before that position is committed."""


@attrs.frozen
class Account:
    """What of a feed's time is settled."""

    heard: datetime
    """Since when it may have missed events if this process ends now."""
    accounted: datetime | None = None
    """Up to when everything was delivered, announced as a gap, or stated as not verified; ``None`` where unknown."""
    looked: datetime | None = None
    """Since when a backfill is to look, if it is to skip nothing; ``None`` where none has ended."""
    shown: datetime | None = None
    """The latest moment that a wall clock which was set back has shown since then."""

    @classmethod
    def of(cls, row: AccountRow) -> Account:
        """What was stored."""
        rest = (None if each is None else _moment(each) for each in (row.accounted, row.looked, row.shown))
        return cls(_moment(row.heard), *rest)

    def row(self, position: int) -> AccountRow:
        """As it is stored, behind everything before that position."""
        moments = (self.accounted, self.looked, self.shown)
        accounted, looked, shown = (None if each is None else _stored(each) for each in moments)
        return AccountRow(_stored(self.heard), accounted, looked, shown, position)


def learn(accounts: dict[str, AccountRow], event: Event) -> None:
    """Note what an event says of its feed's connection, for a feed that has no note of its session's."""
    if event.kind == "stream.subscribed":
        heard = isinstance(event.data, dict) and bool(event.data.get("topics")) and event.feed not in accounts
    else:
        heard = not event.kind.startswith("stream.") and event.origin in ("live", "webhook")
    if heard:
        accounts[event.feed] = AccountRow(_stored(event.received), None, None, None, 0)


@attrs.define(eq=False)
class AccountNotes:
    """Accounts that wait for the commit of the events before them: of each feed the oldest and the newest."""

    _note: Callable[[str, AccountRow], object]
    _waiting: dict[str, list[AccountRow]] = attrs.field(factory=dict)

    def expect(self, feed: str, row: AccountRow) -> None:
        """Note an account once everything before its position is committed."""
        waiting = self._waiting.setdefault(feed, [])
        del waiting[1:]
        waiting.append(row)

    def settle(self, end: int) -> None:
        """Everything before `end` is committed."""
        for feed, waiting in list(self._waiting.items()):
            while waiting and waiting[0].position <= end:
                self._note(feed, waiting.pop(0))
            if not waiting:
                del self._waiting[feed]


def _stored(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def _moment(stored: int) -> datetime:
    return datetime.fromtimestamp(stored / 1_000_000, UTC)
