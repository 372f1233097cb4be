"""The sink against a real server: each id once, in order, and what it does about everything that a server can say."""

import attrs
import pytest
import trio

from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import Batch
from jackfield_redis import RedisSink
from jackfield_redis.keys import Partition, partition_of


def sink_of(server, **options):
    return RedisSink(url=server.url, **{"partitions": 1, "timeout": 3.0, **options})


async def failing(out, batch):
    try:
        await out.write(batch)
    except DeliveryError as error:
        return error
    pytest.fail("it was written")


async def test_a_copy_is_left_out_and_entries_are_numbered_without_a_gap(server, batch, entries):
    async with sink_of(server).open() as out:
        await out.write(batch(1, 2, 2, 3))
        await out.write(batch(2, 3, 4))
    assert entries(server) == [(1, "1"), (2, "2"), (3, "3"), (4, "4")]


async def test_an_id_is_remembered_for_as_long_as_is_said(server, batch, entries):
    async with sink_of(server, dedupe_seconds=77).open() as out:
        await out.write(batch(1))
        assert 70 < server.ask("TTL", Partition("events", 0).seen("1")) <= 77
        server.ask("DEL", Partition("events", 0).seen("1"))
        await out.write(batch(1))
    assert entries(server) == [(1, "1"), (2, "1")]


async def test_events_of_one_correlation_are_in_one_partition_and_many_are_spread_evenly(server, event, entries):
    events = [event(number, f"contact-{number % 1000}") for number in range(2000)]
    async with sink_of(server, partitions=16).open() as out:
        await out.write(Batch(tuple(events)))
    for number in range(16):
        length = server.ask("XLEN", Partition("events", number).entries)
        assert 2000 / 16 * 0.6 < length < 2000 / 16 * 1.4
    assert {partition_of(each, 16) for each in events if each.correlation == "contact-7"} == {
        partition_of(event(0, "contact-7"), 16)
    }
    assert len(entries(server, partitions=16)) == 2000


async def test_without_a_correlation_the_thing_that_it_is_about_keeps_its_order(event):
    assert partition_of(event(1, None), 4096) == partition_of(event(2, None), 4096)


async def test_a_script_that_the_server_has_forgotten_is_sent_again(server, batch, entries):
    async with sink_of(server).open() as out:
        await out.write(batch(1))
        server.ask("SCRIPT", "FLUSH")
        await out.write(batch(2))
    assert [name for _, name in entries(server)] == ["1", "2"]


async def test_a_partition_keeps_about_as_many_events_as_is_said(server, batch):
    async with sink_of(server, retain_events=1000).open() as out:
        for start in range(0, 3000, 500):
            await out.write(batch(*range(start, start + 500)))
    assert 1000 <= server.ask("XLEN", Partition("events", 0).entries) < 1300


async def test_a_partition_keeps_events_for_about_as_long_as_is_said(server, batch):
    stream = Partition("events", 0).entries
    for number in range(300):
        server.ask("XADD", stream, f"{number + 1}-0", "event", "of 1970")
    async with sink_of(server, retain_seconds=3600).open() as out:
        await out.write(batch(1))
    assert server.ask("XLEN", stream) <= 101  # what is trimmed is whole nodes of 100 entries


async def test_out_of_memory_nothing_counts_as_a_copy_that_is_not_there_and_all_comes_when_there_is_room(
    server, batch, entries
):
    async with sink_of(server).open() as out:
        await out.write(batch(1))
        server.ask("CONFIG", "SET", "maxmemory", "1")
        try:
            error = await failing(out, batch(2, 3))
        finally:
            server.ask("CONFIG", "SET", "maxmemory", "0")
        assert (error.on_error, "no memory left" in error.reason) == ("retry", True)
        await out.write(batch(2, 3))
    assert entries(server) == [(1, "1"), (2, "2"), (3, "3")]


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random"])
async def test_a_server_that_may_throw_events_away_is_not_written_to(server, batch, policy):
    server.ask("CONFIG", "SET", "maxmemory", "100mb")
    server.ask("CONFIG", "SET", "maxmemory-policy", policy)
    try:
        async with sink_of(server).open() as out:
            error = await failing(out, batch(1))
    finally:
        server.ask("CONFIG", "SET", "maxmemory", "0")
        server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert (error.on_error, policy in error.reason) == ("pause", True)


