"""Reports of what a feed missed, may have missed, or nobody could know; among `jackfield.reports`."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

import attrs

__all__ = ["Backfilled", "GapSuspected", "NotVerified"]


@attrs.frozen
class GapSuspected:
    """A feed may have missed events between two moments."""

    level: ClassVar[Literal["warning"]] = "warning"
    feed: str
    since: datetime
    until: datetime
    cause: str

    def __str__(self) -> str:
        seconds = (self.until - self.since).total_seconds()
        when = f"{self.since:%H:%M:%S} and {self.until:%H:%M:%S} UTC ({seconds:.1f} s)"
        return f"{self.feed}: events may be missing between {when}: {self.cause}"


@attrs.frozen
class NotVerified:
    """Nobody could know whether a feed missed events between two moments: not a loss, not a gap."""

    level: ClassVar[Literal["info"]] = "info"
    feed: str
    since: datetime
    until: datetime
    reason: str

    def __str__(self) -> str:
        seconds = (self.until - self.since).total_seconds()
        when = f"{self.since:%H:%M:%S} and {self.until:%H:%M:%S} UTC ({seconds:.1f} s)"
        return f"{self.feed}: nothing is known to be missing between {when}; not verified: {self.reason}"


@attrs.frozen
class Backfilled:
    """What a feed missed, or may have missed (a `regular` backfill), was fetched by REST, as far as it has it."""

    feed: str
    events: int
    """Before copies of known ones are left out."""
    failure: str = ""
    """Why there was no backfill, or only part of one: the gap stays."""
    regular: bool = False

    @property
    def level(self) -> Literal["debug", "info", "warning"]:
        """A failure is worth a warning, and a regular backfill that finds nothing is hardly worth a line."""
        return "warning" if self.failure else "debug" if self.regular and not self.events else "info"

    def __str__(self) -> str:
        outcome = f"failed: {self.failure}" if self.failure else f"found {self.events}"
        return f"{self.feed}: looking by REST for missed events {outcome}"
