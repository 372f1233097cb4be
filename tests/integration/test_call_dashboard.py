"""The board of calls among the examples: a process between simulated vendors, in a terminal and a pipe; its model."""

import importlib
import re
import signal
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from jackfield._feed.stream_events import stream_event
from jackfield.addresses import Address, Source
from jackfield.events import Event, Parties
from jackfield.state import Change, State

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
    """The model, following a state of its own."""
    monkeypatch.syspath_prepend(EXAMPLES)
    before = set(sys.modules)
    yield Following(importlib.import_module("call_dashboard").Board())
    for name in set(sys.modules) - before:
        sys.modules.pop(name)


class Following:
    """A model that gets what has changed, as it does from a gateway."""

    def __init__(self, model):
        self.model, self.state = model, State()

    def happens(self, event):
        refs = dict.fromkeys(self.state.apply(event))
        changes = [Change(*ref, self.state.get(ref, AT.date())) for ref in refs]
        return "\n".join(filter(None, (self.model.change(each, event.received) for each in changes)))

    def shown(self, seconds=0):
        return [re.sub(r" +", " ", line).strip() for line in self.model.lines(AT + timedelta(seconds=seconds))]


def event(kind, seconds=0, resource="session", id="s", correlation="c", **parties):
    at = AT + timedelta(seconds=seconds)
    address = Address("acme", "account", "A", resource, id, "x")
    return Event("", kind, address, at, at, "f", correlation, parties=Parties(**parties))


def fact(word, seconds=0, **data):
    return stream_event(Source("acme", "account", "A"), "f", word, AT + timedelta(seconds=seconds), **data)


def test_a_contact_waits_talks_and_goes_with_its_call(board):
    board.happens(fact("subscribed", topics=["t"]))
    board.happens(event("call.initiated", resource="call", id="k", caller_name="Ada\x1b[2J", caller="+1"))
    board.happens(event("contact.queued", 10, queue_id="q1", queue_name="Sales"))
    first = "1 waiting, the longest for 1:05"
    assert board.shown(75) == [
        "f: online",
        first,
        "1 CALLS AND CONTACTS",
        "f waiting 1:05 Ada?[2J +1 Sales",
        "0 AGENTS",
    ]
    board.happens(event("agent.ready", 79, "agent", "a1", None, agent_id="a1", agent_name="eve@example.com"))
    assert "talking" in board.happens(event("contact.connected", 80, agent_id="a1", queue_id="q1"))
    assert board.shown(81)[3:] == ["f talking 0:01 Ada?[2J +1 Sales eve", "1 AGENTS", "f talking 0:01 eve"]
    assert board.shown(81)[1] == "0 waiting today 0% answered in time, 0% gave up"
    assert "over" in board.happens(event("call.cleared", 95, resource="call", id="k"))
    assert board.shown(96)[2] == "0 CALLS AND CONTACTS"
    for late in ("contact.disconnected", "contact.ended", "offer.rescinded"):
        board.happens(event(late, 96))
    assert board.shown(96)[2] == "0 CALLS AND CONTACTS"


def test_an_offer_that_is_not_taken_leaves_the_contact_waiting_without_an_agent(board):
    board.happens(fact("subscribed", topics=["t"]))
    board.happens(event("agent.ready", 0, "recipient", "r", None, agent_id="r", agent_name="eve@example.com"))
    board.happens(event("contact.queued", queue_id="0123456789"))
    board.happens(event("offer.created", 2, agent_id="r"))
    assert "f offered 0:01 01234567 eve" in board.shown(3)
    board.happens(event("offer.rejected", 5, agent_id="r"))
    assert "f waiting 0:00 01234567" in board.shown(5)


def test_after_a_gap_nothing_is_guessed(board):
    board.happens(fact("subscribed", topics=["t"]))
    board.happens(event("contact.queued", correlation="c1"))
    board.happens(event("contact.queued", correlation="c2"))
    board.happens(fact("gap_suspected", 30, since=AT, until=AT + timedelta(seconds=30), cause="gone"))
    assert [line.split()[1] for line in board.shown(30)[3:5]] == ["unknown", "unknown"]
    board.happens(event("contact.connected", 60, correlation="c1"))
    assert sorted(line.split()[1] for line in board.shown(601)[3:5]) == ["talking", "unknown"]
    assert "offline" in board.happens(fact("disconnected", 700, reason="cut"))
    assert board.shown(701)[0] == "f: OFFLINE"
