"""`jackfield._dashboard.updates` and its tail: each viewer gets what is new to it, and no secret."""

import json
from datetime import UTC, datetime

from followed import Followed
from hypothesis import given
from hypothesis import strategies as st

from jackfield._dashboard.tail import KEPT, Tail
from jackfield._dashboard.updates import MOST_EVENTS, View
from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret
from jackfield.selectors import EVERYTHING, Selector
from jackfield.testing import strategies

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(kind, id="c1", **data):
    address = Address("acme", "account", "A", kind.partition(".")[0], id, "word")
    return Event("e", kind, address, NOON, NOON, "office", id, data=data)


def update(view, board, redact=str, figures=None):
    text = view.next(board, figures or {}, 0.0, redact)
    return None if text is None else json.loads(text)


def keys(table):
    return [row["key"] for row in table["rows"]]


def test_the_first_update_holds_everything_and_the_next_what_changed_since():
    board, view = Followed(), View(EVERYTHING)
    board.happens(event("call.connected", "c1"), NOON)
    first = update(view, board)
    assert first["first"]
    assert keys(first["tables"]["calls"]) == ["acme/c1"]
    assert all(table["reset"] for table in first["tables"].values())
    assert update(view, board) is None
    board.happens(event("call.connected", "c2"), NOON)
    second = update(view, board)
    assert not second["first"]
    assert keys(second["tables"]["calls"]) == ["acme/c2"]
    assert [line["address"] for line in second["events"]] == [["acme", "account", "A", "call", "c2", "word"]]


def test_figures_alone_are_news_when_they_change():
    board, view = Followed(), View(EVERYTHING)
    update(view, board, figures={"rate": 1})
    assert update(view, board, figures={"rate": 1}) is None
    assert update(view, board, figures={"rate": 2})["figures"] == {"rate": 2}


def test_a_viewer_sees_what_its_selector_matches_of_the_past_too_and_the_tables_whole():
    board, view = Followed(), View(Selector.parse("agent.*"))
    board.happens(event("call.connected"), NOON)
    board.happens(event("agent.ready", "a1"), NOON)
    first = update(view, board)
    assert [line["kind"] for line in first["events"]] == ["agent.ready"]
    assert first["hidden"] == 0
    assert keys(first["tables"]["calls"]) == ["acme/c1"]


def test_a_burst_is_cut_and_what_is_left_out_is_counted():
    board, view = Followed(), View(EVERYTHING)
    update(view, board)
    for number in range(MOST_EVENTS + 7):
        board.happens(event("call.connected", f"c{number}"), NOON)
    burst = update(view, board)
    assert len(burst["events"]) == MOST_EVENTS
    assert burst["hidden"] == 7
    assert burst["events"][-1]["key"] == MOST_EVENTS + 7  # the newest are shown


def test_the_tail_is_bounded_and_events_that_left_it_count_as_hidden():
    tail = Tail()
    for number in range(KEPT + 10):
        tail.add(event("call.connected", f"c{number}"))
    news = tail.news(Selector.parse("agent.*"), 4, 5)
    assert (news.rows, news.hidden) == ([], 6)
    assert len(tail._ring) == KEPT
    assert not any(hasattr(line, "data") or hasattr(line, "raw") for line in tail._ring)


@given(st.lists(st.tuples(strategies.events(), st.booleans()), max_size=30), strategies.selectors(), st.integers(1, 5))
def test_each_matching_event_is_shown_or_counted_and_no_other_is_shown(story, selector, most):
    tail, after, shown, hidden = Tail(), 0, [], 0
    for each, look in [*story, (None, True)]:
        if each is not None:
            tail.add(each)
        if look:
            news = tail.news(selector, after, most)
            assert len(news.rows) <= most
            shown += [row.serial for row in news.rows]
            hidden += news.hidden
            after = tail.last
    matching = [number for number, (each, _) in enumerate(story, 1) if selector.matches(each)]
    assert len(shown) + hidden == len(matching)
    assert set(shown) <= set(matching)
    assert shown == sorted(shown)


def hiding(*texts):
    return Redactor.of(Secret("text", text) for text in texts)


SECRET = "eyJhbGciOi.s3cret/" + "x" * 300


def test_no_secret_leaves_not_even_a_part_of_one_that_was_shortened():
    board, view = Followed(), View(EVERYTHING)
    board.happens(event("agent.ready", "a1", name="bearer " + SECRET), NOON)
    board.happens(event("call.connected", SECRET, source={"target": SECRET}), NOON)
    address = Address("acme", "account", "hunter2", "call", "hunter2", "word")
    connected = Event("e", "call.connected", address, NOON, NOON, "office", "hunter2", data={"from": "hunter2"})
    board.happens(connected, NOON)
    board.change_feed("office", NOON, reason="refused: hunter2")
    text = view.next(board, {}, 0.0, hiding(SECRET, "hunter2")).decode()
    assert "hunter2" not in text
    assert SECRET[:8] not in text
    assert "***" in text


@given(strategies.events(), st.text(min_size=1, max_size=3))
def test_an_update_is_json_on_one_line_whatever_the_secrets_and_the_events_are(each, secret):
    board, view = Followed(), View(EVERYTHING)
    board.happens(each, NOON)
    text = view.next(board, {}, 0.0, hiding(secret))
    assert b"\n" not in text
    assert b"\r" not in text
    assert json.loads(text)["first"]
