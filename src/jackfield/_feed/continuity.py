"""What of a feed's time is accounted for; pure.

Whatever the vendor published came, or lies within an announced gap, or within a span that is stated as not verified.
A *gap* is a reason to believe that events are missing: a lost connection, a stall, a word of the protocol's. Elsewhere
nobody can know that a vendor dropped none, unless a completed backfill (or a vendor's token, which is its own count)
covers the moment: what was covered so far ends at `verified`, and the rest is stated once it is certain that nothing
will cover it: when a connection ends whose vendor has no backfill, at the stop, and else each `STATED_SECONDS`.
"""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime

import attrs

from jackfield._feed.gap import AnnouncedGap, Gap
from jackfield._feed.unverified import UnverifiedSpan, UnverifiedSpans
from jackfield._journal.downtime import Account

__all__ = ["STATED_SECONDS", "Continuity", "StepBack"]

STATED_SECONDS = 3600.0
UNCOVERED = "no backfill covers this span, so an event that the vendor dropped would not have been noticed"


@attrs.frozen
class StepBack:
    """The wall clock was set back; moments up to `before` had been shown, and those from `after` on come again."""

    before: datetime
    after: datetime
    elapsed: float
    """When, by the durations' clock."""


@attrs.define
class Continuity:
    """Gaps and spans that are not verified, of one feed; what a wall clock that is set back shows twice is in them."""

    gap: Gap = attrs.field(factory=Gap)
    verified: datetime | None = None
    """Up to when nothing is missing but what was announced or stated; ``None`` before the first subscription."""
    _spans: UnverifiedSpans = attrs.field(factory=UnverifiedSpans)
    _due: float = math.inf
    """When the next statement is due, by the durations' clock."""
    _steps: deque[StepBack] = attrs.field(factory=lambda: deque(maxlen=16))

    @classmethod
    def resumed(cls, account: Account, reason: str) -> Continuity:
        """After a run that ended with that account."""
        gap = Gap(account.heard, reason, account.shown, covered=account.looked)
        continuity = cls(gap, account.accounted)
        continuity.state(account.heard)
        return continuity

    @property
    def began(self) -> bool:
        """Whether there is anything that could be missed: a subscription was active, now or before a gap."""
        return self.verified is not None or self.gap.since is not None

    def account(self, heard: tuple[datetime, float] | None) -> Account | None:
        """Where the next run would go on if this one ended now; ``None`` where nothing can be missed, or is known.

        `heard` is when the last byte came of a connection, also by the durations' clock. A gap that is open counts
        from its beginning. The end of one that was announced is our own word; the connection may be gone.
        """
        gap = self.gap
        if gap.since is None and heard is not None:
            self._open(gap := Gap(), heard[0], "", heard[1])
        if not self.began or gap.since is None:
            return None
        moments = (self.verified, self._spans.waiting_since)
        accounted = min((each for each in moments if each is not None), default=None)
        return Account(gap.since, accounted, self.gap.looked, gap.shown)

    # -- gaps --------------------------------------------------------------------------------------

    def suspect(self, since: datetime, reason: str, heard: float | None = None) -> None:
        """Events may be missing since that moment, which was `heard` by the durations' clock where that is known."""
        self._open(self.gap, since, reason, heard)

    def _open(self, gap: Gap, since: datetime, reason: str, heard: float | None) -> None:
        gap.open(since, reason)
        for step in self._steps:  # in their order; each moves the beginning that the next one is compared with
            assert gap.since is not None
            if step.before >= gap.since if heard is None else step.elapsed > heard:
                gap.stepped(step.before, step.after)

    def announce(self, now: datetime, elapsed: float, *, backfills: bool) -> AnnouncedGap | None:
        """Events come again: the gap, if there was one. Without backfills nothing will cover what was before it."""
        self.begin(now, elapsed)
        announced = self.gap.announce(now)
        if announced is not None and not backfills:
            self.state(announced.since)
            self.verify(now, elapsed)
        return announced

    def stepped(self, step: StepBack) -> None:
        """The wall clock was set back."""
        self._steps.append(step)
        self.gap.stepped(step.before, step.after)
        if self.verified is not None:
            self.state(step.before)
            self.verified = min(self.verified, step.after)

    # -- what is verified --------------------------------------------------------------------------

    def begin(self, now: datetime, elapsed: float) -> None:
        """A subscription is active."""
        if self.verified is None:
            self.verify(now, elapsed)
        elif self._due == math.inf:  # the first one after a run that was accounted for up to `verified`
            self._due = elapsed + STATED_SECONDS

    def verify(self, until: datetime, elapsed: float) -> None:
        """Nothing is missing up to that moment but what was announced or stated."""
        self.verified, self._due = until, elapsed + STATED_SECONDS

    def filled(self, began: datetime, since: datetime | None, elapsed: float, *, verifies: bool = True) -> None:
        """A backfill that began at that moment is complete; one without `since` covers what came since the last."""
        self.gap.filled(began, since)
        if not verifies:
            return
        if since is not None:
            self.state(since)
        if self.verified is not None:
            self.verify(began, elapsed)

    def state(self, until: datetime, reason: str = UNCOVERED) -> None:
        """Nothing will cover the time up to that moment."""
        if self.verified is not None and self.verified < until:
            self._spans.add(self.verified, until, reason)
            self.verified = until

    def state_span(self, since: datetime, until: datetime, reason: str) -> None:
        """The protocol says that nobody could know."""
        self._spans.add(since, until, reason)

    def end(self, now: datetime) -> None:
        """No subscription is active any more."""
        self.state(now)
        self.verified = None

    def due(self, now: datetime, elapsed: float, *, at_once: bool = False) -> list[UnverifiedSpan]:
        """The spans that are to be reported now."""
        if self.verified is not None and elapsed >= self._due:
            self.state(now if self.gap.since is None else self.gap.since)  # an open gap will be announced
            self._due = elapsed + STATED_SECONDS
        return self._spans.take(elapsed, now=at_once)
