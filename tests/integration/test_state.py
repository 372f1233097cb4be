"""The state of a gateway that starts late, is cut, or is killed: it equals the simulated servers' own truth."""

import json
import signal
import subprocess
import sys

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles import is_thorough

import jackfield
from jackfield.simulation import Faults, simulate
from jackfield_vinix.simulator import VinixSimulator
from jackfield_voipbin.simulator import VoipbinSimulator

RECIPIENTS = {
    "ready": "ready",
    "away": "not_ready",
    "call_offer": "reserved",
    "on_a_call": "busy",
    "wrapup_time": "wrapup",
}
AGENTS = {"available": "ready", "away": "not_ready", "busy": "busy", "ringing": "reserved", "offline": "logged_off"}
QUEUECALLS = {"initiating": "created", "waiting": "queued", "connecting": "offered", "service": "connected"}
CALLS = {"dialing": "originated", "ringing": "alerting", "progressing": "connected"}


def vinix(**options):
    return VinixSimulator("t", rate=2000, **{"calls": False, "inversions": 0.0} | options)


def voipbin(**options):
    return VoipbinSimulator("t", rate=2000, profile="head", **options)


def truth(simulator):
    """What the simulated server itself knows: agents, contacts, calls by id; ``None`` for what it does not list."""
    if isinstance(simulator, VinixSimulator):
        centre = simulator._writer.state
        agents = {
            id: "busy" if recipient.external else RECIPIENTS[recipient.state]
            for id, recipient in centre.recipients.items()
        }
        contacts = {session: "queued" for queue in centre.queues.values() for session in queue.waiting}
        for recipient in centre.recipients.values():
            if recipient.offered:
                contacts[recipient.offered["session_id"]] = "offered"
            if recipient.handling:
                contacts[recipient.handling["session_id"]] = "connected"
        return agents, contacts, None
    lists = {name: simulator._state.page(name, 10_000, "") for name in ("agent", "queuecall", "call")}
    agents = {each["id"]: AGENTS[each["status"]] for each in lists["agent"]}
    contacts = {
        each["reference_id"]: QUEUECALLS[each["status"]] for each in lists["queuecall"] if each["status"] in QUEUECALLS
    }
    return agents, contacts, {each["id"]: CALLS[each["status"]] for each in lists["call"] if each["status"] in CALLS}


def seen(snapshot):
    """The same of a snapshot."""
    agents = {each.id: each.state for each in snapshot.agents.values() if each.state != "unknown"}
    contacts = {each.id: each.state for each in snapshot.contacts.values() if not each.over and each.state != "unknown"}
    return agents, contacts, {each.id: each.state for each in snapshot.calls.values() if not each.over}


def alike(snapshot, simulator):
    return all(
        ours == theirs for ours, theirs in zip(seen(snapshot), truth(simulator), strict=True) if theirs is not None
    )


async def until_alike(gateway, simulator, seconds=10):
    """Wait until the state is the truth."""
    async with gateway.watch() as watch:
        with trio.move_on_after(seconds):
            while not alike(await gateway.snapshot(), simulator):
                await watch.take()
    snapshot = await gateway.snapshot()
    ours = tuple(mine for mine, theirs in zip(seen(snapshot), truth(simulator), strict=True) if theirs is not None)
    assert ours == tuple(theirs for theirs in truth(simulator) if theirs is not None)
    return snapshot


@pytest.mark.parametrize("make", [vinix, voipbin])
@pytest.mark.parametrize("events", [90, 137])
async def test_who_starts_in_mid_day_knows_what_there_is(make, events):
    async with simulate(make(), limit=events) as running:
        await running.settled()
        began = trio.current_time()
        async with jackfield.open_gateway({"feeds": {"office": running.feed()}}) as gateway:
            snapshot = await until_alike(gateway, running.simulator, 2)
        assert trio.current_time() - began < 4  # two seconds, and a machine that does other things beside
        feed = snapshot.feeds["office"]
        assert {"agent", "contact"} <= set(feed.complete)
        callers = {call.contact for call in snapshot.calls.values() if call.caller}
        assert all(contact.caller or contact.key in callers for contact in snapshot.contacts.values())


