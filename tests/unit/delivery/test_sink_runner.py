"""`jackfield._delivery.sink_runner`: one attempt at a sink, and what is learnt from how it went."""

import random
from contextlib import suppress

import attrs
import pytest
import trio

from jackfield._delivery.breaker import Breaker
from jackfield._delivery.sink_runner import PAUSE_SECONDS, SinkRunner
from jackfield.errors import DeliveryError
from jackfield.plugin.sink import Batch
from jackfield.reports import SinkContractBroken, SinkDisabled, SinkPaused

EVENTS = list(enumerate(["one", "two", "three"]))


@attrs.define
class Scripted:
    """A sink whose next writes end as the script says; then all succeed."""

    script: list
    tried_at: list = attrs.field(factory=list)

    async def write(self, batch):
        self.tried_at.append(trio.current_time())
        outcome = self.script.pop(0) if self.script else None
        if outcome == "hang":
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        if callable(outcome):
            await outcome(batch)
        elif outcome is not None:
            raise outcome


@attrs.define
class Bench:
    script: list
    threshold: int = 5
    reports: list = attrs.field(factory=list)
    arrived: list = attrs.field(factory=list)
    runner: SinkRunner = attrs.field(init=False)
    sink: Scripted = attrs.field(init=False)

    def __attrs_post_init__(self):
        self.sink = Scripted(self.script)
        rng = random.Random(1)
        self.runner = SinkRunner("s", self.sink, 10.0, Breaker(self.threshold, rng), self.reports.append, rng)

    async def attempt(self):
        """One attempt with three events; what arrived is in `arrived`."""
        await self.runner.admitted()
        self.arrived = []
        return await self.runner.attempt(EVENTS, 1, self.arrived.extend)


async def test_what_arrives_is_counted_and_what_a_failed_attempt_delivered_too(autojump_clock):
    bench = Bench([None, DeliveryError("cut", delivered=2)])
    assert await bench.attempt() is None
    failure = await bench.attempt()
    assert failure.reason == "cut"
    stats = bench.runner.counters
    assert (stats.delivered, stats.failures, stats.state) == (5, 1, "retrying")


async def test_a_sink_that_hangs_is_a_failure_in_time(autojump_clock):
    bench = Bench(["hang"])
    failure = await bench.attempt()
    assert failure.reason == "no progress within 10 s; 3 events are missing"
    assert failure.on_error == "retry"
    assert trio.current_time() == 10


async def test_a_bug_of_the_sink_is_a_failure_like_another(autojump_clock):
    failure = await Bench([KeyError("oops")]).attempt()
    assert failure.reason == "the sink failed: KeyError: 'oops'"
    assert failure.on_error == "retry"


async def test_while_a_sink_is_down_one_attempt_at_a_time_goes_out_however_many_are_ready(autojump_clock):
    bench = Bench([DeliveryError("down")] * 12, threshold=3)

    async def insist():
        while await bench.attempt() is not None:
            pass

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(insist)
    probes = [at for at in bench.sink.tried_at[:-4] if at > 0]
    assert len(probes) > 5
    assert len(set(probes)) == len(probes)
    assert bench.runner.counters.state == "delivering"


async def test_what_the_receiver_asks_for_is_granted_to_all_of_a_sinks_attempts(autojump_clock):
    bench = Bench([DeliveryError("busy", retry_after=120.0)])
    await bench.attempt()
    await bench.attempt()
    assert bench.sink.tried_at[1] - bench.sink.tried_at[0] >= 120


async def test_refused_credentials_pause_slowly_told_once_and_nothing_is_given_up(autojump_clock):
    bench = Bench([DeliveryError("HTTP 401", on_error="pause")] * 3)
    for _ in range(3):
        assert (await bench.attempt()).on_error == "pause"
        assert bench.runner.counters.state == "paused"
    assert await bench.attempt() is None
    least, most = PAUSE_SECONDS
    assert 3 * least <= trio.current_time() <= 3 * most
    assert bench.reports == [SinkPaused("s", "HTTP 401")]
    assert bench.runner.counters.state == "delivering"


async def test_a_receiver_that_wants_no_more_is_reported_and_known(autojump_clock):
    bench = Bench([DeliveryError("HTTP 410", on_error="disable")])
    await bench.attempt()
    assert bench.runner.disabled.is_set()
    assert bench.runner.counters.state == "disabled"
    assert bench.reports == [SinkDisabled("s", "HTTP 410")]


async def test_a_refusal_shows_that_the_receiver_is_there(autojump_clock):
    bench = Bench(
        [DeliveryError("down"), DeliveryError("no", on_error="dead_letter"), DeliveryError("down")], threshold=2
    )
    for _ in range(3):
        await bench.attempt()
    assert bench.runner.breaker._open_until is None


async def test_an_attempt_that_is_cancelled_leaves_the_way_free(autojump_clock):
    bench = Bench([DeliveryError("down"), "hang"], threshold=1)
    await bench.attempt()
    with trio.move_on_after(5):
        await bench.attempt()
    with trio.fail_after(1):
        assert await bench.attempt() is None


@pytest.mark.parametrize("on_error", ["retry", "pause", "dead_letter", "disable"])
async def test_every_failure_is_counted(on_error, autojump_clock):
    bench = Bench([DeliveryError("x", on_error=on_error)])
    await bench.attempt()
    assert bench.runner.counters.failures == 1


async def slow_but_steady(batch):
    for count in range(1, 4):
        await trio.sleep(7)
        batch.delivered(count)


async def test_the_time_limit_runs_from_the_last_progress(autojump_clock):
    bench = Bench([slow_but_steady])
    assert await bench.attempt() is None
    assert (bench.arrived, trio.current_time()) == ([0, 1, 2], 21)