async def test_another_number_of_partitions_than_the_stream_has_is_refused_and_named(server, batch):
    async with sink_of(server, partitions=4).open() as out:
        await out.write(batch(1))
    async with sink_of(server, partitions=8).open() as out:
        error = await failing(out, batch(2))
    assert (error.on_error, "set partitions = 4" in error.reason) == ("pause", True)


async def test_what_stands_under_a_streams_key_stops_it_and_nothing_counts_as_written(server, batch, entries):
    server.ask("SET", Partition("events", 0).entries, "a text")
    async with sink_of(server).open() as out:
        error = await failing(out, batch(1))
        assert (error.on_error, error.failed) == ("pause", frozenset({0}))
        server.ask("DEL", Partition("events", 0).entries)
        await out.write(batch(1))
    assert entries(server) == [(1, "1")]


async def test_a_wrong_password_pauses_and_is_not_shown(servers, batch):
    server = servers("the-right-password")
    async with sink_of(server, password=Secret("text", "the-wrong-password")).open() as out:
        error = await failing(out, batch(1))
    assert (error.on_error, "wrong-password" in str(error)) == ("pause", False)
    async with sink_of(server).open() as out:
        assert (await failing(out, batch(1))).on_error == "pause"
    async with sink_of(server, password=Secret("text", "the-right-password")).open() as out:
        await out.write(batch(1))


async def test_a_user_with_the_rights_of_the_page_can_write_and_one_without_is_paused(server, batch, entries):
    rights = ["~jackfield:*", "+evalsha", "+eval", "+script|load", "+get", "+set", "+exists", "+xadd", "+xtrim"]
    server.ask("ACL", "SETUSER", "writer", "on", ">pw-of-writer", *rights, "+time", "+info", "+xinfo", "+select")
    server.ask("ACL", "SETUSER", "reader", "on", ">pw-of-reader", "~jackfield:*", "+get")
    async with sink_of(server, username="writer", password=Secret("text", "pw-of-writer")).open() as out:
        await out.write(batch(1))
    async with sink_of(server, username="reader", password=Secret("text", "pw-of-reader")).open() as out:
        error = await failing(out, batch(2))
    assert (error.on_error, "may not do this" in error.reason) == ("pause", True)
    assert entries(server) == [(1, "1")]


async def test_a_replica_is_tried_again_and_a_former_replica_gets_what_was_kept(servers, server, batch, entries):
    replica = servers()
    replica.ask("REPLICAOF", "127.0.0.1", str(server.port))
    async with sink_of(replica).open() as out:
        error = await failing(out, batch(1))
        assert (error.on_error, "replica" in error.reason) == ("retry", True)
        replica.ask("REPLICAOF", "NO", "ONE")
        replica.ask("FLUSHALL")
        await out.write(batch(1))
    assert entries(replica) == [(1, "1")]


async def test_replicas_that_are_missing_fail_a_write_that_waits_for_them_and_no_copy_passes_for_acknowledged(
    server, batch, entries
):
    async with sink_of(server, acks=1, timeout=0.3).open() as out:
        for _ in range(2):
            error = await failing(out, batch(1))
            assert (error.on_error, "0 of 1 replicas" in error.reason) == ("retry", True)
    assert entries(server) == [(1, "1")]


async def test_a_replica_that_is_there_acknowledges(servers, batch):
    primary, replica = servers(), servers()
    replica.ask("REPLICAOF", "127.0.0.1", str(primary.port))
    async with sink_of(primary, acks=1, timeout=10).open() as out:
        while True:  # until it has synchronised
            try:
                await out.write(batch(1))
                break
            except DeliveryError:
                continue
    assert replica.ask("XLEN", Partition("events", 0).entries) == 1


async def test_fsync_is_promised_only_by_a_server_that_does_it(servers, server, batch):
    async with sink_of(server, acks="fsync").open() as out:
        error = await failing(out, batch(1))
    assert (error.on_error, "appendfsync always" in error.reason) == ("pause", True)
    async with sink_of(servers(appendonly="yes", appendfsync="always"), acks="fsync").open() as out:
        await out.write(batch(1))


