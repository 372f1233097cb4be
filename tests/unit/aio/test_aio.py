"""`jackfield.aio`: the gateway beside an asyncio loop; events, errors and cancellation cross in both directions."""

import asyncio
import contextlib
import importlib.util
import inspect
import threading
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import attrs
import pytest

import jackfield
from jackfield import aio, blocking
from jackfield.errors import ConfigError, JackfieldError, JournalError, ListenerOverflow, SelectorError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.sink import SinkSpec

WAIT_SECONDS = 10


def uvloop():
    """Another loop than Python's own, where it is installed."""
    if importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    return importlib.import_module("uvloop").new_event_loop()


@pytest.fixture(params=[None, uvloop], ids=["asyncio", "uvloop"])
def run(request):
    """Run a coroutine function to its end; nothing of Jackfield's may be left then, and nothing be complained about."""

    def run(main):
        complaints = []

        async def watched():
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            async with asyncio.timeout(WAIT_SECONDS):
                result = await main()
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return result

        with asyncio.Runner(loop_factory=request.param, debug=True) as runner:
            result = runner.run(watched())
        assert complaints == []
        assert not [thread for thread in threading.enumerate() if thread.name == "jackfield"]
        return result

    return run


def make(number):
    at = datetime.now(UTC)
    address = jackfield.Address("probe", "test", "t", "call", str(number), "updated")
    return jackfield.Event(f"id-{number}", "call.updated", address, at, at, "probe")


async def until(condition):
    while not await condition():  # noqa: ASYNC110  # a test looks from outside
        await asyncio.sleep(0.01)


def test_events_of_both_vendors_arrive_and_the_gateway_tells_how_it_stands(run, vendors):
    async def main():
        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            with gateway.listen("contact.*") as contacts:
                seen = [await anext(contacts) for _ in range(40)]
                state = await gateway.state()
                assert (await gateway.plan("support")).topics
            await until(lambda: no_topics(gateway))
        assert (await gateway.state()).feeds["office"].state.value == "disconnected"
        assert {event.feed for event in seen} == {"office", "support"}
        assert state.feeds["office"].topics
        assert len(state.listeners) == 1

    async def no_topics(gateway):
        return not (await gateway.plan("support")).topics

    run(main)


def test_a_time_out_loses_no_event(run, vendors):
    async def main():
        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            with gateway.listen("probe/**") as listener:
                got = []
                for number in range(50):
                    with contextlib.suppress(TimeoutError):
                        got.append((await asyncio.wait_for(anext(listener), 0.002)).id)
                    await gateway.publish(make(number))
                while len(got) < 50:
                    got += [event.id for event in await listener.take()]
        assert got == [f"id-{number}" for number in range(50)]

    run(main)


def test_events_cross_in_batches_while_the_host_is_busy(run, vendors):
    async def main():
        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            with gateway.listen("probe/**") as listener:
                await gateway.publish(*(make(number) for number in range(500)))
                assert len(await listener.take()) == 500

    run(main)


def test_a_host_that_does_not_keep_up_meets_the_overflow_policy_and_the_feed_does_not_wait(run, vendors):
    async def main():
        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            newest = gateway.listen("probe/**", buffer=3)
            strict = gateway.listen("probe/**", buffer=3, overflow="error")
            await gateway.publish(*(make(number) for number in range(8)))
            assert [event.id for event in await newest.take()] == ["id-5", "id-6", "id-7"]
            assert newest.dropped == 5
            assert [event.id for event in await strict.take()] == ["id-0", "id-1", "id-2"]
            with pytest.raises(ListenerOverflow):
                await strict.take()
            with pytest.raises(ListenerOverflow):
                await anext(strict)

    run(main)


def test_a_host_that_blocks_its_loop_does_not_keep_the_gateway_from_reading(run, vendors):
    async def main():
        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            with gateway.listen("**") as listener:
                while (await anext(listener)).kind.startswith("stream."):
                    pass
                began = datetime.now(UTC)
                time.sleep(0.5)  # noqa: ASYNC251  # that is the point
                ended = datetime.now(UTC)
                meanwhile = []
                while not meanwhile or meanwhile[-1].received < ended:
                    meanwhile += await listener.take()
        moments = {event.received for event in meanwhile if began < event.received < ended}
        assert len(moments) > 20

    run(main)


