"""Applies the clock rule to one feed: what its clock shows becomes gaps and spans that are not verified."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs
import trio

from jackfield._feed.clock import TICK_SECONDS, Clock, Stall
from jackfield._feed.continuity import Continuity
from jackfield._feed.driver import FeedDriver
from jackfield._feed.recorder import FeedRecorder
from jackfield._journal.downtime import Account
from jackfield.plugin.protocol import SupportsBackfill, SupportsCommit, backfill_verifies

__all__ = ["Timekeeper"]

# What a killed process heard last is known that exactly; a save costs a page or two on the disk.
KEEP_SECONDS = 5.0


@attrs.define
class Timekeeper:
    """Keeps one feed's account of what may be missing."""

    _clock: Clock
    _recorder: FeedRecorder
    _continuity: Continuity
    _stall_limit: float
    """Seconds for which the vendor buffers."""
    _resumes: Callable[[], bool]
    """Whether the vendor goes on behind what is stored, so that no time without a connection is a gap."""
    _heard: Callable[[], tuple[datetime, float] | None]
    """When the connection last brought anything, if there is one, and how many seconds ago."""
    _keep: Callable[[Account], object]
    """Keeps the feed's account for the next run."""
    _kept: Account | None = None
    _keep_due: float = 0.0
    """When the account is to be kept again, by the durations' clock."""

    def heed_clock(self, stall: Stall | None) -> Stall | None:
        """Note where the wall clock was set back; the stall again, where the vendor does not buffer for so long."""
        for step in self._clock.take_steps():
            self._continuity.stepped(step)
            self.report()
            self.keep_account(at_once=True)
        if (
            stall is None
            or stall.seconds + TICK_SECONDS <= self._stall_limit
            or not self._continuity.began
            or self._resumes()
        ):
            return None
        self._continuity.suspect(stall.since, f"this process did not run for {stall.seconds:.1f} s")
        return stall

    async def listen(self, stopping: trio.Event) -> None:
        """Be a feed without a connection, whose vendor sends everything by webhook, until somebody stops it."""
        self._clock.restart()
        self._continuity.begin(self._clock.now(), self._clock.elapsed())
        self.resume(None)
        while not stopping.is_set():
            with trio.move_on_after(TICK_SECONDS):
                await stopping.wait()
            if self.heed_clock(self._clock.check()) is not None:
                self.resume(None)
            self.report()
            self.keep_account()

    async def wait(self, seconds: float, stopping: trio.Event) -> None:
        """Wait until somebody stops the feed, for so long at most, and heed the clock meanwhile."""
        with trio.move_on_after(seconds):
            while not stopping.is_set():
                with trio.move_on_after(TICK_SECONDS):
                    await stopping.wait()
                self.heed_clock(self._clock.check())

    def connected(self) -> None:
        """A connection has come up: only from now on a late tick is a stall."""
        self._clock.restart()
        self.heed_clock(None)

    def lost(
        self, reason: str, last_received_at: datetime, silence: float, missed_since: datetime | None
    ) -> datetime | None:
        """A connection has ended; since when events may be missing."""
        stall = self._clock.check()
        self.heed_clock(None)
        if missed_since is not None:
            self._continuity.suspect(missed_since, reason)
        elif self._resumes():
            return None
        else:
            self._continuity.suspect(last_received_at, reason, self._before(silence))
        if stall is not None:  # what waited in the kernel meanwhile was not just sent
            self._continuity.suspect(stall.since, reason)
        self.keep_account()
        return self._continuity.gap.since

    def subscribed(self) -> None:
        """A subscription is active, be others still asked for: from now on events may be missed."""
        self._continuity.begin(self._clock.now(), self._clock.elapsed())
        self.keep_account()

    def suspect(self, since: datetime, reason: str) -> None:
        """The protocol says that events may be missing."""
        self._continuity.suspect(since, reason)

    def resume(self, driver: FeedDriver | None) -> None:
        """Events come again: announce the gap, if there was one, and have it backfilled."""
        self.heed_clock(self._clock.check() if driver is not None else None)
        now = self._clock.now()
        backfills = driver is not None and backfill_verifies(driver.protocol)
        announced = self._continuity.announce(now, self._clock.elapsed(), backfills=backfills)
        if announced is not None:
            self._recorder.announce_gap(announced.since, announced.until, announced.reason)
        gap = self._continuity.gap
        if driver is not None and (since := gap.backfill_since) is not None:
            if isinstance(driver.protocol, SupportsBackfill):
                driver.backfill(since)
            else:
                gap.filled(now, since)  # nothing will ever look
        self.report()
        self.keep_account(at_once=announced is not None)

    def filled(self, driver: FeedDriver, began: datetime, since: datetime | None) -> None:
        """A backfill is complete."""
        verifies = backfill_verifies(driver.protocol)
        self._continuity.filled(began, since, self._clock.elapsed(), verifies=verifies)
        self.report()

    def renewed(self, driver: FeedDriver) -> None:
        """Another connection has taken over without a gap; what the last one's vendor sent nothing will cover."""
        if not backfill_verifies(driver.protocol):
            self._continuity.state(self._clock.now())
        self.report()

    def received(self, driver: FeedDriver) -> None:
        """Events with tokens came: the vendor's own count, in which none is left out."""
        if isinstance(driver.protocol, SupportsCommit) and self._continuity.verified is not None:
            self._continuity.verify(self._clock.now(), self._clock.elapsed())

    def not_verified(self, since: datetime, until: datetime | None, reason: str) -> None:
        """Nobody could know whether events were missed in this span."""
        now = self._clock.now()
        until = now if until is None else min(until, now)
        self._continuity.state_span(since, until, self._recorder.redacted(reason))
        self.report()

    def unsubscribed(self) -> None:
        """No subscription is active any more; a stall that nobody has noticed yet is a gap all the same."""
        stall, heard = self.heed_clock(self._clock.check()), self._last_heard()
        now, elapsed = self._clock.now(), self._clock.elapsed()
        if stall is not None and (announced := self._continuity.announce(now, elapsed, backfills=True)) is not None:
            self._recorder.announce_gap(announced.since, announced.until, announced.reason)
        self._continuity.state(now)
        self.report(at_once=True)
        self._keep_account(self._continuity.account(heard), at_once=True)
        self._continuity.end(now)

    def keep_account(self, *, at_once: bool = False) -> None:
        """Keep for the next run where it would have to go on: every few seconds, and where that has moved back."""
        self._keep_account(self._continuity.account(self._last_heard()), at_once=at_once)

    def _last_heard(self) -> tuple[datetime, float] | None:
        heard = self._heard()
        return None if heard is None else (heard[0], self._before(heard[1]))

    def _before(self, silence: float) -> float:
        """When that silence certainly had not begun; a check notices a step of the wall clock up to a tick late."""
        return self._clock.elapsed() - silence - TICK_SECONDS

    def _keep_account(self, account: Account | None, *, at_once: bool) -> None:
        elapsed = self._clock.elapsed()
        if account is None or account == self._kept:
            return
        if at_once or self._kept is None or account.heard < self._kept.heard or elapsed >= self._keep_due:
            self._kept, self._keep_due = account, elapsed + KEEP_SECONDS
            self._keep(account)

    def report(self, *, at_once: bool = False) -> None:
        """Report the spans that nobody could verify, if their pace allows it."""
        for span in self._continuity.due(self._clock.now(), self._clock.elapsed(), at_once=at_once):
            self._recorder.not_verified(span)
