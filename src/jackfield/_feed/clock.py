"""The clock rule: durations are monotonic time plus stalls, moments are wall time, and neither is taken from the other.

A *stall* is time in which this process did not run: it was stopped, its machine slept or was paused, or its loop was
busy. The monotonic clock stands still while a machine sleeps, so the wall clock running ahead of it is a stall too; a
wall clock that somebody sets forward looks the same, and is better taken for a stall than a sleep for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import trio

from jackfield._feed.continuity import StepBack

__all__ = ["Clock", "Stall"]

TICK_SECONDS = 1.0
# The wall clock is slewed by up to 500 ppm, and read a moment later than the other; this is far above both.
SKEW_SECONDS = 0.5


@attrs.frozen
class Stall:
    """A span in which this process did not run."""

    since: datetime
    """The last moment at which it certainly did."""
    seconds: float
    """For so long at least; at most `TICK_SECONDS` longer, since it may have begun right after that moment."""


def _wall() -> datetime:
    return datetime.now(UTC)


@attrs.define
class Clock:
    """Time as one feed sees it; `check` is called each second, and wherever a stall would matter sooner."""

    _now: Callable[[], datetime] = _wall
    _monotonic: Callable[[], float] = trio.current_time
    _slept: float = 0.0
    """Seconds that the monotonic clock stood still."""
    _checked: tuple[datetime, float] | None = None
    _steps: list[StepBack] = attrs.field(factory=list)

    def now(self) -> datetime:
        """The wall clock, for moments."""
        return self._now()

    def elapsed(self) -> float:
        """Seconds since some moment, stalls included, for durations; it never goes back."""
        return self._monotonic() + self._slept

    def restart(self) -> None:
        """Begin anew to expect a check each second: what was before is not a stall."""
        self.check()

    def take_steps(self) -> list[StepBack]:
        """Where the wall clock was set back, as far as the checks have shown it since this was called last."""
        steps, self._steps = self._steps, []
        return steps

    def check(self) -> Stall | None:
        """The stall since the last check, if there was one: this check came late, or the wall clock ran ahead."""
        wall, monotonic = self._now(), self._monotonic()
        before, self._checked = self._checked, (wall, monotonic)
        if before is None:
            return None
        passed = monotonic - before[1]
        ahead = (wall - before[0]) - timedelta(seconds=passed)
        slept = ahead.total_seconds() if ahead > timedelta(seconds=SKEW_SECONDS) else 0.0
        self._slept += slept
        if -ahead > timedelta(seconds=SKEW_SECONDS):
            span = timedelta(seconds=passed)
            self._steps.append(StepBack(before[0] + span, wall - span, self.elapsed()))
        late = passed + slept - TICK_SECONDS
        return Stall(before[0], late) if late > SKEW_SECONDS else None
