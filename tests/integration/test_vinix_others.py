"""Vinix among other clients of the same server, whose unsubscribing stalls everybody's subscriptions."""

from datetime import datetime, timedelta

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from memory_network import MemoryNetwork
from profiles import is_thorough
from vinix_stage import facts, make_stage

# An hour with four renewals; the ordinary run has a third of it, with as many.
SPAN = 3600 if is_thorough() else 1200


def spans_of(place):
    """Every span of time in which events may be missing, as the feed has stated it."""
    stated = [*facts(place, "gap_suspected"), *facts(place, "not_verified")]
    return [tuple(datetime.fromisoformat(each.data[end]) for end in ("since", "until")) for each in stated]


def unaccounted(place, since, until):
    """What happened between two moments, did not come, and lies in no span that was stated."""
    came = {event.data.get("msg_id") for event in place.events if event.origin == "live"}
    spans = spans_of(place)
    return [
        (at, event.data["event_category"], event.data["event_name"])
        for at, event in place.vendor.happened
        if since < at < until and event.data["msg_id"] not in came
        if not any(first <= at <= last for first, last in spans)
    ]


def hour(generation, naming, schedule, rate=0.5, seconds=3600, **options):
    """An hour of virtual time in which other clients do as the schedule says; what was not accounted for."""

    async def main():
        async with trio.open_nursery() as nursery:
            place = make_stage(
                MemoryNetwork(nursery),
                nursery,
                {"renew_seconds": 900.0} | options,
                every=1 / rate,
                generation=generation,
                naming=naming,
            )
            await trio.sleep(60)
            since, began = place.now(), trio.current_time()
            for pause, what in schedule:
                await trio.sleep(pause)
                if what == "restart":
                    place.simulator.bus.forget()
                elif what.startswith("+"):  # and subscribes again
                    place.simulator.bus.add(what[1:])
                else:
                    place.simulator.unsubscribe_elsewhere(*([what] if what != "all" else ()))
            await trio.sleep(max(0.0, seconds - (trio.current_time() - began)))
            until = place.now()
            await trio.sleep(seconds / 3)  # until the next renewal has stated what is not known of the end
            place.session.stop()
            await trio.sleep(60)
            lost = unaccounted(place, since, until)
            nursery.cancel_scope.cancel()
        return place, lost

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


# Four spans at most at once: at the start, after ten minutes, half an hour, seventy minutes, and at the stop.
MOST_STATED = 20
OTHERS = st.lists(
    st.tuples(st.floats(0, SPAN / 9), st.sampled_from(["all", "restart", "queue", "recipient", "session", "+session"])),
    max_size=12,
)


@pytest.mark.parametrize(
    ("generation", "naming"),
    [
        (4, "kazoo"),
        (5, "kazoo"),
        pytest.param(4, "documented", marks=pytest.mark.thorough),
        pytest.param(5, "documented", marks=pytest.mark.thorough),
    ],
)
@settings(
    max_examples=30 if is_thorough() else 2,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(schedule=OTHERS)
def test_whatever_other_clients_unsubscribe_no_event_is_lost_unless_it_is_stated(generation, naming, schedule):
    place, lost = hour(generation, naming, schedule, seconds=SPAN, renew_seconds=SPAN / 4)
    assert lost == []
    assert len(facts(place, "not_verified")) <= MOST_STATED


def test_what_is_lost_while_another_client_is_away_for_some_seconds_is_stated_where_no_counter_shows_it():
    place, lost = hour(4, "kazoo", [(30, "session"), (12, "+session")] * 4, rate=2, seconds=240)
    came = {event.data.get("msg_id") for event in place.events if event.origin == "live"}
    missing = [event for at, event in place.vendor.happened if event.data["msg_id"] not in came]
    assert any(event.data["event_category"] == "qubicle-session" for event in missing)
    assert lost == []
    assert len(facts(place, "not_verified")) <= MOST_STATED


@pytest.mark.parametrize("generation", [4, 5])
def test_a_stalled_family_is_served_again_before_long(generation):
    schedule = [(30, "restart"), (300, "session"), (0, "session"), (0, "session")]
    place, lost = hour(generation, "kazoo", schedule, seconds=SPAN, renew_seconds=SPAN / 4)
    assert lost == []
    last = {event.address.resource: event.received for event in place.events if event.origin == "live"}
    assert last.keys() >= {"queue", "recipient", "session"}
    assert all(max(last.values()) - last[family] < timedelta(minutes=3) for family in ("queue", "recipient", "session"))


@pytest.mark.parametrize("barren", ["", "documented", "short"])
@pytest.mark.parametrize("generation", [4, 5])
def test_the_first_event_comes_within_five_seconds_of_a_first_start(generation, barren):
    async def main():
        async with trio.open_nursery() as nursery:
            place = make_stage(
                MemoryNetwork(nursery), nursery, every=0.5, generation=generation, naming="kazoo", barren=barren
            )
            await trio.sleep(5)
            assert [event for event in place.events if event.origin == "live" and "stream." not in event.kind]
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
