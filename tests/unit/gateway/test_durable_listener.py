"""`jackfield._gateway.durable_listener`: a program goes on where it was done, through pauses, restarts and SIGKILL."""

import asyncio
import random
import shutil

import pytest
import trio
import trio.testing
from served import config, event

import jackfield
from jackfield import aio, blocking
from jackfield.errors import JackfieldError
from jackfield.plugin.hooks import hookimpl


def ids(records):
    return [int(each.event.correlation) for each in records]


async def take(listener, count):
    found = []
    with trio.fail_after(10):
        while len(found) < count:
            found += await listener.take()
    return found


async def test_it_begins_with_the_next_event_and_goes_on_behind_what_was_acknowledged(tmp_path):
    async with jackfield.open_gateway(config(tmp_path / "journal")) as gateway:
        await gateway.publish(event(1))
        with gateway.listen("contact.*", durable="crm") as listener:
            await gateway.publish(event(2), event(3), event(4))
            records = await take(listener, 3)
            assert ids(records) == [2, 3, 4]
            listener.acknowledge(records[1])
        await gateway.publish(event(5))
        with gateway.listen("contact.*", durable="crm") as listener:
            assert ids(await take(listener, 2)) == [4, 5]
    async with jackfield.open_gateway(config(tmp_path / "journal")) as gateway:
        with gateway.listen("contact.*", durable="crm") as listener:
            assert ids(await take(listener, 2)) == [4, 5]


async def test_what_was_acknowledged_is_remembered_by_a_process_that_is_killed(tmp_path):
    async with jackfield.open_gateway(config(tmp_path / "journal")) as gateway:
        with gateway.listen("**", durable="crm") as listener:
            await gateway.publish(*map(event, range(10)))
            listener.acknowledge((await take(listener, 10))[6])
            await gateway._listeners.durables.saved()
            shutil.copytree(tmp_path / "journal", tmp_path / "killed")  # as SIGKILL leaves it
    async with jackfield.open_gateway(config(tmp_path / "killed")) as gateway:
        with gateway.listen("**", durable="crm") as listener:
            assert ids(await take(listener, 3)) == [7, 8, 9]


async def test_a_loop_that_is_slower_than_its_buffer_loses_nothing(tmp_path):
    async with jackfield.open_gateway(config(tmp_path / "journal")) as gateway:
        with gateway.listen("contact.*", durable="crm", buffer=3) as listener:
            for number in range(0, 60, 2):
                await gateway.publish(event(number), event(number + 1), event(number, "call.connected"))
            assert len(listener._events) <= 5
            assert ids(await take(listener, 60)) == list(range(60))
            assert listener.dropped == 0


async def test_what_it_does_not_select_is_passed_over_once_it_is_done_with_what_it_was_given(tmp_path):
    async with jackfield.open_gateway(config(tmp_path / "journal")) as gateway:
        durables = gateway._listeners.durables
        with gateway.listen("contact.*", durable="crm") as listener:
            await gateway.publish(*(event(number, "call.connected") for number in range(5)))
            assert durables.position("crm") == 6
            await gateway.publish(event(5), event(6, "call.connected"))
            assert durables.position("crm") == 6
            (record,) = await take(listener, 1)
            listener.acknowledge(record)
            assert durables.position("crm") == 8


async def test_what_it_was_not_given_yet_cannot_be_acknowledged(tmp_path):
    async with jackfield.open_gateway(config(tmp_path / "journal")) as gateway:
        with gateway.listen("**", durable="crm") as listener, gateway.listen("**", committed=True) as other:
            await gateway.publish(event(1), event(2))
            records = await take(other, 2)
            first = await anext(listener)
            with pytest.raises(ValueError, match="event 2 was not given yet to 'crm'; acknowledge what it was given"):
                listener.acknowledge(records[1])  # which waits in its buffer
            with pytest.raises(ValueError, match="event 7 was not given yet"):
                listener.acknowledge(first._replace(position=7))
            assert gateway._listeners.durables.position("crm") == 1
            listener.acknowledge(records[0])
            listener.acknowledge((await take(listener, 1))[0])
            assert gateway._listeners.durables.position("crm") == 3


class Reports:
    def __init__(self):
        self.heard = []

    @hookimpl
    def jackfield_observe(self, report):
        self.heard.append(str(report))


async def test_what_is_not_kept_any_more_is_a_gap_that_comes_first_and_is_counted_and_reported():
    reports = Reports()
    async with jackfield.open_gateway(config(memory_events=10), plugins=[reports]) as gateway:
        with gateway.listen("**", durable="crm") as listener:
            await gateway.publish(event(0))
            listener.acknowledge((await take(listener, 1))[0])
        for number in range(1, 41):
            await gateway.publish(event(number))
        with gateway.listen("**", durable="crm") as listener:
            gap, *rest = await take(listener, 11)
            assert gap.event.kind == "stream.gap_suspected"
            assert gap.event.data["events"] == 30 == listener.dropped
            assert ids(rest) == list(range(31, 41))
            listener.acknowledge(gap)
        assert any("durable listener crm" in each for each in reports.heard)
        with gateway.listen("**", durable="crm") as listener:
            assert ids(await take(listener, 10)) == list(range(31, 41))


