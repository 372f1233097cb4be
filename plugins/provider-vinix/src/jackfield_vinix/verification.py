"""What is verified of a feed's events: each family up to its last event, and no further.

A server may stop to send without a word, such as where another client's unsubscribe took away what both of them stood
on, and go on answering and listing the subscription. So only events show that a subscription is alive. What came of a
time without them nobody can know, unless REST shows that things have moved: that time is stated as not verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from math import inf

import attrs

from jackfield.plugin.protocol import NotVerified

__all__ = ["Verification"]

# A pause between two events of a family that is stated, should whatever stopped it have passed meanwhile.
PAUSE_SECONDS = 30.0
# The server answers before its own subscription is active; after this it is.
ACTIVE_SECONDS = 1.0


@attrs.define
class _Family:
    """One family of events that is subscribed to."""

    last: datetime
    """When its last event came, or since when it is watched."""
    quiet: float = 0.0
    """Seconds since then, by the ticks."""
    due: float = inf
    """How many of these make the next check."""
    anew: float | None = None
    """Seconds since it was subscribed to anew, until the time before that is stated."""
    interrupted: bool = False
    """Whether its connection has ended, which is a gap and announced as such."""


@attrs.define
class Verification:
    """The watch over one feed's families, handed from connection to connection."""

    limit: float
    """Seconds without an event after which REST is queried; 0 for never."""
    renewals_in_doubt: int = 0
    """Planned renewals in a row at which some family was silent."""
    _open: int = 0
    """Connections; two while one is renewed."""
    _families: dict[str, _Family] = attrs.field(factory=dict)
    _stated: list[NotVerified] = attrs.field(factory=list)

    def heard(self, family: str, at: datetime) -> None:
        """An event has come."""
        known = self._families.get(family)
        if known is None:
            self._families[family] = _Family(at, due=self.limit or inf)
            return
        if known.quiet >= PAUSE_SECONDS or known.anew is not None or known.quiet >= known.due:
            if not known.interrupted:
                self._doubt(family, known, at, "a pause in its events")
            known.interrupted, known.due = False, self.limit or inf
        known.last, known.quiet = at, 0.0

    def served(self, family: str, at: datetime) -> None:
        """The server says that it serves the family from now on, perhaps once more."""
        known = self._families.get(family)
        if known is None or known.interrupted:
            self._families[family] = _Family(at, due=self.limit or inf)
        else:
            known.anew = 0.0

    def opened(self) -> bool:
        """A connection is up; whether another one is, which it is to take over from."""
        self._open += 1
        return self._open > 1

    def closed(self, at: datetime) -> None:
        """A connection has ended; where it was the only one, nobody knows what happens from now on."""
        self._open = max(0, self._open - 1)
        if self._open:
            return
        for name, known in self._families.items():
            if not known.interrupted:
                self._doubt(name, known, at, "no event of it before the connection ended")
                known.interrupted = True

    def tick(self, held: Iterable[str], at: datetime, passed: float) -> list[str]:
        """So many seconds have passed: the held families that have been silent for too long."""
        due = []
        for name in held:
            known = self._families.get(name)
            if known is None or known.interrupted:
                continue
            known.quiet += passed
            if known.anew is not None:
                known.anew += passed
                if known.anew >= ACTIVE_SECONDS:
                    self._doubt(name, known, at, "subscribed anew")
            if self.limit and known.quiet >= known.due:
                due.append(name)
        if not due:
            return due
        # One query does for all of them: those that are nearly due are looked after as well.
        silent = [name for name in held if name in self._families and self._families[name].quiet >= self.limit / 2]
        for name in silent:
            self._families[name].due = self._families[name].quiet + self.limit
        return silent

    def silent(self, families: Iterable[str]) -> list[str]:
        """Those of which no event has come for longer than is normal."""
        known = ((name, self._families.get(name)) for name in families)
        return [name for name, each in known if each is not None and each.quiet >= (self.limit or PAUSE_SECONDS)]

    def doubt(self, families: Iterable[str], until: datetime, reason: str) -> None:
        """Nobody can know what happened in these families since their last events."""
        for name in families:
            if (known := self._families.get(name)) is not None:
                self._doubt(name, known, until, reason)

    def since(self, families: Iterable[str]) -> datetime:
        """When the earliest of the last events of these families came."""
        return min(self._families[name].last for name in families if name in self._families)

    def statements(self) -> Iterator[NotVerified]:
        """What has turned out not to be verified."""
        stated, self._stated = self._stated, []
        yield from stated

    def _doubt(self, name: str, known: _Family, until: datetime, reason: str) -> None:
        known.anew = None
        if known.last < until:
            self._stated.append(NotVerified(known.last, until, f"{name} events: {reason}"))
