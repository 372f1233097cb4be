"""`jackfield._feed.continuity`: what is covered by nothing is stated; a clock that is set back hides no moment."""

from datetime import UTC, datetime, timedelta

import pytest

from jackfield._feed.continuity import STATED_SECONDS, UNCOVERED, Continuity, StepBack
from jackfield._feed.gap import AnnouncedGap
from jackfield._feed.unverified import UnverifiedSpan
from jackfield._journal.downtime import Account

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds):
    return START + timedelta(seconds=seconds)


def subscribed(**options):
    continuity = Continuity(**options)
    continuity.announce(at(0), 0.0, backfills=True)
    return continuity


def test_a_silent_vendor_without_rest_is_stated_at_a_slow_pace():
    continuity = subscribed()
    stated = [span for second in range(3 * 3600 + 1) for span in continuity.due(at(second), float(second))]
    hour = STATED_SECONDS
    assert stated == [UnverifiedSpan(at(n * hour), at((n + 1) * hour), UNCOVERED) for n in range(3)]


def test_completed_backfills_verify_and_what_they_did_not_reach_is_stated():
    continuity = subscribed()
    continuity.filled(at(50), None, 50.0)
    continuity.filled(at(100), at(80), 100.0)
    assert continuity.due(at(100), 100.0) == [UnverifiedSpan(at(50), at(80), UNCOVERED)]
    continuity.end(at(130))
    assert continuity.due(at(130), 130.0, at_once=True) == [UnverifiedSpan(at(100), at(130), UNCOVERED)]


def test_a_backfill_of_states_alone_verifies_nothing():
    continuity = subscribed()
    continuity.filled(at(50), None, 50.0, verifies=False)
    continuity.filled(at(100), at(80), 100.0, verifies=False)
    assert continuity.verified == at(0)


def test_without_backfills_a_gap_ends_what_can_be_verified_and_is_no_part_of_what_is_stated():
    continuity = subscribed()
    continuity.suspect(at(40), "cut")
    assert continuity.announce(at(60), 60.0, backfills=False) == AnnouncedGap(at(40), at(60), "cut")
    assert continuity.due(at(60), 60.0) == [UnverifiedSpan(at(0), at(40), UNCOVERED)]
    assert continuity.verified == at(60)


def test_a_gap_in_which_the_clock_is_set_back_holds_every_moment_that_it_showed():
    continuity = subscribed()
    continuity.suspect(at(40), "cut")
    continuity.stepped(StepBack(at(50), at(-3550), 50.0))
    announced = continuity.announce(at(-3500), 100.0, backfills=True)
    assert announced == AnnouncedGap(at(-3550), at(50), "cut")


def test_a_gap_since_before_a_step_back_that_is_found_after_it_holds_it_too_and_later_gaps_do_not():
    continuity = subscribed()
    continuity.stepped(StepBack(at(50), at(-50), 50.0))
    continuity.suspect(at(45), "cut", heard=45.0)
    assert continuity.announce(at(-30), 70.0, backfills=True) == AnnouncedGap(at(-50), at(50), "cut")
    continuity.suspect(at(-20), "cut", heard=80.0)
    assert continuity.announce(at(-10), 90.0, backfills=True) == AnnouncedGap(at(-20), at(-10), "cut")


@pytest.mark.parametrize(
    ("what", "heard", "account"),
    [
        ("never subscribed", None, None),
        ("connected only", at(5), None),
        ("subscribed", at(9), Account(at(9), at(0))),
        ("a gap is open", at(9), Account(at(4), at(0))),
        ("down", None, Account(at(4), at(0))),
        ("a gap was announced", at(2), Account(at(2), at(0), at(4))),
        ("a backfill is complete", at(9), Account(at(9), at(8), at(8))),
        ("a span waits to be stated", at(9), Account(at(9), at(1), at(8))),
        ("nothing is wanted any more", at(9), None),
    ],
)
def test_the_next_run_goes_on_where_the_vendor_was_last_heard_and_not_where_we_said_something(what, heard, account):
    continuity = Continuity() if what in ("never subscribed", "connected only") else subscribed()
    if what in ("a gap is open", "down", "a gap was announced"):
        continuity.suspect(at(4), "cut")
    if what == "a gap was announced":
        continuity.announce(at(8), 8.0, backfills=True)
    if what in ("a backfill is complete", "a span waits to be stated"):
        continuity.filled(at(8), None, 8.0)
    if what == "a span waits to be stated":
        continuity.state_span(at(1), at(2), "REST does not remember longer")
    if what == "nothing is wanted any more":
        continuity.end(at(9))
    assert continuity.account(heard and (heard, 9.0)) == account


def test_what_a_clock_that_was_set_back_showed_twice_is_in_the_next_runs_gap_too():
    continuity = subscribed()
    continuity.stepped(StepBack(at(50), at(-50), 50.0))
    assert continuity.account((at(-20), 80.0)) == Account(at(-20), at(-50))
    account = continuity.account((at(45), 45.0))
    assert account == Account(at(-50), at(-50), shown=at(50))
    again = Continuity.resumed(account, "no gateway was running")
    assert again.announce(at(-30), 1.0, backfills=True) == AnnouncedGap(at(-50), at(50), "no gateway was running")


def test_a_run_after_a_kill_states_what_that_had_not_verified_announces_the_gap_and_looks_from_where_nobody_had():
    continuity = Continuity.resumed(Account(heard=at(50), accounted=at(20), looked=at(10)), "no gateway was running")
    assert continuity.due(at(99), 1.0) == [UnverifiedSpan(at(20), at(50), UNCOVERED)]
    assert continuity.announce(at(99), 1.0, backfills=True) == AnnouncedGap(at(50), at(99), "no gateway was running")
    assert continuity.gap.backfill_since == at(10)
