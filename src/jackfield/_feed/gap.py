"""What a feed may have missed: from when, why, and up to when that has been looked up."""

from __future__ import annotations

from datetime import datetime

import attrs

__all__ = ["AnnouncedGap", "Gap"]


@attrs.frozen
class AnnouncedGap:
    """Events may be missing between two moments."""

    since: datetime
    until: datetime
    reason: str


@attrs.define
class Gap:
    """The one owner of a feed's gaps: each is opened, announced, and backfilled or left standing."""

    since: datetime | None = None
    """Since when events may be missing, in a gap that is not announced yet."""
    reason: str = ""
    shown: datetime | None = None
    """The latest moment that the wall clock showed in this gap before it was set back."""
    _unfilled: datetime | None = None
    """The beginning of the oldest announced gap that no backfill has covered."""
    covered: datetime | None = None
    """Up to when the last completed backfill has seen everything."""

    def open(self, since: datetime, reason: str) -> None:
        """Events may be missing since then; of several reasons the first is the true one."""
        if self.since is None:
            self.since, self.reason = since, reason
        self.since = min(self.since, since)

    def stepped(self, before: datetime, after: datetime) -> None:
        """The wall clock was set back: an open gap holds every moment that it showed, before and after."""
        if self.since is not None:
            self.since = min(self.since, after)
            self.shown = before if self.shown is None else max(self.shown, before)

    def announce(self, until: datetime) -> AnnouncedGap | None:
        """Events come again: the gap, if there is one; it never ends before it begins.

        Where the clock was set back while nobody looked, as between two runs, it holds what was shown before that.
        """
        if self.since is None:
            return None
        since, reason = min(self.since, until), self.reason
        until = max(until, self.since, self.shown or until)
        self.since, self.reason, self.shown = None, "", None
        self.leave_unfilled(since)
        return AnnouncedGap(since, until, reason)

    def leave_unfilled(self, since: datetime) -> None:
        """A gap that was announced elsewhere is to be looked up here."""
        self._unfilled = since if self._unfilled is None else min(self._unfilled, since)

    @property
    def backfill_since(self) -> datetime | None:
        """From when on to look, where a gap is unfilled: also what an earlier backfill did not reach."""
        if self._unfilled is None or self.covered is None:
            return self._unfilled
        return min(self._unfilled, self.covered)

    @property
    def looked(self) -> datetime | None:
        """Since when the next backfill is to look, whether a gap is the reason or not."""
        return min((each for each in (self._unfilled, self.covered) if each is not None), default=None)

    def filled(self, began: datetime, since: datetime | None) -> None:
        """A backfill that began at that moment has ended; one without `since` covers what came since the last."""
        if since is not None or self._unfilled is None:
            self._unfilled = None
            self.covered = began
