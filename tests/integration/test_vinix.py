"""Vinix over real sockets, both generations in both namings: refused, cut, repeated, shuffled, dropped, gone deaf.

On virtual time the same session lives for hours among everything that can go wrong, and never hurries.
"""

import random
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import attrs
import pytest
import trio
from profiles import is_thorough
from vinix_stage import TOPICS, facts, make_stage

import jackfield
from jackfield.reports import ConnectionRenewed, FeedState, FeedStateChanged
from jackfield.simulation import Faults, simulate
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator

# A simulator in the process of its client stands still where that does, and this is not about slow clients.
PATIENT = 10_000
SERVERS = [
    pytest.param({"generation": 4, "naming": "kazoo"}, id="4-kazoo"),
    pytest.param({"generation": 5, "naming": "documented"}, id="5-documented"),
    pytest.param({"generation": 4, "naming": "documented"}, id="4-documented", marks=pytest.mark.thorough),
    pytest.param({"generation": 5, "naming": "kazoo"}, id="5-kazoo", marks=pytest.mark.thorough),
]


@pytest.fixture(params=SERVERS)
def server(request):
    return request.param


@attrs.define
class Heard:
    """What came out of a gateway with one feed."""

    gateway: jackfield.Gateway
    events: list = attrs.field(factory=list)

    def of_vendor(self, origin="live"):
        return [event for event in self.events if not event.kind.startswith("stream.") and event.origin == origin]

    def facts(self, word):
        return [event for event in self.events if event.kind == f"stream.{word}"]

    @property
    def gaps(self):
        """Those that the vendor caused: a busy machine may stop this process for longer than KAZOO keeps frames."""
        return [gap for gap in self.facts("gap_suspected") if "did not run" not in gap.data["cause"]]

    async def until(self, condition):
        with trio.fail_after(60):
            while not condition():  # noqa: ASYNC110  # a test looks from outside
                await trio.sleep(0.01)


async def hear(nursery, gateway):
    heard = Heard(gateway)

    async def listen():
        async for event in gateway.listen("**"):
            heard.events.append(event)

    nursery.start_soon(listen)
    await trio.lowlevel.checkpoint()
    return heard


def centre(**options):
    """A server of the contact centre alone, whose frames come in the order of its events."""
    return VinixSimulator("s3cret", **{"calls": False, "inversions": 0.0} | options)


def document(running, **options):
    return {"feeds": {"support": running.feed() | options}}


def ids_of(running):
    return Counter(published.data["msg_id"] for published in running.published)


def messages(events):
    return Counter(event.data["msg_id"] for event in events)


async def subscribed(heard):
    await heard.until(lambda: heard.gateway.state().feeds["support"].state is FeedState.SUBSCRIBED)


async def test_every_event_comes_once_however_often_and_in_whatever_order_it_is_sent(nursery, server):
    # One spelling, so that no renewal leaves behind what is late on purpose.
    accepts = {"documented": "documented", "kazoo": "short" if server["generation"] == 4 else "worded"}[
        server["naming"]
    ]
    simulator = centre(rate=400, accepts=accepts, **server)
    faults = Faults(duplicate=3, shuffle=0.05, lag_drop=PATIENT)
    async with (
        simulate(simulator, faults=faults, limit=0) as running,
        jackfield.open_gateway(document(running)) as gateway,
    ):
        heard = await hear(nursery, gateway)
        await subscribed(heard)
        assert gateway.state().feeds["support"].topics == TOPICS
        running.limit = 300
        await heard.until(lambda: len(heard.of_vendor()) >= 300)
        await trio.sleep(0.1)
        assert messages(heard.of_vendor()) == ids_of(running)
        assert heard.gaps == []


async def test_a_cut_connection_is_a_gap_that_is_reported_and_filled_by_rest(nursery, server):
    simulator = centre(rate=300, **server)
    async with (
        simulate(simulator, faults=Faults(lag_drop=PATIENT), limit=200) as running,
        jackfield.open_gateway(document(running)) as gateway,
    ):
        heard = await hear(nursery, gateway)
        await subscribed(heard)
        await heard.until(heard.of_vendor)
        running.cut()
        await heard.until(lambda: heard.gaps and heard.facts("backfilled"))
        (gap,) = heard.gaps
        assert gap.data["since"] <= gap.data["until"]
        found = heard.of_vendor("backfill")
        assert {event.kind for event in found} >= {"queue.snapshot", "agent.snapshot"}
        running.limit = 400
        await heard.until(lambda: running.counters.events == 400)
        await running.settled()
        await trio.sleep(0.1)
        assert max(Counter(event.id for event in heard.events).values()) == 1
        assert simulator.state.recipients.keys() == {
            event.address.resource_id.replace("-", "") for event in found if event.kind == "agent.snapshot"
        }


