"""Telling a quiet night from a deaf connection.

A server may stop sending events without a word, such as when another client's unsubscribe has taken away what both of
them stood on. So after a while without any event it is asked: by a ping on the connection, and by REST where that is
configured, which alone can vouch for the subscription. Without such a voucher the connection is renewed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
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
    """When the last event came, or the watch began."""
    evidence: str = ""
    """What the server itself said, for people."""
    _quiet_until: datetime | None = None
    _asked: datetime | None = None
    _vouched: bool | None = None

    @property
    def asking(self) -> bool:
        """Whether an answer is awaited."""
        return self._asked is not None

    def broken(self, at: datetime) -> None:
        """An event has come: all is well."""
        self.since, self.factor = at, 1
        if self._asked is not None or self._quiet_until is not None:
            self._asked = self._quiet_until = self._vouched = None

    def answered(self, ponged: bool) -> None:
        """A ping was answered, which shows that the line is up, or was not, which some servers never do."""
        self.evidence = "a ping was answered" if ponged else "a ping was not answered"

    def vouch(self, held: bool | None) -> None:
        """By REST the server holds our subscription and nothing was missed, or not so; ``None`` for no answer."""
        if held is not None:
            self._vouched = held

    def tick(self, at: datetime, *, by_rest: bool) -> Literal["ask", "renew", ""]:
        """What is to be done at this moment, on a connection that is subscribed to something."""
        if not self.limit:
            return ""
        self.since = self.since or at
        if self._asked is None:
            until = self._quiet_until or self.since + timedelta(seconds=self.limit * self.factor)
            if at < until:
                return ""
            self._asked, self._vouched, self.evidence = at, None, ""
            return "ask"
        waited = (at - self._asked).total_seconds()
        if self._vouched:
            self._asked, self._quiet_until = None, at + timedelta(seconds=self.limit)
            return ""
        if not self.evidence or (by_rest and self._vouched is None and waited < VOUCH_SECONDS):
            return ""
        self._asked = None
        self._quiet_until = at + timedelta(seconds=self.limit)
        self.factor = min(self.factor * 2, MOST_FACTOR)
        return "renew"
