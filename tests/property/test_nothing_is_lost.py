"""The law of the feeds, for any schedule of faults: whatever a vendor published came, or it is said where it did not.

Every event was delivered, or lies within a gap that was announced, or (only what the vendor dropped on a connection
that was up) within a span that was reported as not verified; and no gap is announced where nothing went wrong.
``--hypothesis-profile=thorough`` plays 1,000 schedules.
"""

import inspect

import pytest
import trio
import trio.testing
from feed_world import KEYWORDS, LITTLE, SECONDS, WithREST, World
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jackfield._feed.clock import Clock
from jackfield._feed.continuity import Continuity
from jackfield._feed.timekeeper import Timekeeper

STEPS = SECONDS.flatmap(lambda seconds: st.sampled_from([seconds, -seconds])).filter(lambda step: abs(step) >= 1)

FAULTS = st.one_of(
    st.just(("cut",)),
    st.just(("hang",)),
    st.just(("stall_subscriptions",)),
    st.just(("drop",)),
    st.just(("renew",)),
    st.tuples(st.just("stall"), SECONDS, st.booleans()),
    st.tuples(st.just("step"), STEPS | st.sampled_from([3600.0, -3600.0])),
    st.tuples(st.just("rest_fails"), st.booleans()),
    st.tuples(st.just("refuse"), SECONDS),
    st.tuples(st.just("restart"), SECONDS, st.booleans()),
)
WAITS = st.tuples(st.just("wait"), LITTLE | st.sampled_from([4.9, 5.1, 12.0, 40.0, 61.0, 150.0, 400.0, 3700.0]))
SCHEDULES = st.lists(WAITS | FAULTS, max_size=12)


def play(schedule, *, rest, memory=1e9, interval=7.0):
    """Play a schedule, then let the world be well for a while and stop; the world after that."""
    worlds = []

    async def main():
        async with trio.open_nursery() as nursery:
            world = World(rest, memory, interval, nursery)
            worlds.append(world)
            await world.start()
            await world.wait(2)
            for name, *arguments in schedule:
                if name in KEYWORDS:
                    await getattr(world, name)(arguments[0], **{KEYWORDS[name]: arguments[1]})
                else:
                    await getattr(world, name)(*arguments)
            await world.wait(250)
            await world.stop(kill=False)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return worlds[0]


THOROUGH = settings().max_examples >= 1000


@settings(max_examples=1000 if THOROUGH else 20)
@example(schedule=[("hang",), ("step", 3600.0), ("restart", 1.0, False)], rest=False, memory=1e9, interval=7.0)
@example(schedule=[("step", -3600.0), ("restart", 1.0, True)], rest=False, memory=1e9, interval=7.0)
@example(schedule=[("hang",), ("step", -3600.0), ("step", -3600.0)], rest=False, memory=1e9, interval=7.0)
@example(schedule=[("renew",), ("hang",), ("refuse", 1.0), ("wait", 1.0)], rest=False, memory=1e9, interval=0.7)
@given(
    schedule=SCHEDULES,
    rest=st.booleans(),
    memory=st.sampled_from([1e9, 100.0]),
    interval=st.sampled_from([0.7, 7.0]),
)
def test_whatever_was_published_came_or_it_was_reported_where_not(schedule, rest, memory, interval):
    world = play(schedule, rest=rest, memory=memory, interval=interval)
    assert world.missing() == []
    assert world.invented() == []


@pytest.mark.parametrize("rest", [False, True])
def test_a_good_day_has_no_gap_and_everything_comes(rest):
    world = play([("wait", 3700.0), ("renew",), ("wait", 100.0)], rest=rest)
    delivered = {event.id for event in world.journal}
    assert all(str(each.number) in delivered for each in world.log) and len(world.log) > 100
    assert [event.kind for event in world.journal if event.kind == "stream.gap_suspected"] == []


def test_what_a_vendor_without_rest_dropped_lies_in_a_span_that_is_not_verified_and_rest_finds_it():
    dropped = [("wait", 20.0), ("drop",), ("wait", 100.0)]
    without, with_rest = play(dropped, rest=False), play(dropped, rest=True)
    assert without.missing() == [] and any(event.kind == "stream.not_verified" for event in without.journal)
    assert {str(each.number) for each in with_rest.log} <= {event.id for event in with_rest.journal}


def nothing(*arguments, **options):
    return None


@pytest.mark.parametrize(
    ("where", "name", "broken", "schedule", "rest"),
    [
        (Timekeeper, "unsubscribed", nothing, [("drop",)], False),
        (Timekeeper, "heed_clock", nothing, [("stall", 12.0, True)], False),
        (Clock, "take_steps", lambda clock: [], [("refuse", 40.0), ("cut",), ("wait", 12.0), ("step", -3600.0)], False),
        (Continuity, "state", nothing, [("drop",), ("wait", 12.0), ("restart", 12.0, True)], False),
        (Continuity, "suspect", nothing, [("cut",)], False),
        (Continuity, "filled", nothing, [("rest_fails", True), ("wait", 61.0), ("cut",), ("rest_fails", False)], True),
        (WithREST, "tick", lambda protocol, at, passed: (), [("drop",), ("wait", 150.0)], True),
    ],
)
def test_the_law_bites_where_something_is_forgotten(monkeypatch, where, name, broken, schedule, rest):
    assert play(schedule, rest=rest).missing() == []
    monkeypatch.setattr(where, name, broken)
    world = play(schedule, rest=rest)
    assert world.missing() or (rest and world.session.stats.not_verified_seconds > 100)


def test_a_stall_right_before_the_stop_is_a_gap():
    assert (
        play([("drop",), ("stall", 40.0, True), ("rest_fails", True), ("restart", 40.0, False)], rest=True).missing()
        == []
    )


def test_every_fault_is_in_the_schedules():
    methods = {name for name, _ in inspect.getmembers(World, inspect.iscoroutinefunction)}
    known = {"cut", "hang", "stall_subscriptions", "drop", "renew", "stall", "step", "rest_fails", "refuse", "restart"}
    assert known <= methods