async def delivers_two_and_hangs(batch):
    batch.delivered(1)
    await trio.sleep(4)
    batch.delivered_each([2])
    await trio.sleep_forever()


async def test_what_was_reported_as_delivered_stays_so_after_a_time_out(autojump_clock):
    bench = Bench([delivers_two_and_hangs])
    failure = await bench.attempt()
    assert failure.reason == "no progress within 10 s; 1 events are missing"
    assert (bench.arrived, bench.runner.counters.delivered, trio.current_time()) == ([0, 2], 2, 14)


async def test_what_was_reported_as_delivered_stays_so_after_a_cancellation(autojump_clock):
    bench = Bench([delivers_two_and_hangs])
    with trio.move_on_after(5) as scope:
        await bench.attempt()
    assert scope.cancelled_caught
    assert (bench.arrived, bench.runner.counters.delivered) == ([0, 2], 2)


async def swallows(batch):
    batch.delivered(1)
    with suppress(trio.Cancelled):
        await trio.sleep_forever()


async def converts(batch):
    try:
        await trio.sleep_forever()
    except trio.Cancelled:
        raise DeliveryError("cancelled", delivered=1) from None


async def fails_in_a_nursery(batch):
    batch.delivered(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        try:
            await trio.sleep_forever()
        finally:
            raise KeyError("cleaning up")


@pytest.mark.parametrize("write", [swallows, converts, fails_in_a_nursery])
async def test_a_sink_that_swallows_its_cancellation_loses_nothing(write, autojump_clock):
    bench = Bench([write, write])
    assert (await bench.attempt()).on_error == "retry"
    assert bench.arrived == [0]
    with trio.move_on_after(5) as scope:
        await bench.attempt()
    assert scope.cancelled_caught
    assert bench.arrived == [0]


async def test_a_write_that_cannot_be_cancelled_and_says_that_it_is_done_counts_as_done(autojump_clock):
    async def in_a_thread(batch):
        with trio.CancelScope(shield=True):
            await trio.sleep(60)
        batch.delivered(3)

    bench = Bench([in_a_thread])
    assert await bench.attempt() is None
    assert bench.arrived == [0, 1, 2]


def lie(**fields):
    error = DeliveryError("lies")
    for name, value in fields.items():
        setattr(error, name, value)
    return error


class Unprintable(Exception):
    def __str__(self):
        raise ValueError("no text")


class Bare(DeliveryError):
    def __init__(self):
        pass


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (lie(delivered=17), "delivered=17 of 3 events"),
        (lie(delivered=-3), "delivered=-3 of 3 events"),
        (lie(delivered="2"), "delivered='2' of 3 events"),
        (lie(delivered=None), "delivered=None of 3 events"),
        (lie(rejected_count=-1), "rejected_count=-1 of 3 events"),
        (lie(retry_after="5"), "retry_after='5'"),
        (lie(retry_after=float("nan")), "retry_after=nan"),
        (lie(retry_after=-1), "retry_after=-1"),
        (lie(on_error="explode"), "on_error='explode'"),
        (lie(failed={7}), "failed={7} of a batch of 3"),
        (lie(failed=5), "failed=5 of a batch of 3"),
        (lie(failed=set()), "failed=set() of a batch of 3"),
        (KeyError("oops"), "KeyError: 'oops'"),
        (SystemExit(3), "SystemExit: 3"),
        (Unprintable(), "Unprintable"),
        (Bare(), "Bare: "),
        (ExceptionGroup("", [KeyError("a"), ExceptionGroup("", [ValueError("b")])]), "KeyError: 'a'; ValueError: b"),
    ],
)
async def test_what_a_plugin_should_not_have_said_is_reported_as_its_fault_and_loses_nothing(
    error, problem, autojump_clock
):
    bench = Bench([error])
    failure = await bench.attempt()
    assert failure.on_error == "retry"
    assert bench.reports == [SinkContractBroken("s", problem, 1)]
    assert bench.arrived == []
    assert await bench.attempt() is None


async def test_a_delivery_error_alone_in_groups_counts_as_itself(autojump_clock):
    error = ExceptionGroup("", [ExceptionGroup("", [DeliveryError("busy", delivered=2, retry_after=50)])])
    bench = Bench([error])
    failure = await bench.attempt()
    assert (failure.reason, failure.retry_after, bench.arrived, bench.reports) == ("busy", 50, [0, 1], [])


async def test_a_wait_without_an_end_is_cut_to_an_hour(autojump_clock):
    bench = Bench([lie(retry_after=float("inf"))])
    await bench.attempt()
    await bench.attempt()
    assert 3600 <= bench.sink.tried_at[1] <= 3601


async def test_failure_can_be_said_for_each_event(autojump_clock):
    bench = Bench([DeliveryError("two of three", failed={1}, on_error="dead_letter")])
    failure = await bench.attempt()
    assert (bench.arrived, failure.rejected) == ([0, 2], (1,))


async def test_a_batch_knows_its_sink_its_attempt_and_its_positions():
    seen = []

    async def write(batch):
        await trio.lowlevel.checkpoint()
        seen.append((batch.sink, batch.attempt, batch.positions, batch.missing))

    bench = Bench([write])
    await bench.runner.attempt(EVENTS, 4, bench.arrived.extend)
    assert seen == [("s", 4, tuple(f"{number:016d}" for number in range(3)), (0, 1, 2))]


def test_an_event_that_is_reported_twice_counts_once():
    arrived = []
    batch = Batch(("one", "two"), on_progress=arrived.append)
    batch.delivered_each([0, 0])
    assert (batch.missing, arrived) == ((1,), [[0]])
    batch.delivered_each([1, 0, 1])
    assert (batch.missing, arrived) == ((), [[0], [1]])
