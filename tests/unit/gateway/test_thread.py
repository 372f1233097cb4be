"""`jackfield._gateway.thread`: calls from another thread run in order and get an answer, even after the end."""

import threading
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
import trio.lowlevel

from jackfield._gateway.listener import Listener
from jackfield._gateway.thread import Batches, Portal
from jackfield.errors import JackfieldError
from jackfield.selectors import EVERYTHING


@attrs.define(eq=False)
class Stub:
    """Stands for a gateway, which has tests of its own: one listener, which ends with it."""

    trouble: Exception | None = None
    listener: Listener = attrs.field(factory=lambda: Listener((EVERYTHING,), 10, lambda _: None, lambda _: None))
    failure: Exception | None = None
    failing: trio.Event | None = None

    @asynccontextmanager
    async def open(self):
        if self.trouble is not None:
            raise self.trouble
        self.failing = trio.Event()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.fail)
                yield self
        finally:
            self.listener.close()

    async def fail(self):
        await self.failing.wait()
        raise self.failure


@pytest.fixture
def stub():
    return Stub()


@pytest.fixture
def portal(stub):
    portal = Portal(stub.open)
    portal.start()
    assert portal.ready.result(5) is stub
    yield portal
    end(portal)


def end(portal):
    portal.stop()
    portal.ended.exception(5)
    portal.join()


def test_functions_run_on_the_gateways_thread_in_the_order_in_which_they_were_asked_for(portal):
    seen = []
    answers = [
        portal.call(lambda number=number: seen.append((number, threading.current_thread().name)))
        for number in range(100)
    ]
    answers[-1].result(5)
    assert seen == [(number, "jackfield") for number in range(100)]


def test_what_a_function_raises_belongs_to_who_asked_and_hurts_nobody_else(portal):
    def fail():
        raise ValueError("mine")

    async def fail_later():
        await trio.lowlevel.checkpoint()
        raise ValueError("later")

    with pytest.raises(ValueError, match="mine"):
        portal.call(fail).result(5)
    with pytest.raises(ValueError, match="later"):
        portal.spawn(fail_later, fail).result(5)
    assert portal.call(lambda: 1).result(5) == 1


def test_after_the_end_functions_run_in_the_thread_that_asks(portal):
    end(portal)
    assert portal.call(threading.current_thread).result() is threading.current_thread()
    assert portal.spawn(trio.sleep_forever, lambda: "late").result() == "late"
    assert not [thread for thread in threading.enumerate() if thread.name == "jackfield"]


def test_a_gateway_that_does_not_open_says_why_and_leaves_no_thread():
    portal = Portal(Stub(trouble=ValueError("no")).open)
    portal.start()
    with pytest.raises(ValueError, match=r"^no$"):
        portal.ready.result(5)
    end(portal)
    assert isinstance(portal.ended.exception(), ValueError)
    assert not [thread for thread in threading.enumerate() if thread.name == "jackfield"]


def test_a_gateway_can_be_stopped_before_it_is_open():
    class Slow:
        @asynccontextmanager
        async def open(self):
            await trio.sleep_forever()
            yield self

    portal = Portal(Slow().open)
    portal.start()
    end(portal)
    assert portal.ended.exception() is None
    with pytest.raises(trio.RunFinishedError, match="stopped before it was open"):
        portal.ready.result()


def test_a_failure_meanwhile_ends_listeners_and_is_reported_at_the_end(portal, stub):
    batches = Batches.open(portal, lambda: stub.listener)
    waiting = batches.ask()
    stub.failure = JackfieldError("broken")
    portal.call(stub.failing.set)
    assert waiting.result(5) == []
    (error,) = portal.ended.exception(5).exceptions
    assert str(error) == "broken"


def test_a_batch_that_nobody_waited_for_is_there_when_it_is_asked_for_again(portal, stub):
    batches = Batches.open(portal, lambda: stub.listener)
    first = batches.ask()
    with pytest.raises(TimeoutError):
        first.result(0.01)
    portal.call(lambda: [stub.listener._put(number) for number in (1, 2)]).result(5)
    assert batches.ask() is first
    assert first.result(5) == [1, 2]
    assert batches.answered(first)
    assert not batches.answered(first)
    assert batches.ask() is not first


def test_what_waits_at_the_end_can_still_be_read(portal, stub):
    batches = Batches.open(portal, lambda: stub.listener)
    portal.call(lambda: stub.listener._put(1)).result(5)
    end(portal)
    last = batches.ask()
    assert last.result() == [1]
    assert batches.answered(last)
    assert batches.ask().result() == []
