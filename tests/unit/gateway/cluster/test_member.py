"""`jackfield._gateway.cluster.member`: gateways that share their feeds, against a simulator and by real locks."""

from contextlib import AsyncExitStack

import attrs
import pytest
import trio

import jackfield
from jackfield.plugin.hooks import hookimpl
from jackfield.reports import FeedHeld, FeedReleased, GapSuspected
from jackfield.simulation import simulate
from jackfield_voipbin.simulator import VoipbinSimulator


@attrs.define(eq=False)
class Told:
    reports: list = attrs.field(factory=list)

    @hookimpl
    def jackfield_observe(self, report):
        self.reports.append(report)

    def of(self, kind):
        return [report for report in self.reports if isinstance(report, kind)]


@attrs.define(eq=False)
class Member:
    gateway: jackfield.Gateway
    told: Told
    leaving: trio.Event = attrs.field(factory=trio.Event)

    @property
    def feed(self):
        return self.gateway.state().cluster.feeds["office"]

    @property
    def state(self):
        return self.gateway.state().feeds["office"].state.value


@pytest.fixture
async def world(nursery, tmp_path):
    """Makes members of one cluster, whose feed is one simulator's."""
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(simulate(VoipbinSimulator("t", rate=50.0)))

        async def live(told, name, holders, task_status):
            config = {
                "feeds": {"office": {**running.feed(), "holders": holders}},
                "cluster": {"url": f"file:{tmp_path}", "lease_seconds": 1.0, "member": name},
            }
            async with jackfield.open_gateway(config, plugins=[told]) as gateway:
                member = Member(gateway, told)
                with gateway.listen("**", buffer=100_000):
                    task_status.started(member)
                    await member.leaving.wait()

        async def make(name, holders=1):
            return await nursery.start(live, Told(), name, holders)

        yield make


async def until(true):
    with trio.fail_after(30):
        while True:
            if true():
                return
            await trio.sleep(0.02)


@pytest.mark.parametrize("holders", [1, 2])
async def test_when_the_holder_leaves_another_member_takes_over_and_only_a_lone_holder_leaves_a_gap(world, holders):
    one = await world("one", holders)
    await until(lambda: one.feed.role == "writes" and one.state == "subscribed")
    two = await world("two", holders)
    if holders == 1:
        await until(lambda: len(two.gateway.state().cluster.members) == 2)
        assert (two.feed.role, two.state) == ("elsewhere", "disconnected")
        assert two.feed.holder == one.gateway.state().cluster.member
    else:
        await until(lambda: two.feed.role == "stands by" and two.feed.kept > 150)
        assert two.gateway.state().journal.taken == 0
    one.leaving.set()
    await until(lambda: two.feed.role == "writes" and two.gateway.state().journal.taken > 20)
    (held,) = two.told.of(FeedHeld)
    assert held.fence == 2
    events = two.gateway.state().feeds["office"].events
    assert two.gateway.state().journal.taken >= events > held.flushed >= (150 if holders == 2 else 0)
    assert [report.reason for report in one.told.of(FeedReleased)] == ["the gateway was closed"]
    assert len(two.told.of(GapSuspected)) == (1 if holders == 1 else 0)
    two.leaving.set()
