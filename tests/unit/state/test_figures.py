"""`jackfield.state.figures`: the figures of a day that is known, in all, of a feed and of a queue."""

from datetime import timedelta

import pytest
from wallboard import Script

from jackfield.state import Figures, State


def snapshot(day):
    state = State()
    for event in day.events:
        state.apply(event)
    return state.snapshot(day.now)


@pytest.fixture(name="day", scope="module")
def the_day():
    return Script.of_the_day()


def test_the_figures_are_those_of_the_script(day):
    figures = Figures.of(snapshot(day))
    totals = figures.totals
    assert (totals.answered, totals.answered_within, totals.abandoned) == (12, 11, 2)
    assert totals.service_level == pytest.approx(11 / 14)
    assert totals.abandoned_share == pytest.approx(2 / 14)
    assert totals.mean_wait == pytest.approx(110 / 12, abs=0.01)
    assert totals.mean_handling == pytest.approx(60)
    assert (figures.waiting, figures.unconfirmed, figures.waiting_in) == (2, 0, "acme/q1")
    assert day.now - figures.waiting_since == timedelta(seconds=62)
    assert figures.agents == {"logged_off": 0, "not_ready": 1, "ready": 2, "reserved": 0, "busy": 1, "wrapup": 1}
    assert figures.stale == ()


def test_a_queue_and_a_feed_have_their_own(day):
    sales = Figures.of(snapshot(day), queue="acme/q2")
    assert (sales.totals.service_level, sales.waiting, sales.waiting_in) == (0.75, 1, "acme/q2")
    assert Figures.of(snapshot(day), feed="office").totals == Figures.of(snapshot(day)).totals
    other = Figures.of(snapshot(day), feed="elsewhere")
    assert (other.totals.answered, other.waiting, sum(other.agents.values())) == (0, 0, 0)
    assert other.totals.service_level is None


def test_what_belongs_to_a_feed_that_is_down_does_not_count_but_in_the_days_totals():
    day = Script.of_the_day()
    day.disconnected()
    figures = Figures.of(snapshot(day))
    assert (figures.waiting, figures.waiting_since, sum(figures.agents.values())) == (0, None, 0)
    assert figures.stale == ("office",)
    assert figures.totals.answered == 12


def test_who_waited_when_a_gap_began_is_counted_apart():
    day = Script.of_the_day()
    day.gap()
    figures = Figures.of(snapshot(day))
    assert (figures.waiting, figures.unconfirmed) == (0, 2)
