"""`jackfield._dashboard.board`: the rows that follow from the state, the events and the reports."""

from datetime import UTC, datetime, timedelta

import attrs
from followed import Followed
from hypothesis import given
from hypothesis import strategies as st

from jackfield._dashboard.board import LINGER, Board
from jackfield._dashboard.labels import LONGEST
from jackfield._dashboard.table import Table
from jackfield.addresses import Address
from jackfield.events import Event, Parties
from jackfield.kinds import KIND_NAMES
from jackfield.reports import FeedState, FeedStateChanged, GapSuspected, NotVerified, TopicConfirmed
from jackfield.testing import strategies

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG = Parties(**dict.fromkeys(("caller", "callee_name", "agent_id", "queue_id", "queue_name"), "x" * 10 * LONGEST))


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def event(kind, id="c1", seconds=0, *, correlation="c1", data=None, **parties):
    address = Address("acme", "account", "A", kind.partition(".")[0], id, "word")
    parties = Parties(**parties)
    return Event("e", kind, address, at(seconds), at(seconds), "office", correlation, parties=parties, data=data)


def board_of(*events, now=0):
    board = Followed()
    for each in events:
        board.happens(each, at(now))
    return board


def states(board, table):
    return {key.partition("/")[2]: row.shown()["state"] for key, row in board.tables[table].rows.items()}


def test_a_call_goes_through_its_states_and_stays_visible_briefly_after_its_end():
    board, seen = Followed(), []
    for second, word in enumerate(["initiated", "alerting", "connected", "clearing", "cleared"]):
        board.happens(event(f"call.{word}", seconds=second), at(second))
        seen.append(states(board, "calls")["c1"])
    assert seen == ["new", "ringing", "connected", "ending", "ended"]
    board.age(at(4 + LINGER - 0.1))
    assert states(board, "calls") == {"c1": "ended"}
    board.age(at(4 + LINGER))
    assert states(board, "calls") == {}


def test_a_contact_from_the_queue_to_an_agent():
    board = board_of(
        event("contact.queued", queue_id="q1", queue_name="Sales", caller="+49"),
        event("offer.created", "a1", 1, agent_id="a1", agent_name="alice"),
    )
    (contact,) = board.contacts.rows.values()
    assert (contact.state, contact.queue, contact.agent, contact.caller) == ("offered", "Sales", "alice", "+49")
    (queue,) = board.queues.rows.values()
    assert (queue.name, queue.waiting, queue.oldest, queue.answered) == ("Sales", 1, NOON.timestamp(), 0)
    board.happens(event("contact.connected", "a1", 2, agent_id="a1"), at(2))
    assert (states(board, "contacts"), states(board, "agents")) == ({"c1": "with agent"}, {"a1": "busy"})
    (queue,) = board.queues.rows.values()
    assert (queue.waiting, queue.answered) == (0, 1)


def test_a_contact_takes_its_callers_name_from_its_call():
    first = board_of(event("call.connected", caller_name="Ada"), event("contact.queued", "x"))
    second = board_of(event("contact.queued", "x"), event("call.connected", caller_name="Ada"))
    for board in (first, second):
        (contact,) = board.contacts.rows.values()
        assert contact.caller == "Ada"


def test_an_agent_in_a_call_outside_every_queue_and_paused_in_one():
    board = board_of(
        event("agent.external_call_started", "a1", correlation=None),
        event("agent.queue_paused", "a1", 1, correlation=None, queue_id="q1"),
    )
    (agent,) = board.agents.rows.values()
    assert (agent.state, agent.note) == ("outside call", "paused in a queue")


def test_a_snapshot_is_shown_without_what_is_over():
    state = board_of(event("call.cleared", "over"), event("call.connected", "on"), event("agent.ready", "a1")).state
    board = Board()
    board.show(state.snapshot(at(1)), at(1))
    assert states(board, "calls") == {"on": "connected"}
    assert states(board, "agents") == {"a1": "ready"}


def test_what_the_state_forgets_leaves_the_board():
    board = board_of(event("agent.ready", "a1", correlation=None))
    board.happens(event("agent.deleted", "a1", 1, correlation=None), at(1))
    assert states(board, "agents") == {}


def test_todays_figures_begin_anew_with_the_day():
    board = board_of(event("contact.queued", correlation="x"), event("contact.connected", "a1", 5, correlation="x"))
    board.happens(event("contact.queued", correlation="y"), NOON)
    board.happens(event("contact.abandoned", seconds=60, correlation="y"), at(60))
    today = board.today()
    assert (today["service_level"], today["abandoned_share"], today["mean_wait"]) == (0.5, 0.5, 5.0)
    board.change([], at(13 * 3600), NOON.date() + timedelta(days=1))
    assert (board.today()["answered"], board.today()["service_level"]) == (0, None)


def test_an_event_without_a_state_makes_no_row():
    assert states(board_of(event("call.updated"), event("contact.disposition_started")), "calls") == {}


def test_a_feed_that_is_down_says_since_when_its_rows_are_stale():
    board = Followed()
    board.change_feed("office", NOON, state="subscribed")
    board.happens(event("stream.subscribed", data={"topics": ["t"]}), NOON)
    assert board.feeds.rows["office"].stale is None
    board.happens(event("stream.disconnected", seconds=5, data={"since": at(3).isoformat()}), at(5))
    assert board.feeds.rows["office"].stale == at(3).timestamp()
    gap = {"since": at(3).isoformat(), "until": at(9).isoformat()}
    board.happens(event("stream.gap_suspected", seconds=9, data=gap), at(9))
    assert board.feeds.rows["office"].doubt == at(9).timestamp()


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
    board = Followed()
    for each in events:
        for one in (each, attrs.evolve(each, kind=kind), attrs.evolve(each, kind=kind, parties=LONG)):
            board.happens(one, at(0))
    board.age(at(LINGER))
    for table in board.tables.values():
        for key, row in table.rows.items():
            texts = [value for value in row.shown().values() if isinstance(value, str)]
            assert all(len(text) <= 2 * LONGEST + 1 for text in [key, *texts])


def test_the_number_of_rows_is_bounded_and_what_makes_room_is_counted():
    board = Followed(calls=Table(3))
    for number in range(10):
        board.happens(event("call.connected", f"c{number}", number, correlation=None), at(number))
    assert sorted(states(board, "calls")) == ["c7", "c8", "c9"]
    assert board.calls.crowded == 7


def test_rows_that_are_over_are_evicted_first():
    board = Followed(calls=Table(2))
    for kind, id in (("call.connected", "old"), ("call.cleared", "over"), ("call.connected", "new")):
        board.happens(event(kind, id, correlation=None), at(0))
    assert sorted(states(board, "calls")) == ["new", "old"]


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
