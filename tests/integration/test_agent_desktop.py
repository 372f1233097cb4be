"""The agent desktop among the examples: a process between simulated vendors, with a terminal and without; its model."""

import importlib
import re
import signal
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import trio

from jackfield._feed.stream_events import stream_event
from jackfield.addresses import Address, Source
from jackfield.events import Event, Parties
from jackfield.state import Change, State

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def desktop(example):
    """Start the program."""
    return partial(example, "agent_desktop.py")


async def test_one_agent_is_followed_across_both_vendors(desktop):
    running = await desktop("alice", "--demo", "--plain", "--rate", "300")
    await running.shows(
        r"voipbin +alice +ready",
        r"vinix +alice +ready",
        r"voipbin +alice +away",
        r"voipbin +alice +offered .*\+1555\d+, queue [0-9a-f]{8}$",
        r"vinix +alice +offered .*\+1555\d+, queue (Sales|Support)$",
        r"voipbin +alice +talking .*\+1555\d+, queue",
        r"vinix +alice +talking .*\+1555\d+, queue",
        r"vinix +alice +wrap-up +0:0\d",
    )
    assert await running.interrupted() == 0
    assert re.findall(r"(?m)^(?!\d\d:\d\d:\d\d  (?:voipbin|vinix) +alice ).+", running.text) == []


async def test_in_a_terminal_the_lines_are_drawn_anew_and_the_cursor_comes_back(desktop):
    running = await desktop("bob", "--demo", "--rate", "20", terminal=True)
    await running.shows(r"\x1b\[Hx?\x1b\[J.*\r?\n?.*bob", r"bob +(?!unknown|offline)\w+ +\d:\d\d")
    frames = running.text.count("\x1b[H\x1b[J")
    with trio.fail_after(5):
        while running.text.count("\x1b[H\x1b[J") < frames + 3:  # noqa: ASYNC110  # a test looks from outside
            await trio.sleep(0.05)
    assert await running.interrupted() == 0
    assert running.text.startswith("\x1b[?25l")
    assert running.text.rstrip().endswith("\x1b[?25h")


async def test_a_vendor_that_is_gone_is_shown_as_offline(desktop, simulate, vendor, folder):
    voipbin = await vendor("voipbin")
    server, vinix = await simulate("vinix")
    folder.configure(voipbin, vinix)
    running = await desktop("carol", "gateway.toml", "--plain")
    await running.shows(r"support +carol +ready", r"office +carol +ready")
    await server.stop(signal.SIGKILL)
    await running.shows(r"support +carol +offline")


@pytest.fixture
def model(monkeypatch):
    """The model, on the desk of somebody called Eve, following a state of its own."""
    monkeypatch.syspath_prepend(EXAMPLES)
    before = set(sys.modules)
    yield Following(importlib.import_module("agent_lines").Desktop("eve"))
    for name in set(sys.modules) - before:
        sys.modules.pop(name)


AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Following:
    """A model that gets what has changed, as it does from a gateway."""

    def __init__(self, model):
        self.model, self.state = model, State()

    def happens(self, event):
        refs = dict.fromkeys(self.state.apply(event))
        changes = [Change(*ref, self.state.get(ref, AT.date())) for ref in refs]
        return "\n".join(filter(None, (self.model.change(each, event.received) for each in changes)))

    def shown(self, seconds):
        return [re.sub(r" +", " ", line) for line in self.model.lines(AT + timedelta(seconds=seconds))]


def event(kind, seconds=0, correlation=None, agent="1", **parties):
    at = AT + timedelta(seconds=seconds)
    address = Address("vinix", "account", "A", "recipient", agent, "x")
    return Event("", kind, address, at, at, "f", correlation, parties=Parties(agent_id=agent, **parties))


def fact(word, seconds=0, **data):
    return stream_event(Source("vinix", "account", "A"), "f", word, AT + timedelta(seconds=seconds), **data)


def test_the_contact_in_hand_is_shown_until_the_wrap_up_is_over(model):
    model.happens(fact("subscribed", topics=["t"]))
    model.happens(event("agent.ready", agent_name="eve@example.com"))
    assert model.shown(61) == ["f eve ready 1:01"]
    sales = {"queue_id": "12345678abc", "queue_name": "Sales"}
    model.happens(event("offer.created", 70, "c", caller_name="Ada\x1b[2J", caller="+1", **sales))
    assert model.shown(72) == ["f eve offered 0:02 Ada?[2J +1, queue Sales"]
    model.happens(event("contact.connected", 75, "c"))
    model.happens(event("contact.ended", 99, "c", agent=""))
    model.happens(event("agent.wrapup_started", 100))
    assert model.shown(105) == ["f eve wrap-up 0:05 Ada?[2J +1, queue Sales"]
    model.happens(event("agent.ready", 600))
    assert model.shown(600) == ["f eve ready 0:00"]


def test_what_happened_during_a_gap_is_not_guessed(model):
    model.happens(fact("subscribed", topics=["t"]))
    model.happens(event("agent.ready", agent_name="eve@example.com"))
    assert "offline" in model.happens(fact("disconnected", 5, reason="gone"))
    model.happens(fact("subscribed", 9, topics=["t"]))
    model.happens(fact("gap_suspected", 9, since=AT, until=AT + timedelta(seconds=9), cause="gone"))
    assert model.shown(10) == ["f eve unknown 0:10"]


def test_other_agents_change_nothing(model):
    model.happens(fact("subscribed", topics=["t"]))
    model.happens(event("agent.ready", agent_name="eve@example.com"))
    assert not model.happens(event("agent.not_ready", 1, agent="2", agent_name="mallory@example.com"))
