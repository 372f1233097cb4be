"""`jackfield._feed.gap`: no gap ends before it begins, and no backfill begins after what it is for."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jackfield._feed.gap import AnnouncedGap, Gap

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds):
    return START + timedelta(seconds=seconds)


def test_the_first_reason_is_the_true_one_and_the_earliest_moment_counts():
    gap = Gap()
    gap.open(at(5), "cut")
    gap.open(at(3), "refused")
    assert gap.announce(at(9)) == AnnouncedGap(at(3), at(9), "cut")
    assert gap.announce(at(9)) is None


def test_a_clock_that_was_set_back_makes_no_negative_gap():
    gap = Gap()
    gap.open(at(5), "cut")
    assert gap.announce(at(-3600)) == AnnouncedGap(at(-3600), at(5), "cut")


def test_a_backfill_begins_where_the_last_one_stopped_if_that_is_earlier():
    gap = Gap()
    gap.open(at(0), "cut")
    gap.announce(at(1))
    gap.filled(at(2), at(0))
    gap.open(at(50), "cut")
    gap.announce(at(51))
    assert gap.backfill_since == at(2)


def test_a_backfill_that_was_not_for_a_gap_leaves_the_gap_open():
    gap = Gap()
    gap.open(at(0), "cut")
    gap.announce(at(1))
    gap.filled(at(2), None)
    assert gap.backfill_since == at(0)


class Life(RuleBasedStateMachine):
    """Gaps open, are announced and backfilled, in any order, while time goes on."""

    @initialize()
    def begin(self):
        self.gap, self.now, self.unseen = Gap(), 0, []

    @rule(seconds=st.integers(0, 100))
    def wait(self, seconds):
        self.now += seconds

    @rule(ago=st.integers(0, 50))
    def lose(self, ago):
        self.gap.open(at(self.now - ago), "cut")
        self.unseen.append(at(self.now - ago))

    @rule()
    def announce(self):
        if (announced := self.gap.announce(at(self.now))) is not None:
            assert announced.since <= announced.until == at(self.now)

    @precondition(lambda self: self.gap.since is None and self.gap.backfill_since is not None)
    @rule()
    def backfill(self):
        self.gap.filled(at(self.now), self.gap.backfill_since)
        self.unseen.clear()

    @invariant()
    def whatever_is_unseen_lies_behind_the_beginning_of_a_gap_or_of_the_next_backfill(self):
        begins = [each for each in (self.gap.since, self.gap.backfill_since) if each is not None]
        assert all(any(begin <= each for begin in begins) for each in self.unseen)


TestLife = Life.TestCase