async def test_a_server_that_lost_what_it_had_acknowledged_is_reported_once(servers, batch, entries):
    server = servers()
    async with sink_of(server).open() as out:
        await out.write(batch(1, 2))
        server.kill()
        assert (await failing(out, batch(3))).on_error == "retry"
        server.start()  # without its data
        error = await failing(out, batch(3))
        assert "has lost what it had acknowledged: 1 of 1 partitions" in error.reason
        await out.write(batch(3))
    assert entries(server) == [(1, "3")]


async def test_a_server_that_kept_its_data_through_a_kill_goes_on_without_a_word(servers, batch, entries):
    server = servers(appendonly="yes", appendfsync="always")
    async with sink_of(server).open() as out:
        await out.write(batch(1, 2))
        server.kill()
        assert (await failing(out, batch(3))).on_error == "retry"
        server.start()
        await out.write(batch(2, 3))
    assert entries(server) == [(1, "1"), (2, "2"), (3, "3")]


async def test_a_node_of_a_cluster_is_named_as_such(servers, batch):
    node, other = servers(cluster_enabled="yes"), servers(cluster_enabled="yes")
    async with sink_of(node).open() as out:
        error = await failing(out, batch(1))
        assert (error.on_error, "does not serve the key now" in error.reason) == ("retry", True)
        other.ask("CLUSTER", "ADDSLOTS", *map(str, range(16384)))
        node.ask("CLUSTER", "MEET", "127.0.0.1", str(other.port))
        for _ in range(400):
            if b"cluster_state:ok" in node.ask("CLUSTER", "INFO"):
                break
            await trio.sleep(0.05)
        error = await failing(out, batch(1))
    assert (error.on_error, "it is a node of a Redis Cluster" in error.reason) == ("pause", True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "redis://user:hunter2@host"}, "give them as username and password"),
        ({"url": "http://host"}, "not a valid redis:// or rediss:// URL"),
        ({"url": "redis://host/zero"}, "is not redis://HOST:PORT"),
        ({"username": "me"}, "password is missing"),
        ({"ca_file": "ca.pem"}, "is it rediss://"),
        ({"url": "rediss://host", "ca_file": "none.pem"}, "none.pem: No such file"),
        ({"stream": "a b"}, "'a b' is not a name"),
        ({"acks": 0}, "not a number of replicas"),
    ],
)
def test_an_option_that_is_wrong_is_named_with_what_would_be_right(options, problem):
    with pytest.raises(ValueError, match=r".") as caught:
        RedisSink(**{"url": "redis://host", **options})
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_what_an_earlier_holder_of_a_feed_writes_is_late_and_says_so_and_is_no_copy(server, event, entries):
    async with RedisSink(url=server.url, partitions=1).open() as out:
        await out.write(Batch((event("a"), event("b")), fences=(1, 1)))
        await out.write(Batch((event("c"), event("of another feed", feed="other")), fences=(2, 1)))
        # The first holder was stopped for longer than its lease, and goes on.
        await out.write(Batch((event("b"), event("c"), event("d"), event("by webhook")), fences=(1, 1, 1, 0)))
        await out.write(Batch((event("e"),), fences=(2,)))
        await out.write(Batch((event("of no cluster"),)))
    assert [name for _, name in entries(server)] == [
        "a", "b", "c", "of another feed", "d", "by webhook", "e", "of no cluster",
    ]  # fmt: skip
    written = [fields[3] for _, fields in server.ask("XRANGE", Partition("events", 0).entries, "-", "+")]
    assert [Event.from_cloudevent(text).late for text in written] == [False] * 4 + [True] + [False] * 3
    assert attrs.evolve(Event.from_cloudevent(written[4]), late=False) == event("d")


async def test_a_holder_that_only_brings_copies_is_known_by_its_number(server, event):
    async with RedisSink(url=server.url, partitions=1).open() as out:
        await out.write(Batch((event("a"),), fences=(1,)))
        await out.write(Batch((event("a"),), fences=(2,)))
        await out.write(Batch((event("b"),), fences=(1,)))
    (_, _), (_, fields) = server.ask("XRANGE", Partition("events", 0).entries, "-", "+")
    assert Event.from_cloudevent(fields[3]).late


async def test_a_counter_that_somebody_else_has_written_is_named(server, batch):
    server.ask("SET", Partition("events", 0).counter, "not a number")
    async with RedisSink(url=server.url, partitions=1).open() as out:
        error = await failing(out, batch("a"))
    assert error.on_error == "pause"
    assert "something else stands under a key" in str(error)
    assert "{events:0}:n is not a number" in str(error)
