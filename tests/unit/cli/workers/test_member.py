"""`jackfield._cli.workers.member`: what a worker does that its parent says, whatever it holds."""

import socket
from contextlib import aclosing, asynccontextmanager

import pytest
import trio

from jackfield._cli.workers.channel import Channel
from jackfield._cli.workers.member import serve
from jackfield._cli.workers.messages import Applied, Apply, Ask, Begin, End, Ready, States, Written
from jackfield.config import Document

ROUTES = {"sinks": {"out": {"type": "stdout"}}, "routes": [{"select": ["**"], "sinks": ["out"]}]}
WEBHOOK = {"provider": "voipbin", "token": "t", "receive": "webhook", "webhook_verify": False}
WRITTEN = Written.of(Document.of({"webhooks": {"embedded": True}, "feeds": {"one": WEBHOOK}, **ROUTES}, {}))


@pytest.fixture
def begun():
    """A worker in this process: its parent's end, what it says, and the exit status once it has ended."""

    @asynccontextmanager
    async def begin(feeds):
        ours, theirs = socket.socketpair()
        channel, statuses = Channel.of(ours), []

        async def work():
            statuses.append(await serve(theirs))

        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(work)
                nursery.start_soon(channel.run)
                channel.say(
                    Begin(WRITTEN, feeds, ("voipbin", "stdout"), strict=False, log_level="error", log_format=None)
                )
                async with aclosing(channel.messages()) as said:
                    yield channel, said, statuses
                channel.finish()
        await channel.aclose()

    return begin


@pytest.mark.parametrize("feeds", [(), ("one",)])
async def test_a_worker_is_ready_and_stays_until_its_parent_ends_it_whatever_it_holds(begun, feeds):
    async with begun(feeds) as (channel, said, statuses):
        assert await anext(said) == Ready()
        channel.say(Ask(1))
        assert tuple((await anext(said)).units) == feeds
        channel.say(Apply(2, WRITTEN, ("one",)))
        assert await anext(said) == Applied(2)
        channel.say(Ask(3))
        assert tuple((await anext(said)).units) == ("one",)
        assert statuses == []
        channel.say(End())
        last = await anext(said)
        assert isinstance(last, States)
        assert last.number == 0
    assert statuses == [0]
