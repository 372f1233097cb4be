"""`jackfield._gateway.live_state`: the state of a running gateway, against both simulators and by itself."""

import sqlite3
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import attrs
import pytest
import trio

import jackfield
from jackfield._gateway import live_state
from jackfield._journal.copying import back_up
from jackfield.addresses import Address
from jackfield.errors import ConfigError, JackfieldError
from jackfield.events import Event, Parties
from jackfield.simulation import serve

NOW = datetime.now(UTC).replace(microsecond=0)
FEED = {"provider": "voipbin", "url": "ws://127.0.0.1:1/", "token": "t", "customer_id": "C"}  # where nobody answers
CONFIG = {"feeds": {"office": FEED}}


def happened(kind, second=0, id="c1", **parties):
    entity, _, word = kind.partition(".")
    at = NOW + timedelta(seconds=second)
    address = Address("acme", "account", "A", entity, id, word)
    return Event(f"{kind}-{id}-{second}", kind, address, at, at, "program", id, parties=Parties(**parties))


async def test_a_snapshot_and_then_every_change():
    async with jackfield.open_gateway(CONFIG) as gateway:
        assert (await gateway.snapshot()).contacts == {}
        await gateway.publish(happened("contact.queued", queue_id="q1"))
        async with gateway.watch() as watch:
            assert watch.snapshot.contacts["acme/c1"].state == "queued"
            assert watch.snapshot.position == 1
            assert watch.take_nowait() is None
            await gateway.publish(happened("offer.created", 1), happened("contact.connected", 2, agent_id="a1"))
            changes = await watch.take()
            changed = {(each.entity, each.key): each.value for each in changes.changes}
            assert changes.position == 3
            assert changed["contact", "acme/c1"].state == "connected"
            assert changed["agent", "acme/a1"].state == "busy"
            assert changed["queue", "acme/q1"].waiting == 0
            assert changed["totals", ""].answered == 1


async def test_a_slow_loop_gets_each_thing_once_as_it_stands():
    async with jackfield.open_gateway(CONFIG) as gateway, gateway.watch("contact") as watch:
        for number in range(50):
            await gateway.publish(happened("contact.queued", number, f"c{number % 5}"))
        (changes,) = [await watch.take()]
        assert sorted(each.key for each in changes.changes) == [f"acme/c{number}" for number in range(5)]


async def test_a_watch_ends_with_its_gateway(autojump_clock):
    async with trio.open_nursery() as nursery:
        async with jackfield.open_gateway(CONFIG) as gateway, gateway.watch() as watch:
            ended = []

            async def follow():
                ended.extend([changes async for changes in watch])
                ended.append(None)

            nursery.start_soon(follow)
            await trio.testing.wait_all_tasks_blocked()
        assert ended == [None]
    assert (await gateway.snapshot()).contacts == {}
    with pytest.raises(JackfieldError, match="closed"):
        gateway.watch()


async def test_a_watch_that_is_left_gets_nothing():
    async with jackfield.open_gateway(CONFIG) as gateway:
        async with gateway.watch() as watch:
            pass
        await gateway.publish(happened("contact.queued"))
        assert await watch.take() is None
        with pytest.raises(RuntimeError, match="async with"):
            _ = gateway.watch().snapshot
        with pytest.raises(ValueError, match="bus"):
            gateway.watch("bus")


async def test_nothing_is_reduced_where_nobody_asks():
    async with jackfield.open_gateway(CONFIG) as gateway:
        await gateway.publish(happened("contact.queued"))
        assert gateway._journal.committed == []


async def test_nobody_asked_in_time(autojump_clock):
    async with jackfield.open_gateway(CONFIG) as gateway:
        await gateway.publish(happened("contact.queued"))
    with pytest.raises(JackfieldError, match="closed"):
        await gateway.snapshot()


async def test_a_restart_is_the_checkpoint_and_the_later_events(tmp_path):
    config = CONFIG | {"gateway": {"journal": str(tmp_path / "journal")}}
    async with jackfield.open_gateway(config) as gateway:
        await gateway.snapshot()
        await gateway.publish(happened("contact.queued", queue_id="q1", queue_name="Sales", caller="+491"))
        before = await gateway.snapshot()
    async with jackfield.open_gateway(config) as gateway:  # whose program did not ask
        await gateway.publish(happened("contact.connected", 5, agent_id="a1"))
    async with jackfield.open_gateway(config) as gateway:
        after = await gateway.snapshot()
    assert after.queues["acme/q1"].name == "Sales"
    assert (before.contacts["acme/c1"].state, after.contacts["acme/c1"].state) == ("queued", "connected")
    assert after.contacts["acme/c1"].caller == "+491"
    assert (before.position, after.position) == (1, 2)


