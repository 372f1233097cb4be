"""Telling a quiet night from a deaf connection.

A server may stop sending events without a word, such as when another client's unsubscribe has taken away what both of
them stood on. So after a while without any event it is asked: by a ping on the connection, and by REST where that is
configured, which alone can vouch for the subscription. Without such a voucher the connection is renewed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

__all__ = ["Silence"]

# How long REST may take to vouch; a look at everything takes a few seconds.
VOUCH_SECONDS = 60.0
# Each renewal that has brought nothing doubles what counts as normal, up to this many times the configured.
MOST_FACTOR = 4


@attrs.define
class Silence:
    """The watch over one connection."""

    limit: float
    """Seconds without an event that are normal; 0 for any."""
    factor: int = 1
    """How many times that, by now; handed from connection to connection."""
    since: datetime | None = None
    """When the last event came, or the watch began, by the wall clock."""
    evidence: str = ""
    """What the server itself said, for people."""
    quiet: float = 0.0
    """Seconds since then, by the ticks."""
    _due: float | None = None
    """After how many such seconds the server is asked, where that is not the limit."""
    _asked: float | None = None
    """After how many it was."""
    _vouched: bool | None = None

    @property
    def asking(self) -> bool:
        """Whether an answer is awaited."""
        return self._asked is not None

    def broken(self, at: datetime) -> None:
        """An event has come: all is well."""
        self.since, self.factor, self.quiet = at, 1, 0.0
        if self._asked is not None or self._due is not None:
            self._asked = self._due = self._vouched = None

    def answered(self, ponged: bool) -> None:
        """A ping was answered, which shows that the line is up, or was not, which some servers never do."""
        self.evidence = "a ping was answered" if ponged else "a ping was not answered"

    def vouch(self, held: bool | None) -> None:
        """By REST the server holds our subscription and nothing was missed, or not so; ``None`` for no answer."""
        if held is not None:
            self._vouched = held

    def tick(self, at: datetime, passed: float, *, by_rest: bool) -> Literal["ask", "renew", ""]:
        """What is to be done after so many seconds more, on a connection that is subscribed to something."""
        if not self.limit:
            return ""
        if self.since is None:
            self.since = at
        else:
            self.quiet += passed
        if self._asked is None:
            if self.quiet < (self.limit * self.factor if self._due is None else self._due):
                return ""
            self._asked, self._vouched, self.evidence = self.quiet, None, ""
            return "ask"
        waited = self.quiet - self._asked
        if self._vouched:
            self._asked, self._due = None, self.quiet + self.limit
            return ""
        if not self.evidence or (by_rest and self._vouched is None and waited < VOUCH_SECONDS):
            return ""
        self._asked = None
        self._due = self.quiet + self.limit
        self.factor = min(self.factor * 2, MOST_FACTOR)
        return "renew"