def test_the_loop_ends_with_the_gateway_and_what_waited_is_read_first(run, vendors):
    async def main():
        async def loop(listener):
            return [event.id async for event in listener]

        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            waiting = asyncio.create_task(loop(gateway.listen("probe/**")))
            late = gateway.listen("probe/**")
            await gateway.publish(make(1), make(2))
        assert await waiting == ["id-1", "id-2"]
        assert await loop(late) == ["id-1", "id-2"]
        with pytest.raises(JackfieldError, match="the gateway is closed"):
            gateway.listen("**")
        with pytest.raises(JournalError, match="the gateway is closed"):
            await gateway.publish(make(3))

    run(main)


def test_committed_events_come_with_their_positions(run, vendors):
    async def main():
        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            committed = gateway.listen("probe/**", committed=True)
            await gateway.publish(make(1), make(2))
        return [record async for record in committed]

    first, second = run(main)
    assert (first.event.id, second.event.id, second.position) == ("id-1", "id-2", first.position + 1)


def test_two_tasks_may_share_a_listener_and_each_event_goes_to_one(run, vendors):
    async def main():
        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            listener = gateway.listen("probe/**")
            got = []

            async def loop():
                async for event in listener:
                    got.append(event.id)
                    await asyncio.sleep(0)

            tasks = [asyncio.create_task(loop()) for _ in range(2)]
            for number in range(30):
                await gateway.publish(make(number))
            while len(got) < 30:  # noqa: ASYNC110  # a test looks from outside
                await asyncio.sleep(0.01)
        await asyncio.gather(*tasks)
        assert sorted(got) == sorted(f"id-{number}" for number in range(30))

    run(main)


def test_cancelling_closes_in_order_and_cancels_once(run, vendors):
    async def main():
        async def program():
            async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
                opened.set_result(gateway)
                async for _ in gateway.listen("**"):
                    pass

        opened = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(program())
        gateway = await opened
        await asyncio.sleep(0.05)
        task.cancel("enough")
        await asyncio.wait([task])
        assert task.cancelled()
        assert {feed.state.value for feed in (await gateway.state()).feeds.values()} == {"disconnected"}

    run(main)


def test_a_cancellation_while_it_is_closing_does_not_cut_it_short(run, vendors):
    async def main():
        async def program():
            async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
                gateways.append(gateway)
                asyncio.current_task().cancel()  # comes at the next wait, which is for the end

        gateways = []
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(program())
        assert {feed.state.value for feed in (await gateways[0].state()).feeds.values()} == {"disconnected"}
        assert not [thread for thread in threading.enumerate() if thread.name == "jackfield"]

    run(main)


def test_a_cancellation_while_it_is_opening_leaves_nothing(run, vendors):
    async def main():
        async def program():
            async with aio.open_gateway({"feeds": vendors.feeds}):
                await asyncio.sleep(WAIT_SECONDS)

        for turns in range(4):
            task = asyncio.create_task(program())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main)


@pytest.mark.parametrize("error", [ValueError("mine"), ConfigError([])])
def test_what_the_body_raises_leaves_as_itself(run, vendors, error):
    async def main():
        with pytest.raises(type(error)) as caught:
            async with aio.open_gateway({"feeds": vendors.feeds}):
                raise error
        assert caught.value is error

    run(main)


def test_a_wrong_configuration_and_a_wrong_selector_are_reported_at_once(run, vendors):
    async def main():
        with pytest.raises(ConfigError, match=r"feeds\.a\.provider"):
            async with aio.open_gateway({"feeds": {"a": {}}}):
                pytest.fail("must not start")
        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            with pytest.raises(SelectorError):
                gateway.listen("call")
            with pytest.raises(ValueError, match="buffer: must be 1 or more"):
                gateway.listen("call.*", buffer=0)

    run(main)


@attrs.define(eq=False)
class Crashing:
    """A sink that ends the whole gateway, as only a bug can."""

    got: list = attrs.field(factory=list)

    class Crash(BaseException):
        pass

    @hookimpl
    def jackfield_sinks(self):
        sink = self

        @attrs.frozen
        class Options:
            @asynccontextmanager
            async def open(self):
                yield sink

        return [SinkSpec("crashing", "", Options)]

    async def write(self, batch):
        self.got += batch.events
        if any(event.id == "id-13" for event in batch.events):
            raise self.Crash


