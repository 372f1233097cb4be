"""The reducer: what it makes of single events, and what it forgets."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest

from jackfield.events import Parties
from jackfield.state import Feed, State, Totals
from jackfield.state.sync import Listed, Sync, sync_facts

ANSWERED = (
    ("contact.created", 0, {"caller": "+491234", "direction": "inbound"}),
    ("contact.queued", 1, {"queue_id": "q1", "queue_name": "Sales"}),
    ("offer.created", 5, {"agent_id": "a1", "agent_name": "alice"}),
    ("contact.routed", 9, {"agent_id": "a1"}),
    ("contact.connected", 9, {"agent_id": "a1"}),
    ("contact.dequeued", 9, {"queue_id": "q1"}),
    ("contact.disconnected", 69, {"agent_id": "a1"}),
    ("contact.ended", 69, {"cause": "normal"}),
)


def after(happened, *lives, state=None, **more):
    state = state or State()
    for kind, second, parties in lives:
        state.apply(happened(kind, second, **more, **parties))
    return state


def test_an_answered_contact(happened, at):
    state = after(happened, *ANSWERED[:3])
    contact = state.get(("contact", "acme/c1"))
    assert (contact.state, contact.since, contact.caller, contact.queue) == ("offered", at(5), "+491234", "acme/q1")
    assert contact.waits
    assert state.get(("agent", "acme/a1")).state == "reserved"
    assert state.get(("queue", "acme/q1")).waiting == 1
    after(happened, *ANSWERED[3:6], state=state)
    assert state.get(("contact", "acme/c1")).state == "connected"
    agent = state.get(("agent", "acme/a1"))
    assert (agent.name, agent.state, agent.contact) == ("alice", "busy", "acme/c1")
    assert state.get(("queue", "acme/q1")).waiting == 0
    after(happened, *ANSWERED[6:], state=state)
    contact = state.get(("contact", "acme/c1"))
    assert (contact.state, contact.over, contact.cause) == ("ended", True, "normal")
    assert state.get(("agent", "acme/a1")).contact == ""
    snapshot = state.snapshot(at(100))
    totals = Totals(1, 1, 1, 0, 1, 8_000, 60_000, 1)
    assert snapshot.totals == {"": totals, "acme/q1": totals, "acme/a1": totals}
    assert (totals.service_level, totals.abandoned_share, totals.mean_wait, totals.mean_handling) == (1.0, 0.0, 8, 60)


def test_what_changed_is_returned(happened):
    state = State()
    refs = state.apply(happened("contact.queued", queue_id="q1"))
    assert set(refs) == {("contact", "acme/c1"), ("queue", "acme/q1"), ("totals", ""), ("totals", "acme/q1")}
    assert state.apply(happened("message.received")) == []


def test_copies_change_nothing(happened, at):
    once, twice = after(happened, *ANSWERED), after(happened, *(each for each in ANSWERED for _ in range(2)))
    assert once.snapshot(at(100)) == twice.snapshot(at(100))


def test_an_abandoned_contact_counts_once(happened, at):
    state = after(happened, ("contact.queued", 0, {}), ("contact.abandoned", 30, {}), ("contact.ended", 30, {}))
    totals = state.snapshot(at(60)).totals[""]
    assert (totals.queued, totals.answered, totals.abandoned, totals.ended) == (1, 0, 1, 1)
    assert totals.abandoned_share == 1.0


def test_a_late_answer_misses_the_service_level(happened, at):
    state = after(happened, ("contact.queued", 0, {}), ("contact.connected", 21, {}))
    assert state.snapshot(at(60)).totals[""].service_level == 0.0


def test_today_begins_at_the_zones_midnight(happened, at):
    state = State(ZoneInfo("Pacific/Auckland"))  # where 09:00 UTC is ten in the evening
    after(happened, ("contact.queued", 0, {}), state=state, id="c1")
    after(happened, ("contact.queued", 3 * 3600, {}), state=state, id="c2")
    assert state.snapshot(at(3600)).totals[""].queued == 1
    assert state.snapshot(at(3 * 3600)).totals[""].queued == 1
    assert state.snapshot(at(27 * 3600)).totals == {}


def test_totals_are_by_hour_too_in_the_zone_of_the_day(happened, at):
    state = State(ZoneInfo("Asia/Kolkata"))  # half an hour beside UTC: 09:00 is 14:30
    after(happened, ("contact.queued", 0, {"queue_id": "q1"}), state=state, id="c1")
    answered = ("contact.connected", 1900, {"agent_id": "a1"})
    after(happened, ("contact.queued", 1790, {"queue_id": "q1"}), answered, state=state, id="c2")
    after(happened, ("contact.queued", 1800, {}), state=state, id="c3")
    snapshot = state.snapshot(at(4000))
    assert {hour: {key: each.queued for key, each in sums.items()} for hour, sums in snapshot.hours.items()} == {
        at(-1800): {"": 2, "acme/q1": 2},
        at(1800): {"": 1},
    }
    assert snapshot.hours[at(-1800)]["acme/q1"].answered == 1
    assert (snapshot.totals[""].queued, snapshot.totals["acme/a1"].answered) == (3, 1)
    assert state.snapshot(at(24 * 3600)).hours == {}


def test_a_day_in_which_the_clocks_change_has_all_its_hours(happened, at):
    state = State(ZoneInfo("Europe/Berlin"))
    night = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight before the day of 25 hours
    for hour in range(-1, 26):
        second = (night - at(0)).total_seconds() + hour * 3600
        after(happened, ("contact.queued", second, {}), state=state, id=f"c{hour}")
    snapshot = state.snapshot(night + timedelta(hours=5))
    assert len(snapshot.hours) == snapshot.totals[""].queued == 25


def test_an_agents_reason_is_that_of_the_state_and_goes_with_it(happened):
    lunch = ("agent.not_ready", 5, {"agent_reason": "lunch"})
    state = after(happened, ("agent.ready", 0, {}), lunch, id="a1")
    agent = state.get(("agent", "acme/a1"))
    assert (agent.state, agent.reason) == ("not_ready", "lunch")
    after(happened, ("agent.not_ready", 5, {}), state=state, id="a1")  # a copy that does not say it takes nothing away
    assert state.get(("agent", "acme/a1")).reason == "lunch"
    after(happened, ("contact.connected", 8, {"agent_id": "a1"}), state=state)
    assert state.get(("agent", "acme/a1")).reason == ""
    after(happened, ("contact.disconnected", 9, {"agent_id": "a1"}), state=state)
    assert state.get(("agent", "acme/a1")).reason == "lunch"
    after(happened, ("agent.ready", 20, {}), state=state, id="a1")
    assert state.get(("agent", "acme/a1")).reason == ""


def test_a_contact_is_on_hold_while_one_of_its_calls_is(happened, at):
    state = after(happened, *ANSWERED[:6])
    after(happened, ("call.connected", 9, {}), state=state, id="x", correlation="c1")
    assert state.get(("contact", "acme/c1")).held_since is None
    refs = state.apply(happened("call.held", 20, "x", correlation="c1"))
    assert ("contact", "acme/c1") in refs
    assert (state.get(("contact", "acme/c1")).held_since, state.get(("contact", "acme/c1")).state) == (
        at(20),
        "connected",
    )
    assert ("contact", "acme/c1") in state.apply(happened("call.retrieved", 30, "x", correlation="c1"))
    assert state.get(("contact", "acme/c1")).held_since is None


def test_the_name_in_a_vendors_list_outweighs_that_in_an_event(happened, at):
    state = after(happened, ("agent.ready", 0, {"agent_name": "alice@example.com"}), id="a1")
    listed = Sync((Listed("agent.ready", "a1", parties=Parties(agent_id="a1", agent_name="Alice")),), frozenset())
    for facts in sync_facts(listed, at(10)):
        state.apply(happened("stream.synced", 10, data=facts))
    after(happened, ("agent.ready", 20, {"agent_name": "alice@example.com"}), state=state, id="a1")
    assert state.get(("agent", "acme/a1")).name == "Alice"


def test_a_contact_ends_with_the_last_of_its_calls(happened, at):
    state = after(happened, ("contact.queued", 1, {}), ("contact.connected", 5, {}), id="x")
    for second, kind, id in ((0, "call.initiated", "l1"), (3, "call.connected", "l2"), (9, "call.cleared", "l1")):
        state.apply(happened(kind, second, id, correlation="x"))
    assert state.get(("contact", "acme/x")).state == "connected"
    state.apply(happened("call.cleared", 12, "l2", correlation="x"))
    contact = state.get(("contact", "acme/x"))
    assert (contact.state, contact.since, contact.over) == ("ended", at(12), True)
    assert state.get(("call", "acme/l2")).contact == "acme/x"


def test_an_agent_returns_to_what_was_chosen(happened):
    state = State()
    for second, kind in enumerate(("agent.ready", "offer.created", "contact.connected", "agent.not_ready")):
        state.apply(happened(kind, second, "a1", agent_id="a1"))
    assert state.get(("agent", "acme/a1")).state == "not_ready"
    for second, kind in enumerate(("agent.wrapup_started", "agent.wrapup_ended"), 10):
        state.apply(happened(kind, second, "a1"))
    assert state.get(("agent", "acme/a1")).state == "not_ready"


def test_an_agent_in_a_call_outside_every_queue(happened):
    state = State()
    state.apply(happened("agent.ready", 0, "a1"))
    state.apply(happened("agent.external_call_started", 1, "a1"))
    agent = state.get(("agent", "acme/a1"))
    assert (agent.state, agent.external) == ("busy", True)
    state.apply(happened("agent.queue_paused", 2, "a1", queue_id="q1"))
    state.apply(happened("agent.external_call_ended", 3, "a1"))
    agent = state.get(("agent", "acme/a1"))
    assert (agent.state, agent.external, agent.paused) == ("ready", False, ("acme/q1",))


def test_an_absurd_time_does_not_outweigh_later_events(happened, at):
    state = State()
    state.apply(happened("agent.ready", 10**8, "a1", received=at(0)))
    state.apply(happened("agent.not_ready", 100, "a1"))
    assert state.get(("agent", "acme/a1")).state == "not_ready"


def test_it_is_bounded_and_counts_what_it_forgets(happened, at):
    state = State(most=100)
    for number in range(300):
        state.apply(happened("contact.queued", number, f"c{number}", queue_id="q1"))
    snapshot = state.snapshot(at(300))
    assert len(snapshot.contacts) <= 164
    assert snapshot.forgotten == 300 - len(snapshot.contacts)
    assert snapshot.queues["acme/q1"].waiting == len(snapshot.contacts)
    assert snapshot.totals[""].queued == 300
    state.apply(happened("contact.connected", 301, "c0"))  # late, of one that is forgotten
    assert state.get(("contact", "acme/c0")) is None


def test_what_ended_makes_room_first(happened):
    state = State(most=100)
    for number in range(50):
        state.apply(happened("contact.queued", 0, f"waits{number}"))
    for number in range(200):
        state.apply(happened("contact.ended", 1 + number, f"over{number}"))
    assert state.tables.forgotten == 0
    assert all(state.get(("contact", f"acme/waits{number}")) for number in range(50))


def test_what_ended_is_forgotten_after_a_while(happened):
    state = after(happened, ("contact.ended", 0, {}), id="old")
    for number in range(64):
        state.apply(happened("contact.queued", 700, f"c{number}"))
    assert state.get(("contact", "acme/old")) is None
    assert state.tables.forgotten == 0


STREAM = {"topics": ["t"]}


def test_a_feed_that_is_down_makes_its_things_stale(happened, at):
    state = State()
    state.apply(happened("stream.subscribed", 0, data=STREAM))
    after(happened, ("contact.queued", 1, {}), state=state)
    snapshot = state.snapshot(at(2))
    assert snapshot.certainty(snapshot.contacts["acme/c1"]) == "live"
    assert snapshot.live
    state.apply(happened("stream.disconnected", 9, data={"since": at(7).isoformat()}))
    snapshot = state.snapshot(at(10))
    assert snapshot.certainty(snapshot.contacts["acme/c1"]) == "stale"
    assert snapshot.feeds["office"] == Feed("office", "acme", live=False, since=at(9), stale_since=at(7))
    assert not snapshot.live


def test_after_a_gap_a_thing_is_unconfirmed_until_an_event_comes(happened, at):
    state = State()
    state.apply(happened("stream.subscribed", 0, data=STREAM))
    after(happened, ("contact.queued", 1, {}), ("contact.ended", 1, {}), state=state, id="over")
    after(happened, ("contact.queued", 1, {}), state=state)
    gap = {"since": at(2).isoformat(), "until": at(5).isoformat()}
    state.apply(happened("stream.gap_suspected", 5, data=gap))
    snapshot = state.snapshot(at(6))
    assert snapshot.certainty(snapshot.contacts["acme/c1"]) == "unconfirmed"
    assert snapshot.certainty(snapshot.contacts["acme/over"]) == "live"
    after(happened, ("offer.created", 8, {}), state=state)
    snapshot = state.snapshot(at(9))
    assert snapshot.certainty(snapshot.contacts["acme/c1"]) == "live"


def synced(happened, at, second, *listed, complete=()):
    (facts,) = sync_facts(Sync(listed, frozenset(complete)), at(second))
    return happened("stream.synced", second + 1, data=facts)


def test_a_vendors_list_fills_what_no_event_has_said(happened, at):
    state = State()
    state.apply(happened("stream.subscribed", 0, data=STREAM))
    assert state.snapshot(at(1)).feeds["office"].complete == ()
    state.apply(
        synced(
            happened,
            at,
            10,
            Listed("agent.ready", "a1"),
            Listed("agent.busy", "a2", "c9"),
            Listed("call.connected", "l1", "c9"),
            complete=["agent", "call"],
        )
    )
    snapshot = state.snapshot(at(20))
    assert {each.id: (each.state, each.contact) for each in snapshot.agents.values()} == {
        "a1": ("ready", ""),
        "a2": ("busy", "acme/c9"),
    }
    assert snapshot.calls["acme/l1"].state == "connected"
    assert snapshot.feeds["office"].complete == ("agent", "call")
    state.apply(happened("agent.not_ready", 12, "a1"))
    assert state.get(("agent", "acme/a1")).state == "not_ready"


def test_a_list_does_not_take_back_what_came_later(happened, at):
    state = State()
    state.apply(happened("agent.not_ready", 12, "a1"))
    state.apply(synced(happened, at, 10, Listed("agent.ready", "a1"), complete=["agent"]))
    assert state.get(("agent", "acme/a1")).state == "not_ready"


def test_a_list_keeps_since_when_it_is_so(happened, at):
    state = State()
    state.apply(happened("agent.ready", 2, "a1"))
    state.apply(synced(happened, at, 10, Listed("agent.ready", "a1"), complete=["agent"]))
    assert state.get(("agent", "acme/a1")).since == at(2)


def test_what_a_whole_list_does_not_have_is_over(happened, at):
    state = State()
    state.apply(happened("call.connected", 0, "gone"))
    state.apply(happened("call.connected", 0, "there"))
    state.apply(happened("call.initiated", 18, "young"))
    after(happened, ("contact.queued", 0, {}), state=state)
    state.apply(synced(happened, at, 20, Listed("call.connected", "there"), complete=["call"]))
    snapshot = state.snapshot(at(30))
    assert {each.id for each in snapshot.calls.values() if not each.over} == {"there", "young"}
    assert snapshot.contacts["acme/c1"].state == "queued"  # of contacts nothing was said
    state.apply(synced(happened, at, 40, complete=["contact"]))
    assert state.get(("contact", "acme/c1")).over


@pytest.mark.parametrize("data", [None, {}, {"as_of": "never"}, {"as_of": "2026-11-26T09:00:00Z", "listed": 3}])
def test_a_list_that_is_none_is_left_alone(happened, data):
    state = State()
    assert state.apply(happened("stream.synced", 0, data=data)) == [("feed", "office")]


def test_what_a_backfill_said_is_no_newer_than_the_lists(happened, at):
    state = after(happened, ("contact.queued", 0, {}))
    state.apply(attrs.evolve(happened("contact.dequeued", 9), origin="backfill"))
    state.apply(synced(happened, at, 10, complete=["contact"]))  # which a vendor's own event might be ahead of
    assert state.get(("contact", "acme/c1")).over


@pytest.mark.parametrize(("kind", "over"), [("contact.dequeued", True), ("contact.connected", False)])
def test_what_a_list_has_ended_goes_on_if_something_shows_it(happened, at, kind, over):
    state = after(happened, ("contact.queued", 0, {}))
    state.apply(synced(happened, at, 10, complete=["contact"]))
    assert state.get(("contact", "acme/c1")).over
    state.apply(attrs.evolve(happened(kind, 12), origin="backfill"))
    assert state.get(("contact", "acme/c1")).over == over


def test_a_large_list_goes_in_pieces(at):
    sync = Sync(tuple(Listed("agent.ready", str(number)) for number in range(1201)), frozenset({"agent"}))
    pieces = list(sync_facts(sync, at(0)))
    assert [len(each.get("listed", ())) for each in pieces] == [500, 500, 201]
    assert [each.get("complete", ()) for each in pieces] == [(), (), ["agent"]] or pieces[2]["complete"]


def test_a_deleted_agent_is_gone(happened):
    state = State()
    state.apply(happened("agent.ready", 0, "a1"))
    state.apply(happened("agent.deleted", 1, "a1"))
    state.apply(happened("agent.ready", 0, "a1"))
    assert state.get(("agent", "acme/a1")) is None


def test_a_call_that_is_queued_a_second_time_is_back(happened):
    state = after(happened, ("contact.created", 0, {}), ("contact.ended", 1, {}))
    for number in range(64):
        state.apply(happened("contact.queued", 700, f"c{number}x"))
    assert state.get(("contact", "acme/c1")) is None
    after(happened, ("contact.created", 800, {}), ("contact.queued", 801, {}), state=state)
    assert state.get(("contact", "acme/c1")).state == "queued"


def test_an_agent_is_known_by_its_events_alone(happened, at):
    state = State()
    state.apply(happened("contact.connected", 3, agent_id="a7", agent_name="zoe"))
    agent = state.get(("agent", "acme/a7"))
    assert (agent.name, agent.state, agent.since) == ("zoe", "busy", at(3))
    assert timedelta(0) <= at(4) - agent.since


def naive(event):
    return attrs.evolve(event, time=event.time.replace(tzinfo=None), received=event.received.replace(tzinfo=None))


def test_a_programs_own_events_may_have_times_without_a_zone(happened, at):
    gap = {"since": "2026-11-26T09:00:00", "until": "2026-11-26T09:00:02"}
    state = State()
    for event in (
        happened("stream.subscribed", 0, data=STREAM),
        happened("contact.queued", 1),
        happened("stream.gap_suspected", 3, data=gap),
        happened("stream.synced", 4, data={"as_of": "2026-11-26T09:00:00"}),
        happened("agent.ready", 5, "a1"),
    ):
        state.apply(naive(event))
        state.apply(event)
    snapshot = state.snapshot(at(6))
    assert snapshot.contacts["acme/c1"].since == at(1)
    assert snapshot.feeds["office"].gap_until == at(2)
