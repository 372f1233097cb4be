"""`jackfield._gateway.cluster.member`: gateways that share their feeds, against a simulator and by real locks."""

import re
import shutil
from contextlib import AsyncExitStack

import attrs
import pytest
import trio

import jackfield
from jackfield.plugin.hooks import hookimpl
from jackfield.reports import ClusterLost, FeedHeld, FeedReleased, GapSuspected
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
                "gateway": {"journal": str(tmp_path / name), "memory_events": 60},
                "feeds": {"office": {**running.feed(), "holders": holders}},
                "cluster": {"url": f"file:{tmp_path}/locks", "lease_seconds": 1.0, "member": name},
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
    assert held.fence == one.told.of(FeedHeld)[0].fence + 1
    await until(lambda: two.gateway.state().feeds["office"].events > held.flushed)
    assert held.flushed >= (150 if holders == 2 else 0)
    await until(lambda: holders == 2 or two.told.of(GapSuspected))
    await until(lambda: two.gateway.state().journal.taken >= two.gateway.state().feeds["office"].events)
    assert two.gateway.state().journal.dropped == 0  # what was kept has more events than may wait for the disk
    assert [report.reason for report in one.told.of(FeedReleased)] == ["the gateway was closed"]
    assert len(two.told.of(GapSuspected)) == (1 if holders == 1 else 0)
    two.leaving.set()


async def test_where_the_folder_is_removed_the_holder_says_so_stops_writing_and_goes_on_with_a_higher_number(
    world, tmp_path
):
    one, two = await world("one", 2), await world("two", 2)
    await until(
        lambda: {one.feed.role, two.feed.role} == {"writes", "stands by"} and one.feed.holder == two.feed.holder
    )
    await until(lambda: one.feed.kept + two.feed.kept > 150)
    before = one.feed.fence
    await trio.to_thread.run_sync(shutil.rmtree, tmp_path / "locks" / "jackfield")
    both = []

    def written_again():
        both.append([one.feed.role, two.feed.role].count("writes"))
        return {one.feed.role, two.feed.role} == {"writes", "stands by"} and one.feed.fence == two.feed.fence > before

    await until(written_again)
    assert max(both) == 1
    for member in (one, two):
        assert "was removed or replaced" in str(member.told.of(ClusterLost)[0])
        assert member.told.of(GapSuspected) == []
    one.leaving.set()
    two.leaving.set()


async def test_what_the_last_holder_left_is_known_even_where_the_coordinator_has_lost_it(world, tmp_path):
    one = await world("one")
    await until(lambda: one.feed.role == "writes" and one.gateway.state().journal.taken > 50)
    two = await world("two")
    await until(lambda: two.feed.holder)
    await trio.to_thread.run_sync(shutil.rmtree, tmp_path / "locks" / "jackfield")
    one.leaving.set()
    await until(lambda: two.feed.role == "writes" and two.told.of(GapSuspected))
    assert two.told.of(FeedHeld)[0].fence > one.told.of(FeedHeld)[0].fence
    two.leaving.set()


async def test_what_waits_for_a_coordinator_that_is_away_is_committed_when_the_gateway_is_closed(world, tmp_path):
    one = await world("one")
    await until(lambda: one.feed.role == "writes" and one.state == "subscribed")
    await trio.to_thread.run_sync(shutil.rmtree, tmp_path / "locks" / "jackfield")
    (tmp_path / "locks" / "jackfield").write_text("no folder")
    await until(lambda: one.feed.role == "stands by" and one.feed.kept > 20)
    one.leaving.set()
    await until(lambda: one.told.of(FeedReleased))
    (released,) = one.told.of(FeedReleased)
    assert re.search(r"was closed; \d\d+ events that waited for the coordinator", released.reason)
    assert one.gateway.state().journal.taken >= one.gateway.state().feeds["office"].events


async def test_a_feed_that_a_reload_makes_another_one_is_held_on_and_one_that_is_removed_is_given_back(world):
    one = await world("one")
    await until(lambda: one.feed.role == "writes" and one.state == "subscribed")
    (office,) = one.gateway.config.feeds
    other = {"provider": "voipbin", "url": office.provider.url, "token": "t", "customer_id": "c0ffee"}
    await one.gateway.add_feed("new", other)
    await until(lambda: one.gateway.state().cluster.feeds["new"].role == "writes")
    await one.gateway.remove_feed("new")
    await until(lambda: [each.reason for each in one.told.of(FeedReleased)] == ["it is not configured here any more"])
    changed = attrs.evolve(office, provider=attrs.evolve(office.provider, customer_id="c0ffee"))
    connections = one.gateway.state().feeds["office"].connections
    await one.gateway.apply(attrs.evolve(one.gateway.config, feeds=(changed,)))
    await until(lambda: one.feed.role == "writes" and one.gateway.state().feeds["office"].connections > connections)
    assert [held.feed for held in one.told.of(FeedHeld)] == ["office", "new"]
    one.leaving.set()


async def test_a_member_whose_coordinator_is_away_starts_and_ends_all_the_same(tmp_path):
    (tmp_path / "file").write_text("")
    told = Told()
    config = {
        "feeds": {"office": {"provider": "voipbin", "url": "ws://127.0.0.1:9", "token": "t"}},
        "cluster": {"url": f"file:{tmp_path}/file/x", "lease_seconds": 1.0},
    }
    async with jackfield.open_gateway(config, plugins=[told]) as gateway:
        await until(lambda: told.of(ClusterLost))
        assert gateway.state().cluster.trouble.endswith("Not a directory")
    (lost,) = told.of(ClusterLost)
    assert str(lost).endswith("; not joined yet, so no shared feed is connected until it answers")