async def test_without_a_good_checkpoint_the_journals_day_is_read_back(tmp_path):
    config = CONFIG | {"gateway": {"journal": str(tmp_path / "journal")}}
    async with jackfield.open_gateway(config) as gateway:
        await gateway.snapshot()
        await gateway.publish(happened("contact.queued"))
    with sqlite3.connect(tmp_path / "journal" / "state.db") as db:
        db.execute("UPDATE checkpoint SET crc = crc + 1")
    db.close()
    async with jackfield.open_gateway(config) as gateway:
        snapshot = await gateway.snapshot()
    assert snapshot.contacts["acme/c1"].state == "queued"
    assert (snapshot.position, snapshot.unread) == (1, 0)


def long_ago(number):
    then = datetime.now(UTC) - timedelta(days=2)
    return attrs.evolve(happened("contact.queued", id=f"old{number}"), time=then, received=then)


async def written(config, *events):
    """A journal by a gateway whose program never asked for the state."""
    async with jackfield.open_gateway(config) as gateway:
        await gateway.publish(*events)


async def test_a_first_start_reads_back_what_is_of_today_and_no_more(tmp_path):
    config = CONFIG | {"gateway": {"journal": str(tmp_path / "journal")}}
    await written(config, *map(long_ago, range(40)), *(happened("contact.queued", id=f"c{n}") for n in range(7)))
    async with jackfield.open_gateway(config) as gateway:
        snapshot = await gateway.snapshot()
    assert {contact.id for contact in snapshot.contacts.values()} == {f"c{n}" for n in range(7)}
    assert (snapshot.position, snapshot.unread) == (47, 0)


async def test_a_first_start_reads_back_no_more_than_so_many(tmp_path, monkeypatch):
    monkeypatch.setattr(live_state, "MOST_READ", 5)
    config = CONFIG | {"gateway": {"journal": str(tmp_path / "journal")}}
    await written(config, *(happened("contact.queued", id=f"c{n}") for n in range(20)))
    async with jackfield.open_gateway(config) as gateway:
        assert len((await gateway.snapshot()).contacts) == 5


async def test_a_first_start_on_a_backup_that_was_put_back_reads_what_is_before_the_positions_that_it_left_out(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(live_state, "MOST_READ", 5)
    config = CONFIG | {"gateway": {"journal": str(tmp_path / "journal")}}
    await written(config, *(happened("contact.queued", id=f"c{n}") for n in range(20)))
    await trio.to_thread.run_sync(back_up, tmp_path / "journal", tmp_path / "copy")
    config = CONFIG | {"gateway": {"journal": str(tmp_path / "copy")}}
    await written(config, *(happened("contact.queued", id=f"d{n}") for n in range(3)))
    async with jackfield.open_gateway(config) as gateway:
        snapshot = await gateway.snapshot()
    assert {contact.id for contact in snapshot.contacts.values()} == {"c18", "c19", "d0", "d1", "d2"}
    assert snapshot.unread == 0


async def test_a_long_journal_does_not_keep_anybody_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(live_state, "CATCH_UP_SECONDS", 0.0)
    monkeypatch.setattr(live_state, "PAGE", 10)
    config = CONFIG | {"gateway": {"journal": str(tmp_path / "journal")}}
    await written(config, *(happened("contact.queued", n, f"c{n % 50}") for n in range(200)))
    async with jackfield.open_gateway(config) as gateway, gateway.watch() as watch:
        first = watch.snapshot
        await gateway.publish(happened("contact.connected", 500, "c3", agent_id="a1"))
        while (snapshot := await gateway.snapshot()).unread:
            await watch.take()
    assert 0 < first.unread <= 200
    assert len(snapshot.contacts) == 50
    assert {each.state for each in snapshot.contacts.values() if each.id != "c3"} == {"queued"}
    assert (snapshot.contacts["acme/c3"].state, snapshot.position) == ("connected", 201)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc"])
async def test_a_time_zone_must_be_one(zone):
    with pytest.raises(ConfigError, match="time zone"):
        async with jackfield.open_gateway(CONFIG | {"gateway": {"time_zone": zone}}):
            pass


@asynccontextmanager
async def running(simulator):
    async with trio.open_nursery() as nursery:
        base = await nursery.start(partial(serve, simulator))
        yield simulator.feed(base)
        nursery.cancel_scope.cancel()
