"""When a feed without events is to be checked: silence may be a quiet night, or a subscription that brings nothing."""

from __future__ import annotations

import attrs

from jackfield._feed.driver import FeedDriver
from jackfield.plugin.protocol import Renew, SupportsBackfill

__all__ = ["IdleCheck"]

# Each check that brings nothing doubles the next silence, up to so many times the configured one.
MOST_FACTOR = 4


@attrs.define
class IdleCheck:
    """The watch over one feed; times are those of the durations' clock."""

    _seconds: float
    """The silence that is normal; 0 for any."""
    _factor: int = 1
    _since: float | None = None

    def heard(self, elapsed: float) -> None:
        """Events came."""
        self._since, self._factor = elapsed, 1

    def restart(self, elapsed: float) -> None:
        """Count from now on: a connection has come up."""
        self._since = elapsed

    def check(self, driver: FeedDriver, elapsed: float) -> Renew | None:
        """After a silence that is not normal have REST asked, or the connection renewed where there is no REST."""
        if self._since is None or not self._seconds or elapsed - self._since < self._seconds * self._factor:
            return None
        silence = elapsed - self._since
        self._since, self._factor = elapsed, min(self._factor * 2, MOST_FACTOR)
        if isinstance(driver.protocol, SupportsBackfill):
            driver.backfill(None)
            return None
        return Renew(f"no event for {silence:.0f} s")