async def test_frames_that_are_lost_are_not_made_up_and_disturb_nothing(nursery, server):
    simulator = centre(rate=500, accepts="documented", **server)
    faults = Faults(drop=0.3, garbage=0.1, binary=0.1, lag_drop=PATIENT)
    async with (
        simulate(simulator, faults=faults, limit=0) as running,
        jackfield.open_gateway(document(running)) as gateway,
    ):
        heard = await hear(nursery, gateway)
        await subscribed(heard)
        running.limit = 300
        await heard.until(lambda: running.counters.events == 300)
        await running.settled()
        counters, stats = running.counters, lambda: gateway.state().feeds["support"]
        await heard.until(lambda: stats().unreadable >= counters.garbage + counters.binary)
        await heard.until(lambda: len(heard.of_vendor()) >= counters.sent)
        assert len(heard.of_vendor()) == counters.sent == 300 - counters.dropped
        assert messages(heard.of_vendor()) <= ids_of(running)


async def test_a_stalled_subscription_is_found_reported_and_renewed(nursery, server):
    simulator = centre(rate=200, **server)
    async with (
        simulate(simulator, faults=Faults(lag_drop=PATIENT), limit=100) as running,
        jackfield.open_gateway(document(running, idle_check_seconds=1.0)) as gateway,
    ):
        heard = await hear(nursery, gateway)
        await subscribed(heard)
        await heard.until(lambda: running.counters.events == 100)
        running.faults.stalled = True
        running.limit = 250
        await heard.until(lambda: any("no event of" in gap.data["cause"] for gap in heard.gaps))
        await heard.until(lambda: any(event.inferred for event in heard.of_vendor("backfill")))
        running.faults.stalled = False
        await heard.until(lambda: running.counters.connections >= 2)
        await subscribed(heard)
        before = len(heard.of_vendor())
        running.limit = 350
        await heard.until(lambda: len(heard.of_vendor()) >= before + 50)


@pytest.mark.parametrize("server", SERVERS[:2], indirect=True)
async def test_a_login_and_its_token_serve_a_feed_and_neither_is_ever_shown(nursery, server):
    simulator = centre(rate=300, **server)
    async with simulate(simulator) as running:
        options = running.feed() | {"api_key": "simulated"}
        del options["auth_token"], options["account_id"]
        async with jackfield.open_gateway({"feeds": {"support": options}}) as gateway:
            heard = await hear(nursery, gateway)
            await heard.until(heard.of_vendor)
            assert heard.of_vendor()[0].address.scope_id == ACCOUNT
            simulator.refused_tokens = 1
            running.cut()
            await heard.until(lambda: running.counters.connections >= 3 and heard.facts("backfilled"))
            shown = repr([event.to_cloudevent() for event in heard.events if event.kind.startswith("stream.")])
            for token in simulator._issued:
                assert token not in shown
            assert "failed to authenticate token ***" in shown


# -- on virtual time -------------------------------------------------------------------------------------

START = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture
def stage(network, nursery):
    def make(options=None, timing=None, every=5.0, **simulated):
        return make_stage(network, nursery, options, timing=timing, every=every, **simulated)

    return make


def waits(stage):
    return [
        report.retry_in
        for report in stage.reports
        if isinstance(report, FeedStateChanged) and report.retry_in is not None
    ]


def never_in_a_hurry(stage):
    """Each attempt but the first comes after an announced wait, and not before it is over."""
    attempts = stage.network.attempts
    if any(isinstance(report, ConnectionRenewed) for report in stage.reports):  # which is not waited for
        assert all(after - before >= 2 for before, after in zip(attempts, attempts[3:], strict=False))
        return True
    assert len(waits(stage)) - 1 <= len(attempts) - 1 <= len(waits(stage))
    for (before, after), wait in zip(pairwise(attempts), waits(stage), strict=False):
        assert after - before >= wait - 1e-6
    return True


