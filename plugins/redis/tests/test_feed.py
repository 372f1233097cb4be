"""The feed against a real server: order, acknowledgement, leases, and what was trimmed, lost or fenced."""

from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import pytest
import trio

from jackfield.errors import ConnectionLost, FrameError
from jackfield.plugin.protocol import Emit, GapSuspected
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import Batch
from jackfield_redis import RedisFeed, RedisSink
from jackfield_redis.keys import Partition
from jackfield_redis.leases import share_of
from jackfield_redis.relay import read_frame

LEASE = 1.0


def feed_of(server, **options):
    return RedisFeed(url=server.url, **{"lease_seconds": LEASE, "timeout": 3.0, "settle_seconds": 0.0, **options})


async def write(server, events, partitions=1, **options):
    async with RedisSink(url=server.url, partitions=partitions, **options).open() as out:
        await out.write(Batch(tuple(events)))


class Member:
    """Reads in the background, as the host does; acknowledges at once unless it is to keep."""

    def __init__(self, source, *, acknowledge=True):
        self.source, self.acknowledge = source, acknowledge
        self.events, self.tokens, self.gaps = [], [], []

    async def run(self):
        while True:
            for frame in await self.source.receive():
                for action in read_frame(frame, datetime.now(UTC)):
                    if isinstance(action, Emit):
                        self.events.append(action.event.id)
                        self.tokens.append(action.token)
                        if self.acknowledge:
                            await self.source.send(action.token)
                    elif isinstance(action, GapSuspected):
                        self.gaps.append(action.reason)

    @property
    def held(self):
        return set(self.source._leases.held) if self.source._leases else set()


@asynccontextmanager
async def member(server, token=None, *, acknowledge=True, **options):
    feed = feed_of(server, **options)
    source = feed.endpoint() if token is None else feed.resume_from(token)
    async with source.open() as opened, trio.open_nursery() as nursery:
        reading = Member(opened, acknowledge=acknowledge)
        nursery.start_soon(reading.run)
        yield reading
        nursery.cancel_scope.cancel()


async def until(condition, seconds=10.0):
    with trio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110  # what another process does has no event
            await trio.sleep(0.01)


def pending(server, partitions=1, group="jackfield"):
    return sum(server.ask("XPENDING", Partition("events", n).entries, group)[0] for n in range(partitions))


async def test_everything_comes_in_order_and_what_is_committed_is_acknowledged(server, event):
    events = [event(number, f"c-{number % 5}") for number in range(700)]
    await write(server, events, 4)
    async with member(server) as one:
        await until(lambda: len(one.events) == 700)
        await write(server, [event("later", "c-1")], 4)
        await until(lambda: "later" in one.events)
        for key in range(5):
            mine = [name for name in one.events if name.isdigit() and int(name) % 5 == key]
            assert mine == sorted(mine, key=int)
        await until(lambda: pending(server, 4) == 0)
    assert one.gaps == []


async def test_what_was_not_committed_comes_again_first_and_in_order(server, event):
    await write(server, [event(number) for number in range(5)])
    async with member(server, acknowledge=False) as one:
        await until(lambda: len(one.events) == 5)
        await one.source.send(one.tokens[1])
    await write(server, [event(number) for number in range(5, 8)])
    async with member(server, one.tokens[1], member="another") as two:
        await until(lambda: len(two.events) == 6)
    assert two.events == ["2", "3", "4", "5", "6", "7"]


async def test_what_is_pending_for_a_stranger_of_the_group_comes_too(server, event):
    await write(server, [event(number) for number in range(4)])
    stream = Partition("events", 0).entries
    server.ask("XGROUP", "CREATE", stream, "jackfield", "0")
    server.ask("XREADGROUP", "GROUP", "jackfield", "stranger", "COUNT", "2", "STREAMS", stream, ">")
    async with member(server) as one:
        await until(lambda: len(one.events) == 4)
    assert one.events == ["0", "1", "2", "3"]


async def test_members_share_the_partitions_evenly_and_hand_over_in_order(server, event):
    sent = 0

    async def more(count):
        nonlocal sent
        await write(server, [event(n, f"c-{n % 50}") for n in range(sent, sent + count)], 16)
        sent += count

    everything = []
    async with AsyncExitStack() as stack:
        members = []
        for number in range(4):
            members.append(await stack.enter_async_context(member(server, member=f"m{number}")))
            await more(200)
            share = 16 // (number + 1)
            await until(lambda share=share: all(len(each.held) >= share for each in members))
        await until(lambda: sorted(len(each.held) for each in members) == [4, 4, 4, 4])
        assert set.union(*(each.held for each in members)) == set(range(16))
        await more(400)
        await until(lambda: sum(len(each.events) for each in members) >= sent)
        everything = [name for each in members for name in each.events]
        loads = [len([name for name in each.events if int(name) >= 800]) for each in members]
    assert sorted(map(int, everything)) == list(range(sent))  # each once: nothing was read by two
    assert min(loads) > 0
    async with member(server, member="after") as last:  # all gave back their leases: it need not wait
        with trio.fail_after(LEASE / 2):
            await until(lambda: len(last.held) == 16)


async def test_another_takes_over_within_one_and_a_half_leases_when_a_member_dies(server, event):
    await write(server, [event(number) for number in range(3)])
    async with member(server, acknowledge=False, member="dies") as one:
        await until(lambda: len(one.events) == 3)
        one.source._leases.beat = trio.sleep_forever  # it is stopped, as by SIGSTOP
        one.source._round = trio.sleep_forever
        began = trio.current_time()
        async with member(server, member="lives") as two:
            await until(lambda: len(two.events) == 3)
            assert trio.current_time() - began < 1.5 * LEASE
            # Whatever the first one believes, its reads are refused by the number of its lease.
            await write(server, [event("new")])
            del one.source._round
            held = next(iter(one.source._leases.held.values()), None)
            if held is not None:
                held.until = trio.current_time() + 100
                held.claiming = held.pending_after = None
                await one.source._round()
            await until(lambda: "new" in two.events)
        assert "new" not in one.events
        assert one.held == set()


