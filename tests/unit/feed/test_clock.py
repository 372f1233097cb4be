"""`jackfield._feed.clock`: durations are monotonic time plus stalls, moments are wall time."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield._feed.clock import Clock

START = datetime(2026, 1, 1, tzinfo=UTC)


@attrs.define
class Time:
    """Both clocks of a machine, set by hand."""

    wall: datetime = START
    monotonic: float = 100.0

    def run(self, seconds, *, wall=None):
        """So many seconds pass; the wall clock shows as many, or others."""
        self.monotonic += seconds
        self.wall += timedelta(seconds=seconds if wall is None else wall)

    @property
    def clock(self):
        return Clock(lambda: self.wall, lambda: self.monotonic)


@pytest.fixture
def time():
    return Time()


def test_a_check_that_comes_in_time_is_no_stall(time):
    clock = time.clock
    clock.restart()
    for _ in range(100):
        time.run(1.01)
        assert clock.check() is None


def test_a_check_that_comes_late_is_a_stall_since_the_last_one(time):
    clock = time.clock
    clock.restart()
    time.run(1.0)
    clock.check()
    last = time.wall
    time.run(31.0)
    stall = clock.check()
    assert (stall.since, stall.seconds) == (last, pytest.approx(30.0))
    time.run(1.0)
    assert clock.check() is None


def test_a_sleep_of_the_machine_counts_although_the_monotonic_clock_stood_still(time):
    clock = time.clock
    clock.restart()
    before = clock.elapsed()
    time.run(1.0, wall=601.0)
    stall = clock.check()
    assert (stall.since, stall.seconds) == (START, pytest.approx(600.0))
    assert clock.elapsed() - before == pytest.approx(601.0)


@pytest.mark.parametrize("back", [1, 3600, 86_400 * 365])
def test_a_wall_clock_that_is_set_back_shortens_no_duration_and_is_no_stall(time, back):
    clock = time.clock
    clock.restart()
    before = clock.elapsed()
    time.run(1.0, wall=1.0 - back)
    assert clock.check() is None
    assert clock.elapsed() - before == pytest.approx(1.0)
    time.run(1.0)
    assert clock.check() is None


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-1e6, 1e6)), max_size=30))
def test_elapsed_time_never_goes_back_and_no_stall_is_negative(steps):
    time = Time()
    clock = time.clock
    clock.restart()
    elapsed = clock.elapsed()
    for seconds, wall in steps:
        time.run(seconds, wall=wall)
        stall = clock.check()
        assert stall is None or stall.seconds > 0
        assert clock.elapsed() >= elapsed + seconds - 1e-6
        elapsed = clock.elapsed()
