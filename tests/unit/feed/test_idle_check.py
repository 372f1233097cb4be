"""`jackfield._feed.idle_check`: a silence that is not normal is checked, each next one later, up to a limit."""

import attrs

from jackfield._feed.idle_check import IdleCheck
from jackfield.plugin.protocol import Renew


@attrs.define
class Driver:
    protocol: object = None
    backfills: list = attrs.field(factory=list)

    def backfill(self, since):
        self.backfills.append(since)


class WithREST:
    def backfill(self, since, at):
        return ()


def checks(idle, driver, seconds):
    return [second for second in range(seconds) if idle.check(driver, float(second)) is not None]


def test_without_rest_the_connection_is_renewed_after_once_twice_and_then_four_times_the_silence():
    idle = IdleCheck(60.0)
    idle.restart(0.0)
    assert checks(idle, Driver(), 1000) == [60, 180, 420, 660, 900]


def test_with_rest_it_is_asked_instead():
    idle, driver = IdleCheck(60.0), Driver(WithREST())
    idle.restart(0.0)
    assert checks(idle, driver, 200) == []
    assert driver.backfills == [None, None]


def test_an_event_begins_anew_and_no_limit_means_never():
    idle = IdleCheck(60.0)
    idle.restart(0.0)
    assert idle.check(Driver(), 60.0) == Renew("no event for 60 s")
    idle.heard(100.0)
    assert idle.check(Driver(), 159.0) is None and idle.check(Driver(), 160.0) is not None
    never = IdleCheck(0.0)
    never.restart(0.0)
    assert checks(never, Driver(), 10_000) == []
