"""`jackfield._delivery.sink_runner`: one attempt at a sink, and what is learnt from how it went."""

import random

import attrs
import pytest
import trio

from jackfield._delivery.breaker import Breaker
from jackfield._delivery.sink_runner import PAUSE_SECONDS, SinkRunner
from jackfield.errors import DeliveryError
from jackfield.reports import SinkDisabled, SinkPaused

EVENTS = ["one", "two", "three"]


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
        if outcome is not None:
            raise outcome


@attrs.define
class Bench:
    script: list
    threshold: int = 5
    reports: list = attrs.field(factory=list)
    runner: SinkRunner = attrs.field(init=False)
    sink: Scripted = attrs.field(init=False)

    def __attrs_post_init__(self):
        self.sink = Scripted(self.script)
        rng = random.Random(1)
        self.runner = SinkRunner("s", self.sink, 10.0, Breaker(self.threshold, rng), self.reports.append, rng)


async def test_what_arrives_is_counted_and_what_a_failed_attempt_delivered_too(autojump_clock):
    bench = Bench([None, DeliveryError("cut", delivered=2)])
    assert await bench.runner.attempt(EVENTS) is None
    failure = await bench.runner.attempt(EVENTS)
    assert str(failure) == "cut"
    stats = bench.runner.stats
    assert (stats.delivered, stats.failures, stats.state) == (5, 1, "retrying")


async def test_a_sink_that_hangs_is_a_failure_in_time(autojump_clock):
    bench = Bench(["hang"])
    failure = await bench.runner.attempt(EVENTS)
    assert str(failure) == "it did not take 3 events within 10 s"
    assert failure.on_error == "retry"
    assert trio.current_time() == 10


async def test_a_bug_of_the_sink_is_a_failure_like_another(autojump_clock):
    failure = await Bench([KeyError("oops")]).runner.attempt(EVENTS)
    assert str(failure) == "the sink failed: KeyError: 'oops'"
    assert failure.on_error == "retry"


async def test_while_a_sink_is_down_one_attempt_at_a_time_goes_out_however_many_are_ready(autojump_clock):
    bench = Bench([DeliveryError("down")] * 12, threshold=3)

    async def insist():
        while await bench.runner.attempt(EVENTS) is not None:
            pass

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(insist)
    probes = [at for at in bench.sink.tried_at[:-4] if at > 0]
    assert len(probes) > 5
    assert len(set(probes)) == len(probes)
    assert bench.runner.stats.state == "delivering"


async def test_what_the_receiver_asks_for_is_granted_to_all_of_a_sinks_attempts(autojump_clock):
    bench = Bench([DeliveryError("busy", retry_after=120.0)])
    await bench.runner.attempt(EVENTS)
    await bench.runner.attempt(EVENTS)
    assert bench.sink.tried_at[1] - bench.sink.tried_at[0] >= 120


async def test_refused_credentials_pause_slowly_told_once_and_nothing_is_given_up(autojump_clock):
    bench = Bench([DeliveryError("HTTP 401", on_error="pause")] * 3)
    for _ in range(3):
        assert (await bench.runner.attempt(EVENTS)).on_error == "pause"
        assert bench.runner.stats.state == "paused"
    assert await bench.runner.attempt(EVENTS) is None
    least, most = PAUSE_SECONDS
    assert 3 * least <= trio.current_time() <= 3 * most
    assert bench.reports == [SinkPaused("s", "HTTP 401")]
    assert bench.runner.stats.state == "delivering"


async def test_a_receiver_that_wants_no_more_is_reported_and_known(autojump_clock):
    bench = Bench([DeliveryError("HTTP 410", on_error="disable")])
    await bench.runner.attempt(EVENTS)
    assert bench.runner.disabled.is_set()
    assert bench.runner.stats.state == "disabled"
    assert bench.reports == [SinkDisabled("s", "HTTP 410")]


async def test_a_refusal_shows_that_the_receiver_is_there(autojump_clock):
    bench = Bench(
        [DeliveryError("down"), DeliveryError("no", on_error="dead_letter"), DeliveryError("down")], threshold=2
    )
    for _ in range(3):
        await bench.runner.attempt(EVENTS)
    assert bench.runner.breaker._open_until is None


async def test_an_attempt_that_is_cancelled_leaves_the_way_free(autojump_clock):
    bench = Bench([DeliveryError("down"), "hang"], threshold=1)
    await bench.runner.attempt(EVENTS)
    with trio.move_on_after(5):
        await bench.runner.attempt(EVENTS)
    with trio.fail_after(1):
        assert await bench.runner.attempt(EVENTS) is None


@pytest.mark.parametrize("on_error", ["retry", "pause", "dead_letter", "disable"])
async def test_every_failure_is_counted(on_error, autojump_clock):
    bench = Bench([DeliveryError("x", on_error=on_error)])
    await bench.runner.attempt(EVENTS)
    assert bench.runner.stats.failures == 1