def crashing(vendors):
    routes = [{"select": ["probe/**"], "sinks": ["s"]}]
    return {"feeds": vendors.feeds, "sinks": {"s": {"type": "crashing"}}, "routes": routes}


def test_a_gateway_that_fails_cancels_the_body_and_raises_what_it_failed_of(run, vendors):
    async def main():
        with pytest.raises(BaseExceptionGroup) as caught:
            async with aio.open_gateway(crashing(vendors), plugins=[Crashing()]) as gateway:
                await gateway.publish(make(13))
                await asyncio.sleep(WAIT_SECONDS)
        assert caught.value.subgroup(Crashing.Crash)
        assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(0)

    run(main)


def test_routes_change_from_asyncio_too(run, vendors):
    async def main():
        sink = Crashing()
        async with aio.open_gateway(crashing(vendors) | {"routes": []}, plugins=[sink]) as gateway:
            route = await gateway.add_route({"select": ["probe/**"], "sinks": ["s"]})
            await gateway.publish(make(1))
            await gateway.remove_route(route)
            await gateway.publish(make(2))
            assert gateway.config.routes == ()
        assert [event.id for event in sink.got] == ["id-1"]

    run(main)


def test_a_loop_that_is_left_without_closing_its_listener_leaves_none_behind(run, vendors):
    async def main():
        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            async for _ in gateway.listen("contact.*"):
                break
            while (await gateway.plan("support")).entries:
                pass
            return (await gateway.state()).listeners

    assert run(main) == ()


# -- three gateways that are one -------------------------------------------------------------------

TWINS = [aio, blocking]
ONLY_BLOCKING = {"timeout"}  # a program without a loop has no other way to stop waiting


def members(cls):
    """What a user of a class sees of it."""
    fields = {field.name for field in attrs.fields(cls)}
    names = {name for name in [*dir(cls), *fields] if not name.startswith("_")}
    return names | {name for name in ("__enter__", "__exit__") if hasattr(cls, name)}


def parameters(function):
    found = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, each.default, each.annotation) for each in found if each.name not in ONLY_BLOCKING]


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
@pytest.mark.parametrize("name", ["DurableListener", "Gateway", "Listener"])
def test_the_gateways_for_each_kind_of_program_have_the_same_members(twin, name):
    assert members(getattr(twin, name)) == members(getattr(jackfield, name))


METHODS = [
    (name, method)
    for name in ("DurableListener", "Gateway", "Listener")
    for method, value in vars(getattr(jackfield, name)).items()
    if inspect.isfunction(value) and not method.startswith("_")
]


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
@pytest.mark.parametrize(("name", "method"), METHODS)
def test_their_methods_have_the_same_parameters_results_and_first_line(twin, name, method):
    ours, theirs = (getattr(getattr(each, name), method) for each in (jackfield, twin))
    assert parameters(theirs) == parameters(ours)
    assert theirs.__annotations__["return"] == ours.__annotations__["return"]
    assert theirs.__doc__.partition("\n")[0] == ours.__doc__.partition("\n")[0]


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_beside_asyncio_what_crosses_to_the_gateways_thread_is_awaited_and_nothing_else(name, method):
    crosses = (name == "Gateway" and method not in ("listen", "watch")) or method == "take"
    assert inspect.iscoroutinefunction(getattr(getattr(aio, name), method)) == crosses
    assert not inspect.iscoroutinefunction(getattr(getattr(blocking, name), method))


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_they_are_opened_alike(twin):
    assert parameters(twin.open_gateway) == parameters(jackfield.open_gateway)


def test_the_state_and_its_changes_cross(run, vendors):
    async def main():
        async with aio.open_gateway({"feeds": vendors.feeds}) as gateway:
            async with gateway.watch("feed", "agent") as watch:
                assert set(watch.snapshot.feeds) == set(vendors.feeds)
                async for changes in watch:
                    assert {each.entity for each in changes.changes} <= {"feed", "agent"}
                    break
            while await watch.take() is not None:  # what had come by the end can still be read
                pass
            with pytest.raises(ValueError, match="bus"):
                gateway.watch("bus")
            with pytest.raises(RuntimeError, match="async with"):
                _ = gateway.watch().snapshot
            snapshot = await gateway.snapshot()
            assert set(snapshot.feeds) == set(vendors.feeds)
        with pytest.raises(JackfieldError, match="closed"):
            await gateway.snapshot()

    run(main)