async def test_there_is_one_listener_of_a_name_at_a_time():
    async with jackfield.open_gateway(config()) as gateway:
        first = gateway.listen("**", durable="crm")
        with pytest.raises(JackfieldError, match="somebody listens as 'crm' already"):
            gateway.listen("**", durable="crm")
        first.close()
        with gateway.listen("**", durable="crm"):
            pass
        with pytest.raises(ValueError, match="'a/b' is not a name"):
            gateway.listen("**", durable="a/b")
        with pytest.raises(TypeError, match="durable: 7 is of type int"):
            gateway.listen("**", durable=7)


async def test_one_that_nobody_refers_to_any_more_frees_its_name():
    async with jackfield.open_gateway(config()) as gateway:
        await gateway.publish(event(1))

        async def first():
            async for _ in gateway.listen("**", durable="crm"):
                break

        async with trio.open_nursery() as nursery:
            nursery.start_soon(first)
            await trio.testing.wait_all_tasks_blocked()
            await gateway.publish(event(2))
        await trio.testing.wait_all_tasks_blocked()
        with gateway.listen("**", durable="crm") as listener:
            assert ids(await take(listener, 1)) == [2]


async def test_its_loop_ends_with_the_gateway_and_its_state_shows_it():
    async with jackfield.open_gateway(config()) as gateway:
        listener = gateway.listen("**", durable="crm")
        await gateway.publish(event(1))
        (state,) = gateway.state().listeners
        assert (state.waiting, state.buffer, state.dropped) == (1, 1000, 0)
        with pytest.raises(TypeError, match="record: 1 is of type int; give a record"):
            listener.acknowledge(1)
    assert ids([record async for record in listener]) == [1]


async def test_the_feeds_stay_subscribed_to_what_it_selects_while_nobody_listens_and_after_a_restart(tmp_path):
    async with jackfield.open_gateway(config(tmp_path / "journal")) as gateway:
        with gateway.listen("agent.*", durable="crm"):
            pass
        assert dict(gateway._feeds._selected) == {jackfield.Selector.parse("agent.*"): 1}
    async with jackfield.open_gateway(config(tmp_path / "journal")) as gateway:
        assert dict(gateway._feeds._selected) == {jackfield.Selector.parse("agent.*"): 1}
        with gateway.listen("call.*", durable="crm"):
            assert dict(gateway._feeds._selected) == {jackfield.Selector.parse("call.*"): 2}
        gateway._listeners.durables.forget("crm")
        assert dict(gateway._feeds._selected) == {}


async def test_a_program_that_is_stopped_at_random_sees_each_event_at_least_once_and_in_order(tmp_path):
    rng, done = random.Random(24), []
    for life in range(8):
        async with jackfield.open_gateway(config(tmp_path / "journal")) as gateway:
            with gateway.listen("**", durable="crm", buffer=rng.choice([1, 7, 1000])) as listener:
                await gateway.publish(*(event(number) for number in range(life * 50, life * 50 + 50)))
                for record in await take(listener, rng.randrange(1, 40)):
                    done.append(int(record.event.correlation))
                    if rng.random() < 0.8:
                        listener.acknowledge(record)
    with_repetition = [each for number, each in enumerate(done) if each not in done[:number]]
    assert with_repetition == list(range(len(with_repetition)))
    assert len(with_repetition) > 50


def test_a_script_and_an_asyncio_program_have_it_too(tmp_path):
    with blocking.open_gateway(config(tmp_path / "journal")) as gateway:
        with gateway.listen("**", durable="crm", timeout=10) as listener:
            gateway.publish(event(1), event(2), event(3))
            assert next(listener).event == event(1)
            second = next(listener)
            with gateway.listen("**", committed=True, timeout=10) as other:
                gateway.publish(event(4))
                with pytest.raises(ValueError, match="event 4 was not given yet to 'crm'"):
                    listener.acknowledge(next(other))
            listener.acknowledge(second)
            with pytest.raises(ValueError, match="event 3 was not given yet to 'crm'"):
                listener.acknowledge(second._replace(position=3))
            with pytest.raises(TypeError, match="record: None is of type NoneType"):
                listener.acknowledge(None)
            with pytest.raises(JackfieldError, match="somebody listens as 'crm' already"):
                gateway.listen("**", durable="crm", timeout=10).take()
        with pytest.raises(ValueError, match="'-' is not a name"):
            gateway.listen("**", durable="-")

    async def main():
        async with aio.open_gateway(config(tmp_path / "journal")) as gateway:
            with gateway.listen("**", durable="crm") as listener:
                assert (listener.durable, listener.dropped) == ("crm", 0)
                return ids(await listener.take())

    assert asyncio.run(main()) == [3, 4]
