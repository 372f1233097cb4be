"""The agent desktop among the examples: a process between simulated vendors, with a terminal and without; its model."""

import importlib
import re
import signal
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio

from jackfield._feed.stream_events import stream_event
from jackfield.addresses import Address, Source
from jackfield.events import NO_PARTIES, Event, Parties

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
        r"vinix +alice +away",
        r"voipbin +alice +offered .*\+1555\d+, queue [0-9a-f]{8}$",
        r"vinix +alice +offered .*\+1555\d+, queue (Sales|Support)$",
        r"voipbin +alice +talking .*\+1555\d+, queue",
        r"vinix +alice +talking .*\+1555\d+, queue",
        r"vinix +alice +wrap-up +0:(20|19) left",
        r"vinix +alice +(declined|missed)",
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
    """The model, on the desk of somebody called Eve."""
    monkeypatch.syspath_prepend(EXAMPLES)
    yield importlib.import_module("agent_lines").Desktop("eve")
    sys.modules.pop("agent_lines")


AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(kind, seconds=0, correlation=None, agent="1", data=None, **parties):
    at = AT + timedelta(seconds=seconds)
    address = Address("vinix", "account", "A", "recipient", agent, "x")
    return Event("", kind, address, at, at, "f", correlation, data=data, parties=Parties(agent_id=agent, **parties))


def fact(word, **data):
    return stream_event(Source("vinix", "account", "A"), "f", word, AT, **data)


def shown(model, seconds):
    return re.sub(r" +", " ", model.text("f", AT + timedelta(seconds=seconds)))


def test_the_wrapup_timer_runs_down_and_stops_at_nothing(model):
    model.apply(fact("subscribed", topics=["t"]))
    model.apply(event("agent.ready", agent_name="eve@example.com"))
    assert shown(model, 61) == "f eve ready 1:01"
    model.apply(event("contact.queued", queue_id="12345678abc", queue_name="Sales", correlation="c", agent="nobody"))
    model.apply(event("offer.created", 70, "c", caller_name="Ada\x1b[2J", caller="+1", queue_id="12345678abc"))
    assert shown(model, 72) == "f eve offered 0:02 Ada?[2J +1, queue Sales"
    model.apply(event("agent.wrapup_started", 100, "c", data={"wrapup_time": 20}))
    assert shown(model, 105) == "f eve wrap-up 0:15 left Ada?[2J +1, queue Sales"
    assert shown(model, 500) == "f eve wrap-up 0:00 left Ada?[2J +1, queue Sales"
    model.apply(event("agent.ready", 600))
    assert shown(model, 600) == "f eve ready 0:00"


def test_what_happened_during_a_gap_is_not_guessed(model):
    model.apply(fact("subscribed", topics=["t"]))
    model.apply(event("offer.created", correlation="c", agent_name="eve@example.com"))
    assert model.apply(fact("disconnected", reason="gone"))
    assert "offline" in shown(model, 1)
    model.apply(fact("subscribed", topics=["t"]))
    model.apply(fact("gap_suspected", since=AT, until=AT, cause="gone"))
    assert shown(model, 1) == "f eve unknown 0:01"


def test_other_agents_and_odd_payloads_change_nothing(model):
    model.apply(event("agent.ready", agent_name="eve@example.com"))
    assert not model.apply(event("agent.not_ready", agent="2", agent_name="mallory@example.com"))
    assert not model.apply(attrs.evolve(event("agent.not_ready"), parties=NO_PARTIES))
    assert not model.apply(attrs.evolve(event("contact.queued", correlation="c"), data=[1]))


def test_only_the_newest_contacts_are_remembered(model):
    for number in range(3000):
        model.apply(event("contact.queued", correlation=str(number)))
    assert len(model.contacts) == 1000
    assert "2999" in model.contacts
