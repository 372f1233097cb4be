"""The board of calls among the examples: a process between simulated vendors, in a terminal and a pipe; its model."""

import importlib
import re
import signal
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import attrs
import pytest

from jackfield._feed.stream_events import stream_event
from jackfield.addresses import Address, Source
from jackfield.events import Event, Parties

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def dashboard(example):
    """Start the program."""
    return partial(example, "call_dashboard.py")


async def test_calls_contacts_and_agents_of_both_vendors_are_followed_to_their_end(dashboard):
    running = await dashboard("--demo", "--plain", "--rate", "300")
    await running.shows(
        r"voipbin +online$",
        r"vinix +online$",
        r"voipbin +ringing +0:00  .*\+1555\d+",
        r"voipbin +talking +0:00  .*\+1555\d+ +[0-9a-f]{8} +(alice|bob|carol)$",
        r"vinix +waiting +0:00  .*\+1555\d+ +(Sales|Support)$",
        r"vinix +talking +0:00  .*\+1555\d+ +(Sales|Support) +(alice|bob|carol)$",
        r"voipbin +over +0:00  .*\+1555\d+",
        r"vinix +over +0:00  .*\+1555\d+",
        r"vinix +wrap-up +0:00  (alice|bob|carol)$",
    )
    assert await running.interrupted() == 0
    assert re.findall(r"(?m)^(?!(?:\d\d:\d\d:\d\d| {8})  (?:voipbin|vinix) ).+", running.text) == []


async def test_in_a_terminal_the_whole_board_is_drawn_anew(dashboard):
    running = await dashboard("--demo", "--rate", "20", terminal=True)
    await running.shows(r"vinix: online  voipbin: online", r"\d CALLS AND CONTACTS", r"6 AGENTS")
    assert await running.interrupted() == 0
    assert running.text.count("\x1b[H\x1b[J") >= 2
    assert running.text.rstrip().endswith("\x1b[?25h")


async def test_a_vendor_that_is_gone_is_shown_as_offline(dashboard, simulate, folder):
    _, voipbin = await simulate("voipbin")
    server, vinix = await simulate("vinix")
    folder.configure(voipbin, vinix)
    running = await dashboard("gateway.toml", "--plain")
    await running.shows(r"support +online", r"office +online")
    await server.stop(signal.SIGKILL)
    await running.shows(r"support +offline")


AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def board(monkeypatch):
    """The model."""
    monkeypatch.syspath_prepend(EXAMPLES)
    before = set(sys.modules)
    yield importlib.import_module("call_dashboard").Board()
    for name in set(sys.modules) - before:
        sys.modules.pop(name)


def event(kind, seconds=0, resource="session", id="s", correlation="c", **parties):
    at = AT + timedelta(seconds=seconds)
    return Event(
        "",
        kind,
        Address("acme", "account", "A", resource, id, "x"),
        at,
        at,
        "f",
        correlation,
        parties=Parties(**parties),
    )


def fact(word, **data):
    return stream_event(Source("acme", "account", "A"), "f", word, AT, **data)


def shown(board, seconds=0):
    return [re.sub(r" +", " ", line).strip() for line in board.lines(AT + timedelta(seconds=seconds))]


def test_a_contact_waits_talks_and_goes_with_its_call(board):
    board.apply(fact("subscribed", topics=["t"]))
    board.apply(event("call.initiated", resource="call", id="k", caller_name="Ada\x1b[2J", caller="+1"))
    board.apply(event("contact.queued", 10, queue_id="q1", queue_name="Sales"))
    assert shown(board, 75) == ["f: online", "1 CALLS AND CONTACTS", "f waiting 1:05 Ada?[2J +1 Sales", "0 AGENTS"]
    board.apply(event("agent.busy", 80, "agent", "a1", None, agent_id="a1", agent_name="eve"))
    board.apply(event("contact.connected", 80, agent_id="a1", queue_id="q1"))
    assert shown(board, 81)[2:] == ["f talking 0:01 Ada?[2J +1 Sales eve", "1 AGENTS", "f talking 0:01 eve"]
    board.apply(event("contact.ended", 90))
    assert len(board.rows) == 1  # the call goes on
    assert "over" in board.apply(event("call.cleared", 95, resource="call", id="k"))
    assert board.rows == {}
    for late in ("call.cleared", "contact.disconnected", "contact.ended", "offer.rescinded"):
        assert not board.apply(event(late, 96, resource="call", id="k"))
    assert board.rows == {}


def test_an_offer_that_is_not_taken_leaves_the_contact_waiting_without_an_agent(board):
    board.apply(event("agent.ready", 0, "recipient", "r", None, agent_id="r", agent_name="eve@example.com"))
    board.apply(event("contact.queued", queue_id="0123456789"))
    board.apply(event("offer.created", agent_id="r"))
    assert "f offered 0:00 01234567 eve" in shown(board)
    board.apply(event("offer.rejected", 5, agent_id="r"))
    assert "f waiting 0:00 01234567" in shown(board, 5)


def test_after_a_gap_nothing_is_guessed_and_what_stays_silent_goes(board):
    board.apply(event("contact.queued", correlation="c1"))
    board.apply(event("contact.queued", correlation="c2"))
    assert "events may be missing: gone" in board.apply(fact("gap_suspected", since=AT, until=AT, cause="gone"))
    assert shown(board).count("f unknown 0:00") == 2
    board.apply(event("contact.connected", 60, correlation="c1"))
    assert shown(board, 601)[1:3] == ["1 CALLS AND CONTACTS", "f talking 9:01"]


def test_odd_payloads_change_nothing(board):
    for data in (None, [1], "text", {}, {"agent_id": None, "source": None, "name": None}):
        board.apply(attrs.evolve(event("agent.ready"), data=data))
        board.apply(attrs.evolve(event("call.updated"), data=data))
    assert board.rows == {}
    assert board.agents == {}
