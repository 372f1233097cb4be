"""`jackfield._dashboard.board`, its rows and its tables: what it believes, whatever comes in whatever order."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield._dashboard.board import LINGER, SILENT, Board
from jackfield._dashboard.labels import LONGEST
from jackfield._dashboard.stages import ACTIVITIES, AGENTS, CALLS, CONTACTS, NOTES, QUEUES
from jackfield._dashboard.table import Table
from jackfield.addresses import Address
from jackfield.events import Event, Parties
from jackfield.kinds import KIND_NAMES
from jackfield.reports import FeedState, FeedStateChanged, GapSuspected, NotVerified, TopicConfirmed
from jackfield.testing import strategies

LONG = Parties(caller="x" * 9999, callee="x" * 9999, agent_name="x" * 9999, queue_id="x" * 9999, queue_name="x" * 9999)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def event(kind, id="c1", seconds=0, *, resource=None, correlation="c1", **parties):
    resource = resource or kind.partition(".")[0]
    address = Address("acme", "account", "A", resource, id, "word")
    return Event("e", kind, address, at(seconds), at(seconds), "office", correlation, parties=Parties(**parties))


def board_of(*events, now=0):
    board = Board()
    for each in events:
        board.apply(each, at(now))
    return board


def states(board, table):
    return {key.partition("/")[2]: row.shown()["state"] for key, row in board.tables[table].rows.items()}


def queue(board, id="q1"):
    return board.queues.rows[f"acme/{id}"]


def test_every_kind_that_sets_a_state_exists():
    assert set().union(CALLS, CONTACTS, AGENTS, ACTIVITIES, NOTES, QUEUES) <= KIND_NAMES


# -- calls ---------------------------------------------------------------------------------------------


def test_a_call_goes_through_its_states_and_stays_visible_briefly_after_its_end():
    board, seen = Board(), []
    for second, word in enumerate(["initiated", "alerting", "connected", "clearing", "cleared"]):
        board.apply(event(f"call.{word}", seconds=second), at(second))
        seen.append(states(board, "calls")["c1"])
    assert seen == ["new", "ringing", "connected", "ending", "ended"]
    board.age(at(4 + LINGER - 0.1))
    assert states(board, "calls") == {"c1": "ended"}
    board.age(at(4 + LINGER))
    assert states(board, "calls") == {}


def test_a_call_whose_start_was_missed_is_shown():
    assert states(board_of(event("call.connected")), "calls") == {"c1": "connected"}


def test_a_late_event_does_not_bring_back_a_row_that_is_over():
    board = board_of(event("call.cleared"), event("contact.ended", resource="session"))
    board.age(at(LINGER))
    for kind in ("call.connected", "call.updated", "contact.queued", "contact.connected"):
        board.apply(event(kind), at(LINGER + 1))
    assert states(board, "calls") == states(board, "contacts") == {}


def test_an_event_without_a_state_makes_no_row():
    assert states(board_of(event("call.updated"), event("contact.disposition_started")), "calls") == {}


CALL_STORIES = st.lists(st.tuples(st.sampled_from(sorted(CALLS)), st.integers(0, 5)), min_size=1, max_size=8)


@given(CALL_STORIES, st.randoms(use_true_random=False))
def test_the_order_in_which_a_calls_events_come_does_not_matter(story, chance):
    shuffled = chance.sample(story, len(story))
    ways = [board_of(*(event(kind, seconds=second) for kind, second in each)) for each in (story, shuffled)]
    assert ways[0].calls.rows == ways[1].calls.rows


def test_a_row_without_events_is_removed_after_hours():
    board = board_of(event("call.connected"), event("agent.ready", "a1"))
    board.age(at(SILENT - 1))
    assert states(board, "calls")
    board.age(at(SILENT))
    assert states(board, "calls") == states(board, "agents") == {}


# -- contacts and queues ---------------------------------------------------------------------------------


def test_a_queue_counts_its_waiting_contacts_and_the_longest_wait():
    queued = [
        event("contact.queued", "q1", n, resource="queue", correlation=f"c{n}", queue_name="Sales") for n in (0, 5)
    ]
    board = board_of(*queued)
    assert (queue(board).name, queue(board).waiting, queue(board).oldest) == ("Sales", 2, NOON.timestamp())
    board.apply(event("contact.connected", "q1", 7, resource="queue", correlation="c0"), at(7))
    assert (queue(board).waiting, queue(board).oldest, queue(board).answered) == (1, at(5).timestamp(), 1)
    board.apply(event("contact.abandoned", "q1", 8, resource="queue", correlation="c5"), at(8))
    assert (queue(board).waiting, queue(board).oldest, queue(board).abandoned) == (0, None, 1)


def test_a_contact_that_is_connected_twice_counts_as_answered_once():
    """Some vendors tell it of the queue and of the agent."""
    board = board_of(
        event("contact.queued", "q1", 0, resource="queue"),
        event("contact.connected", "q1", 1, resource="queue"),
        event("contact.connected", "a1", 1, resource="agent", queue_id="q1"),
    )
    assert queue(board).answered == 1


def test_leaving_the_queue_after_being_connected_changes_nothing():
    board = board_of(
        event("contact.queued", "q1", 0, resource="queue"),
        event("contact.connected", "q1", 1, resource="queue"),
        event("contact.dequeued", "q1", 2, resource="queue"),
    )
    assert states(board, "contacts") == {"c1": "with agent"}


def test_leaving_the_queue_for_elsewhere_shows():
    board = board_of(
        event("contact.queued", "q1", 0, resource="queue"), event("contact.dequeued", "q1", 1, resource="queue")
    )
    assert states(board, "contacts") == {"c1": "left the queue"}
    assert queue(board).waiting == 0


def test_an_offer_is_shown_until_it_is_rejected_and_the_contact_still_waits():
    board = board_of(
        event("contact.queued", "q1", 0, resource="queue"), event("offer.created", "a1", 1, resource="agent")
    )
    assert states(board, "contacts") == {"c1": "offered"}
    assert queue(board).waiting == 1
    board.apply(event("offer.rejected", "a1", 2, resource="agent"), at(2))
    assert states(board, "contacts") == {"c1": "waiting"}


def test_an_offer_to_others_that_is_taken_back_leaves_a_connected_contact_alone():
    board = board_of(
        event("offer.created", "a1", 0, resource="agent"),
        event("contact.connected", "a1", 1, resource="agent"),
        event("offer.rescinded", "a2", 2, resource="agent"),
    )
    assert states(board, "contacts") == {"c1": "with agent"}


def test_a_contact_is_over_with_the_last_of_its_calls():
    board = board_of(
        event("call.connected", "leg1", correlation="c1"),
        event("call.connected", "leg2", correlation="c1"),
        event("contact.connected", "q1", resource="queue"),
        event("call.cleared", "leg1", 1, correlation="c1"),
    )
    assert states(board, "contacts") == {"c1": "with agent"}
    board.apply(event("call.cleared", "leg2", 2, correlation="c1"), at(2))
    assert states(board, "contacts") == {"c1": "ended"}


def test_a_contact_takes_its_callers_name_from_its_call():
    call = event("call.connected", caller="+15550000001", caller_name="Ada")
    board = board_of(call, event("contact.queued", "q1", resource="queue"))
    assert board.contacts.rows["acme/c1"].caller == "Ada"


STORIES = st.lists(
    st.tuples(
        st.sampled_from(sorted({*CONTACTS, "contact.dequeued", "offer.created", "offer.rejected", "call.cleared"})),
        st.sampled_from(["c1", "c2", "c3"]),
        st.sampled_from(["q1", "q2"]),
        st.integers(0, 9),
    ),
    max_size=30,
)


@given(STORIES)
def test_the_queues_counts_and_the_contacts_states_always_agree(story):
    board = Board(contacts=Table(2))  # so small that contacts make room for each other
    for now, (kind, contact, where, second) in enumerate(story):
        resource = "call" if kind.startswith("call.") else "queue"
        board.apply(event(kind, where, second, resource=resource, correlation=contact), at(now))
        board.age(at(now))
        for key, row in board.queues.rows.items():
            waiting = [each for each in board.contacts.rows.values() if each.waits and each.queue == key]
            assert row.waiting == len(waiting)
            assert row.oldest == min((each.mark.at for each in waiting), default=None)


# -- agents ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "state"),
    [
        (["agent.logged_on"], "logged on"),
        (["agent.logged_on", "agent.ready"], "ready"),
        (["agent.ready", "offer.created"], "offered"),
        (["agent.ready", "offer.created", "offer.rejected"], "ready"),
        (["agent.ready", "offer.created", "contact.connected"], "busy"),
        (["agent.ready", "contact.connected", "contact.disconnected"], "ready"),
        (["agent.ready", "contact.connected", "contact.disconnected", "agent.wrapup_started"], "wrap-up"),
        (["agent.ready", "agent.wrapup_started", "agent.wrapup_ended"], "ready"),
        (["agent.ready", "agent.external_call_started"], "outside call"),
        (["agent.wrapup_started", "agent.ready"], "ready"),
        (["agent.ready", "agent.queue_paused"], "ready"),
        (["agent.ready", "agent.not_ready"], "away"),
        (["agent.busy", "agent.logged_off"], "logged off"),
        (["agent.snapshot"], "unknown"),
    ],
)
def test_an_agents_state_is_the_latest_one(story, state):
    board = board_of(*(event(kind, "a1", second, resource="agent") for second, kind in enumerate(story)))
    assert states(board, "agents") == {"a1": state}


def test_an_agent_who_is_paused_in_a_queue_has_a_note_until_that_is_over():
    board = board_of(event("agent.ready", "a1"), event("agent.queue_paused", "a1", 1))
    assert board.agents.rows["acme/a1"].shown()["note"] == "paused in a queue"
    board.apply(event("agent.queue_resumed", "a1", 2), at(2))
    assert board.agents.rows["acme/a1"].shown()["note"] == ""


def test_a_time_far_in_the_future_is_not_believed():
    board = board_of(attrs.evolve(event("agent.busy", "a1"), time=at(10**8)))
    board.apply(event("agent.ready", "a1", 100), at(100))
    assert states(board, "agents") == {"a1": "ready"}


def test_a_deleted_agent_is_removed():
    assert states(board_of(event("agent.ready", "a1"), event("agent.deleted", "a1", 1)), "agents") == {}


# -- feeds and notices -------------------------------------------------------------------------------------


def test_reports_set_a_feeds_state_and_gap_and_become_notices():
    board = Board()
    board.apply_report(FeedStateChanged("office", FeedState.RECONNECTING, "the connection was cut", 3.0), at(1))
    board.apply_report(GapSuspected("office", at(0), at(5), "the connection was cut"), at(5))
    board.apply_report(TopicConfirmed("office", "t"), at(6))
    shown = board.feeds.rows["office"].shown()
    assert (shown["state"], shown["reason"]) == ("reconnecting", "the connection was cut")
    assert shown["gap"] == (at(0).timestamp(), at(5).timestamp(), "the connection was cut")
    assert len(board.notices.rows) == 2  # not the one for debugging


def test_a_span_that_nobody_could_verify_becomes_a_notice():
    board = Board()
    board.apply_report(NotVerified("office", at(0), at(5), "nothing came"), at(5))
    (notice,) = board.notices.rows.values()
    assert (notice.level, "not verified" in notice.text, "nothing came" in notice.text) == ("info", True, True)


def test_a_feed_that_stays_down_is_down_since_the_first_failure_and_has_one_notice():
    board = Board()
    board.apply_report(FeedStateChanged("office", FeedState.SUBSCRIBED, "3 topics"), at(0))
    for second in range(1, 30, 3):
        board.apply_report(FeedStateChanged("office", FeedState.DISCONNECTED, "the connection was cut"), at(second))
        board.apply_report(FeedStateChanged("office", FeedState.RECONNECTING, "", 1.0), at(second + 1))
        board.apply_report(FeedStateChanged("office", FeedState.CONNECTING), at(second + 2))
    shown = board.feeds.rows["office"].shown()
    since = at(1).timestamp()
    assert (shown["state"], shown["since"], shown["reason"]) == ("connecting", since, "the connection was cut")
    assert [row.text for row in board.notices.rows.values()][1:] == ["office: disconnected: the connection was cut"]
    board.apply_report(FeedStateChanged("office", FeedState.DISCONNECTED, "the vendor is gone"), at(40))
    board.apply_report(FeedStateChanged("office", FeedState.CONNECTED), at(41))
    shown = board.feeds.rows["office"].shown()
    assert (shown["state"], shown["since"], shown["reason"]) == ("connected", at(41).timestamp(), "")
    assert len(board.notices.rows) == 4
    board.apply_report(FeedStateChanged("office", FeedState.SUBSCRIBED, "3 topics"), at(42))
    board.apply_report(FeedStateChanged("office", FeedState.DISCONNECTED), at(43))
    assert board.feeds.rows["office"].shown()["reason"] == ""


# -- whatever comes ------------------------------------------------------------------------------------------


@given(st.lists(strategies.events(), max_size=20), st.sampled_from(sorted(KIND_NAMES)))
def test_no_event_breaks_it_and_no_text_of_it_is_long(events, kind):
    board = Board()
    for each in events:
        for one in (each, attrs.evolve(each, kind=kind), attrs.evolve(each, kind=kind, parties=LONG)):
            board.apply(one, at(0))
    board.age(at(SILENT))
    for table in board.tables.values():
        for key, row in table.rows.items():
            texts = [value for value in row.shown().values() if isinstance(value, str)]
            assert all(len(text) <= 2 * LONGEST + 1 for text in [key, *texts])


def test_the_number_of_rows_is_bounded_and_what_makes_room_is_counted():
    board = Board(calls=Table(3))
    for number in range(10):
        board.apply(event("call.connected", f"c{number}", number, correlation=None), at(number))
    assert sorted(states(board, "calls")) == ["c7", "c8", "c9"]
    assert board.calls.crowded == 7


def test_rows_that_are_over_are_evicted_first():
    board = Board(calls=Table(2))
    for kind, id in (("call.connected", "old"), ("call.cleared", "over"), ("call.connected", "new")):
        board.apply(event(kind, id, correlation=None), at(0))
    assert sorted(states(board, "calls")) == ["new", "old"]


def test_the_keys_of_rows_that_are_over_are_bounded(monkeypatch):
    monkeypatch.setattr("jackfield._dashboard.board.REMEMBERED", 5)
    board = board_of(*(event("call.cleared", f"c{number}") for number in range(20)))
    assert len(board._over) == 5


# -- tables: a copy that gets the changes is equal, from whichever version it starts ----------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abcde"), st.integers(0, 3)),
        st.tuples(st.just("remove"), st.sampled_from("abcde"), st.just(0)),
        st.tuples(st.just("look"), st.just(""), st.integers(0, 2)),
    ),
    max_size=60,
)


@given(STEPS)
def test_applying_all_changes_yields_the_table(steps):
    table, copies, versions, version = Table(3), [{}, {}, {}], [0, 0, 0], 1
    for step, key, value in [*steps, ("look", "", 0), ("look", "", 1), ("look", "", 2)]:
        if step == "put":
            version += 1
            table.put(version, key, value, until=version)
        elif step == "remove" and key in table.rows:
            version += 1
            table.remove(version, key)
        elif step == "look":
            changes = table.since(versions[value])
            if changes.reset:
                copies[value].clear()
            for gone in changes.gone:
                copies[value].pop(gone, None)
            copies[value] |= dict(changes.rows)
            versions[value] = version
            assert copies[value] == table.rows
            assert not table.since(version) or version <= table._forgotten
    assert len(table.rows) <= 3
    assert len(table._gone) <= 3