async def test_what_a_vendor_does_not_list_is_unknown():
    simulator = vinix()
    async with simulate(simulator, limit=90) as running:
        await running.settled()
        feed = {name: value for name, value in running.feed().items() if name != "rest_url"}
        async with jackfield.open_gateway({"feeds": {"office": feed}}) as gateway, gateway.watch("feed") as watch:
            while not (await gateway.snapshot()).live:
                await watch.take()
            snapshot = await gateway.snapshot()
    assert snapshot.feeds["office"].complete == ()
    assert (snapshot.agents, snapshot.contacts) == ({}, {})


async def test_a_feed_that_dies_is_stale_at_once():
    async with simulate(vinix(), limit=90) as running:
        await running.settled()
        async with jackfield.open_gateway({"feeds": {"office": running.feed()}}) as gateway:
            await until_alike(gateway, running.simulator)
            async with gateway.watch("feed") as watch:
                running.faults.refuse = 503
                running.cut()
                with trio.fail_after(2):
                    while (await gateway.snapshot()).live:
                        await watch.take()
            snapshot = await gateway.snapshot()
            assert {snapshot.certainty(agent) for agent in snapshot.agents.values()} == {"stale"}
            assert snapshot.feeds["office"].stale_since is not None


cut_or_gap = st.sampled_from(["nothing", "cut", "gap"])
schedules = st.lists(st.tuples(st.integers(1, 60), cut_or_gap), min_size=1, max_size=4)


@settings(max_examples=200 if is_thorough() else 3)
@given(seed=st.integers(0, 1000), schedule=schedules, make=st.sampled_from([vinix, voipbin]))
def test_the_state_is_the_truth_after_any_schedule_of_cuts_and_gaps(seed, schedule, make):
    async def play():
        async with (
            simulate(make(seed=seed), limit=0) as running,
            jackfield.open_gateway({"feeds": {"office": running.feed()}}) as gateway,
        ):
            await gateway.snapshot()
            for events, mishap in schedule:
                if mishap == "cut":
                    running.cut()
                running.faults.stalled = mishap == "gap"  # events happen, and the connection says nothing of them
                running.limit += events
                await running.settled()
            if running.faults.stalled:
                running.faults.stalled = False
                running.cut()
            elif any(mishap == "gap" for _, mishap in schedule):
                running.cut()  # that nobody heard of those shows at the next connection
            await until_alike(gateway, running.simulator, 20)

    trio.run(play)


PROGRAM = """
import json, sys
import trio
import jackfield

async def main(config):
    async with jackfield.open_gateway(json.loads(config)) as gateway, gateway.watch() as watch:
        while True:
            snapshot = await gateway.snapshot()
            print(json.dumps({
                "live": snapshot.live,
                "position": snapshot.position,
                "queued": {key: totals.queued for key, totals in snapshot.totals.items()},
                "agents": {each.id: each.state for each in snapshot.agents.values()},
                "contacts": {each.id: each.state for each in snapshot.contacts.values() if not each.over},
                "calls": {each.id: each.state for each in snapshot.calls.values() if not each.over},
            }), flush=True)
            await watch.take()

trio.run(main, sys.argv[1])
"""


@pytest.mark.parametrize("make", [vinix, pytest.param(voipbin, marks=pytest.mark.thorough)])
async def test_after_a_kill_the_state_is_the_truth_again(make, tmp_path):
    simulator = make()
    async with simulate(simulator, limit=60, faults=Faults()) as running:
        await running.settled()
        gateway = {"journal": str(tmp_path / "journal")}
        document = json.dumps({"feeds": {"office": running.feed()}, "gateway": gateway})
        queued = 0
        for _ in range(2):
            process = await trio.lowlevel.open_process(
                [sys.executable, "-c", PROGRAM, document], stdout=subprocess.PIPE
            )
            try:
                with trio.fail_after(30):
                    queued = await until_true(process, simulator, queued)
                    running.limit += 80
                    await running.settled()
                    running.cut()  # its events are all of one second, in which only a list says what came last
                    queued = await until_true(process, simulator, max(queued, 1))
            finally:
                process.send_signal(signal.SIGKILL)
                await process.wait()
            running.limit += 30  # while nobody listens
            await running.settled()


async def until_true(process, simulator, least):
    """Read what the program says until it is the truth; how many contacts were queued today by then."""
    rest = b""
    async for chunk in process.stdout:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            said = json.loads(line)
            agents, contacts, calls = truth(simulator)
            same = said["agents"] == agents and said["contacts"] == contacts and calls in (None, said["calls"])
            if said["live"] and same:
                assert said["queued"].get("", 0) >= least
                return said["queued"].get("", 0)
    raise AssertionError("the program ended")
