"""`jackfield_redis.coordinator`: leases with fencing numbers, by the server's clock."""

import pytest
import trio

from jackfield.errors import ConnectionLost
from jackfield.plugin.secrets import Secret
from jackfield_redis import RedisCoordinator


@pytest.fixture
async def member(server):
    opened = []

    async def make(name, seconds=10.0, cluster="office"):
        opening = RedisCoordinator(url=server.url).open(cluster, name, seconds)
        opened.append(opening)
        return await opening.__aenter__()

    yield make
    for opening in opened:
        await opening.__aexit__(None, None, None)


async def test_a_lease_has_one_holder_and_a_higher_number_each_time(member):
    one, two = await member("one"), await member("two")
    assert await one.acquire("feed", 0) == 1
    assert await two.acquire("feed", 0) == await one.acquire("feed", 0) == 0
    await two.beat("about two", {"feed": "not its"})
    view = await one.beat("about one", {"feed": "so far"})
    assert view.members == {"one": "about one", "two": "about two"}
    lease = view.leases["feed"]
    assert (lease.member, lease.fence, lease.note) == ("one", 1, "so far")
    assert 9 < lease.seconds_left <= 10
    await two.release("feed", "not its either")
    await one.release("feed", "to here")
    lease = (await two.look()).leases["feed"]
    assert (lease.member, lease.note, lease.seconds_left) == ("", "to here", 0)
    assert await two.acquire("feed", 7) == 8
    await one.leave()
    assert set((await two.look()).members) == {"two"}


async def test_a_lease_that_nobody_renews_ends_and_its_note_stands(member):
    one, two = await member("one", 0.3), await member("two")
    await one.acquire("feed", 0)
    await one.beat("one", {"feed": "its last word"})
    await trio.sleep(0.4)
    view = await two.beat("two", {})
    assert (set(view.members), view.leases["feed"].member, view.leases["feed"].note) == ({"two"}, "", "its last word")
    assert await two.acquire("feed", 0) == 2
    # The first was stopped meanwhile: it renews nothing, and says nothing that the next holder would read.
    view = await one.beat("one", {"feed": "a word too late"})
    assert (view.leases["feed"].member, view.leases["feed"].note) == ("two", "its last word")


async def test_clusters_of_two_names_have_nothing_to_do_with_each_other(member):
    one, other = await member("one"), await member("one", cluster="another")
    await one.acquire("feed", 0)
    await one.beat("one", {})
    assert (await other.look()).members == (await other.look()).leases == {}
    assert await other.acquire("feed", 0) == 1


async def test_a_number_never_goes_back_where_redis_has_lost_its_data(member, server):
    one = await member("one")
    assert await one.acquire("feed", 0) == 1
    server.ask("FLUSHALL")
    assert await one.acquire("feed", 41) == 42


async def test_a_server_that_is_away_is_named_and_the_next_call_connects_anew(servers):
    server = servers()
    async with RedisCoordinator(url=server.url).open("office", "one", 10.0) as one:
        await one.beat("one", {})
        server.kill()
        with pytest.raises(ConnectionLost, match=f"{server.url}/0: "):
            await one.beat("one", {})
        server.start()
        assert set((await one.beat("one", {})).members) == {"one"}


async def test_a_wrong_password_is_reported_without_it(servers):
    server = servers("s3cret-of-redis")
    async with RedisCoordinator(url=server.url, password=Secret("text", "wr0ng")).open("office", "one", 1.0) as one:
        with pytest.raises(ConnectionLost, match="does not accept username and password") as error:
            await one.beat("one", {})
    assert "wr0ng" not in str(error.value)