async def test_trimmed_entries_are_counted_whether_they_were_read_or_not(server, event):
    await write(server, [event(number) for number in range(6)])
    stream = Partition("events", 0).entries
    async with member(server, acknowledge=False) as one:
        await until(lambda: len(one.events) == 6)
    server.ask("XTRIM", stream, "MAXLEN", "0")
    await write(server, [event(number) for number in range(6, 10)])
    server.ask("XTRIM", stream, "MAXLEN", "1")
    async with member(server) as two:
        await until(lambda: two.events == ["9"])
    assert [reason.split(": ")[1].split(" were")[0] for reason in two.gaps] == ["6 entries", "3 entries"]
    assert pending(server) == 0


async def test_a_group_that_vanishes_is_made_again_and_reported(server, event):
    await write(server, [event(1)])
    async with member(server) as one:
        await until(lambda: one.events == ["1"])
        server.ask("XGROUP", "DESTROY", Partition("events", 0).entries, "jackfield")
        await write(server, [event(2)])
        await until(lambda: "2" in one.events)
    assert len(one.gaps) == 1
    assert "the group 'jackfield' was gone" in one.gaps[0]


async def test_a_stream_that_redis_has_lost_is_reported_once_and_read_when_it_is_there_again(server, event):
    async with member(server, "3:1700000000000-0") as one:
        await until(lambda: one.gaps)
        await write(server, [event(1)])
        await until(lambda: one.events == ["1"])
    assert one.gaps == ["partition 3: Redis has lost the stream, and with it what was not read"]


async def test_a_redis_that_came_back_empty_is_noticed_although_its_streams_are_there_again(server, event):
    await write(server, [event(1)])
    async with member(server, f"0:{1_700_000_000_000}-0") as one:
        await until(lambda: one.events == ["1"])
    assert len(one.gaps) == 1
    assert "the group 'jackfield' was gone" in one.gaps[0]


async def test_a_connection_that_is_lost_says_so(servers, event):
    server = servers("the-password")
    right = Secret("text", "the-password")
    await write(server, [event(1)], password=right)
    with pytest.raises(ConnectionLost, match=r"Connection lost|closed"):
        async with feed_of(server, password=right).endpoint().open() as source:
            assert len(await source.receive()) == 1
            server.kill()
            await source.receive()
    with pytest.raises(ConnectionLost, match="Unable to establish"):
        async with feed_of(server, password=right).endpoint().open():
            pass
    server.start()
    with pytest.raises(ConnectionLost) as caught:
        async with feed_of(server, password=Secret("text", "another-password")).endpoint().open():
            pass
    assert (caught.value.auth_failed, "another-password" in str(caught.value)) == (True, False)


def test_shares_are_even_and_the_same_for_all():
    for count in (1, 2, 3, 5, 16, 20):
        names = [f"m{number}" for number in range(count)]
        shares = [share_of(name, names, 16) for name in names]
        assert sum(shares) == 16
        assert max(shares) - min(shares) <= 1


async def test_a_user_with_the_rights_of_the_page_can_read(server, event):
    rights = "evalsha eval get set del exists incr pexpire hset hmget zadd zrem zrange zremrangebyscore time xgroup"
    more = "xreadgroup xautoclaim xack select"
    wanted = [f"+{name}" for name in f"{rights} {more}".split()]
    server.ask("ACL", "SETUSER", "reading", "on", ">pw-of-reading", "~jackfield:*", *wanted)
    await write(server, [event(1)])
    async with member(server, username="reading", password=Secret("text", "pw-of-reading")) as one:
        await until(lambda: one.events == ["1"])
        await until(lambda: pending(server) == 0)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (("n", "not a number", "event", "no event"), "not a CloudEvent"),
        (("n", "99999999999999999999999", "event", "no event"), "not a CloudEvent"),
        (("of", "somebody else"), "not a CloudEvent"),
    ],
)
async def test_an_entry_that_somebody_else_has_written_is_named_and_hinders_nothing(server, event, fields, problem):
    await write(server, [event("a")])
    server.ask("XADD", Partition("events", 0).entries, "*", *fields)
    await write(server, [event("b")])
    frames, outcomes = [], []
    async with feed_of(server).endpoint().open() as source:
        while len(frames) < 3:
            frames += await source.receive()
    for frame in frames:
        try:
            outcomes += [action.event.id for action in read_frame(frame, datetime.now(UTC)) if isinstance(action, Emit)]
        except FrameError as error:
            outcomes.append(str(error))
    assert (outcomes[0], outcomes[2]) == ("a", "b")
    assert outcomes[1].startswith("entry ")
    assert problem in outcomes[1]


async def test_what_came_while_a_lease_was_renewed_late_comes_again_and_is_not_left_out(server, event):
    await write(server, [event("a")])
    async with feed_of(server).endpoint().open() as source:
        assert len(await source.receive()) == 1
        await write(server, [event("b")])
        with trio.fail_after(5):
            while not source._frames:  # noqa: ASYNC110  # what another task reads
                await trio.sleep(0.01)
        # This process was busy: the lease is over when the entry is to be handed over, and is renewed only then.
        held = source._leases.held[0]
        until, held.until = held.until, trio.current_time() - 1
        assert not source._is_held(held)
        held.until, source._frames, found = until, [], []
        source._taken.set()
        with trio.fail_after(5):
            while b'"id":"b"' not in b"".join(found):
                found += await source.receive()