async def test_hours_of_everything_that_goes_wrong_are_survived_without_hurry_and_each_gap_is_reported(
    stage, server, autojump_clock
):
    place = stage(**server)
    await trio.sleep(60)
    assert place.session.stats.state is FeedState.SUBSCRIBED
    troubles = random.Random(1)
    losses = 0
    for _ in range(24 if is_thorough() else 9):
        trouble = troubles.choice(["cut", "refuse", "crash", "unavailable", "deaf", "token", "mute", "late", "restart"])
        connected = place.session.stats.connections
        match trouble:
            case "cut":
                await place.vendor.cut()
            case "refuse":
                place.vendor.refuse = troubles.choice([400, 403, 500, 503])
                await place.vendor.cut()
                await trio.sleep(100)
                place.vendor.refuse = 0
            case "crash":
                place.simulator.crashes_on = troubles.choice(["documented", "documented,short"])
                await place.vendor.cut()
                await trio.sleep(100)
                place.simulator.crashes_on = ""
            case "unavailable":
                place.simulator.unavailable = troubles.randint(1, 3)
                await place.vendor.cut()
            case "token":
                place.simulator.refused_tokens = 2
                await place.vendor.cut()
            case "deaf":
                place.simulator.bus.forget()
                await trio.sleep(700)
            case "mute":
                place.simulator.unanswered = troubles.randint(1, 5)
                await place.vendor.cut()
            case "late":
                place.simulator.answered_late = 3
                await place.vendor.cut()
            case "restart":
                place.simulator.restarts = 1
        await trio.sleep(240)
        losses += place.session.stats.connections > connected
        assert place.session.stats.state is FeedState.SUBSCRIBED, trouble
        assert len(place.vendor.connections) == 1, trouble
        overlapping = Counter(
            binding.split(".")[1] for _, client in place.vendor.connections for binding in client.bindings
        )
        assert set(overlapping.values()) == {1}, trouble
    assert never_in_a_hurry(place)
    assert losses > (8 if is_thorough() else 2)
    assert len(facts(place, "gap_suspected")) >= losses
    live = [event for event in place.events if event.origin == "live" and "stream." not in event.kind]
    by_id = {event.id: event.data["msg_id"] for event in live}  # copies collapse by id in the journal
    assert len(by_id) == len(set(by_id.values()))


async def test_a_crowded_server_is_left_alone_for_a_minute_each_time(stage, autojump_clock):
    place = stage()
    await trio.sleep(30)
    place.vendor.refuse = 429
    await place.vendor.cut()
    await trio.sleep(1800)
    attempts = [at for at in place.network.attempts if at - place.network.attempts[0] > 30]
    assert len(attempts) >= 20
    assert all(after - before >= 60 - 1e-6 for before, after in pairwise(attempts[1:]))
    place.vendor.refuse = 0
    await trio.sleep(120)
    assert place.session.stats.state is FeedState.SUBSCRIBED


async def test_a_server_that_answers_nothing_is_refused_without_hurry_and_confirmed_when_it_does(stage, autojump_clock):
    place = stage()
    place.simulator.unanswered = 10**6
    place.simulator.barren = "documented,short,worded,narrow"
    await trio.sleep(45)
    assert place.session.stats.refused_topics.keys() == TOPICS
    assert len(place.network.attempts) == 1
    assert never_in_a_hurry(place)


async def test_a_server_without_qubicle_is_tried_on_a_few_connections_and_then_believed(stage, autojump_clock):
    place = stage(unavailable=10**6)
    await trio.sleep(300)
    assert len(place.network.attempts) == 4
    assert place.session.stats.refused_topics.keys() == TOPICS
    assert never_in_a_hurry(place)


async def test_pings_of_ours_keep_a_connection_inside_the_servers_idle_limit(stage, autojump_clock):
    place = stage()
    await trio.sleep(5)
    silences = []
    for _ in range(600):
        await trio.sleep(1)
        ((connection, _),) = place.vendor.connections
        silences.append(connection.silence())
    assert max(silences) <= 21


async def test_planned_renewals_lose_nothing_under_load_and_announce_no_gap(stage, server, autojump_clock):
    place = stage({"renew_seconds": 4.0}, every=0.005, **server)
    await trio.sleep(2)
    assert place.session.stats.state is FeedState.SUBSCRIBED
    before = len(place.vendor.happened)
    await trio.sleep(11)
    expected = {event.data["msg_id"] for _, event in place.vendor.happened[before:-200]}
    assert place.session.stats.connections >= 3
    assert len(place.vendor.connections) <= 2
    assert facts(place, "gap_suspected") == facts(place, "disconnected") == []
    live = [event for event in place.events if event.origin == "live" and "stream." not in event.kind]
    assert expected <= {event.data["msg_id"] for event in live}
    by_id = {event.id: event.data["msg_id"] for event in live}  # copies of the overlap collapse by id in the journal
    assert len(by_id) == len(set(by_id.values()))
