"""The whole of it over real sockets: a gateway against the simulated platform, in each profile and with faults."""

import json
from datetime import datetime, timedelta

import pytest
import trio

import jackfield
from jackfield.simulation import Faults, simulate
from jackfield_voipbin import backfill
from jackfield_voipbin.simulator import CUSTOMER, PROFILES, VoipbinSimulator

LOGIN = {"username": "me@example.com", "password": "pass"}
# Each profile with a credential of another kind; whose feed it is, is learned.
CREDENTIALS = {
    "documented": {"token": "one-secret"},
    "wrapped": LOGIN,
    "head": {"token": "vb_key"},
    "2026-10": {"token": "vb_key"},
}

# The two that differ most; the platform before and since July is somewhere between them.
MOST = [
    profile if profile in ("documented", "2026-10") else pytest.param(profile, marks=pytest.mark.thorough)
    for profile in PROFILES
]


async def until(condition, within=30.0):
    with trio.fail_after(within):
        while not condition():  # noqa: ASYNC110  # a test looks from outside
            await trio.sleep(0.02)


@pytest.fixture
def quick(monkeypatch):
    """Here is one clock, and nothing is long on its way."""
    monkeypatch.setattr(backfill, "MARGIN", timedelta(seconds=0.5))


def simulator(profile, **options):
    own = {"token": "vb_key"} if profile in ("head", "2026-10") else {"token": "one-secret"}
    return VoipbinSimulator(**own, **LOGIN, rate=250.0, profile=profile, **options)


def gateway(running, profile):
    feed = {"provider": "voipbin", "url": running.url, "reconcile_seconds": 1.0, **CREDENTIALS[profile]}
    return jackfield.open_gateway({"feeds": {"office": feed}})


async def collect(events, got):
    async for event in events:
        got.append(event)


def gaps(got):
    spans = [event.data for event in got if event.kind == "stream.gap_suspected"]
    return [
        (datetime.fromisoformat(each["since"]), datetime.fromisoformat(each["until"]), each["cause"]) for each in spans
    ]


@pytest.mark.parametrize("profile", MOST)
async def test_with_copies_disorder_and_drops_each_event_comes_out_once_or_is_announced(profile, quick, nursery):
    faults = Faults(duplicate=4, shuffle=0.1, drop=0.1)
    async with simulate(simulator(profile), faults=faults, limit=0) as running, gateway(running, profile) as gate:
        with gate.listen("**") as events:
            got = []
            nursery.start_soon(collect, events, got)
            await until(lambda: gate.state().feeds["office"].topics)
            await trio.sleep(1.2)
            running.limit = 160
            await running.settled()
            if profile != "2026-10":  # there each event has so many copies that a drop loses none of these
                await until(lambda: len([e for e in got if e.kind == "stream.backfilled"]) >= 2)
            await trio.sleep(2.0)
        nursery.cancel_scope.cancel()
    assert gate.state().feeds["office"].unreadable == 0
    vendors = [event for event in got if not event.kind.startswith("stream.")]
    assert len({event.id for event in vendors}) == len(vendors)
    assert {event.address.scope_id for event in vendors} == {CUSTOMER}
    content = {json.dumps(event.data, sort_keys=True) for event in vendors}
    announced = gaps(got)
    lost = [each for each in running.published if json.dumps(each.data, sort_keys=True) not in content]
    for each in lost:
        moment = datetime.fromisoformat(each.timestamp)
        assert any(since <= moment <= until for since, until, _ in announced), each
    assert running.counters.dropped > 5
    assert any(event.origin == "backfill" for event in vendors)


@pytest.mark.parametrize("profile", MOST)
async def test_a_subscription_that_the_server_ignores_is_noticed_and_said(profile, quick, nursery):
    server = simulator(profile, ignore_topics=f"customer_id:{CUSTOMER}:call:,customer_id:{CUSTOMER}:webhook:call_")
    async with simulate(server, limit=0) as running, gateway(running, profile) as gate:
        with gate.listen("call.*", "message.*", "stream.*") as events:
            got = []
            nursery.start_soon(collect, events, got)
            await until(lambda: gate.state().feeds["office"].topics)
            await trio.sleep(1.2)
            running.limit = 100
            await until(lambda: gaps(got))
        nursery.cancel_scope.cancel()
    cause = gaps(got)[0][2]
    assert f"the server ignores the subscription to customer_id:{CUSTOMER}:call:*" in cause
    assert {event.origin for event in got if event.kind.startswith("call.")} == {"backfill"}
