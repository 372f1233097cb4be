"""`jackfield.simulation._server` and `listener`: a simulator on a real socket, for any websocket client."""

import socket
from functools import partial

import pytest
import trio

from jackfield._feed.transport import connect
from jackfield.errors import ConnectionLost, HandshakeRefused
from jackfield.plugin.transport import Endpoint
from jackfield.simulation._running import MOST_QUEUED
from jackfield.simulation._server import serve, simulate


@pytest.fixture
async def url(nursery, counting):
    return await nursery.start(partial(serve, counting()))


async def test_a_client_gets_what_it_asked_for_in_order(url):
    async with connect(Endpoint(url), timeout=5) as client:
        await client.send("count")
        assert await client.receive() == [b"counting"]
        numbers = [int((await client.receive())[0]) for _ in range(50)]
    assert numbers == list(range(numbers[0], numbers[0] + 50))


async def test_events_come_at_the_rate_that_was_asked_for(nursery, counting):
    url = await nursery.start(partial(serve, counting(rate=100.0)))
    async with connect(Endpoint(url), timeout=5) as client:
        await client.send("count")
        await client.receive()
        began = trio.current_time()
        for _ in range(50):
            await client.receive()
        assert trio.current_time() - began > 0.4


async def test_a_handshake_is_turned_down_with_its_status(url):
    with pytest.raises(HandshakeRefused) as caught:
        async with connect(Endpoint(url + "s"), timeout=5):
            pass
    assert caught.value.status == 404


async def test_the_server_can_say_goodbye_or_cut_the_line(url):
    for word, end in (("bye", "closed with 4000"), ("crash", "cut without a close frame")):
        with pytest.raises(ConnectionLost, match=end):
            async with connect(Endpoint(url), timeout=5) as client:
                await client.send(word)
                while True:
                    await client.receive()


async def test_no_client_can_disturb_another(url):
    _, port = url.removeprefix("ws://").removesuffix("/count").split(":")
    async with connect(Endpoint(url), timeout=5) as client:
        await client.send("count")
        for rubbish in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x00\xff" * 50, b"SSH-2.0\r\n\r\n"):
            stream = await trio.open_tcp_stream("127.0.0.1", int(port))
            await stream.send_all(rubbish)
            await stream.aclose()
        for _ in range(20):
            await client.receive()


async def test_a_client_that_does_not_read_slows_nobody_down(nursery, counting):
    url = await nursery.start(partial(serve, counting(rate=50_000.0)))
    async with connect(Endpoint(url), timeout=5) as lazy, connect(Endpoint(url), timeout=5) as quick:
        await lazy.send("count")
        await quick.send("count")
        for _ in range(2 * MOST_QUEUED):
            await quick.receive()


async def test_who_reads_loses_nothing_in_a_burst_and_who_does_not_loses_what_the_vendor_would_not_keep(counting):
    simulator = counting(rate=50_000.0, padding=1_000, most_queued=10)
    async with simulate(simulator, limit=0) as running, connect(Endpoint(running.url), timeout=5) as client:
        await client.send("count")
        await client.receive()
        running.limit = 2_000
        with trio.fail_after(30):
            numbers = [int(text.rstrip(b"x")) async for text in texts(client, 2_000)]
        assert numbers == list(range(2_000))
        assert running.counters.lagged == 0
        for number in range(20):  # all at once, so that nobody had a chance to read
            running.publish(number)
        assert running.counters.lagged == 10


async def texts(client, count):
    while count:
        frames = await client.receive()
        for each in frames[:count]:
            yield each
        count -= len(frames)


async def test_a_simulator_that_pings_is_answered(nursery, counting):
    url = await nursery.start(partial(serve, counting(rate=1.0, ping_every=0.01)))
    async with connect(Endpoint(url), timeout=5) as client:
        for _ in range(20):
            with trio.move_on_after(0.5):  # nothing but pings comes meanwhile
                await client.receive()
            if client.activity.silence() < 0.4:
                return
        pytest.fail("no ping came")


async def test_a_port_that_is_taken_is_an_error_of_the_start(nursery, counting):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            await nursery.start(partial(serve, counting(), port=taken.getsockname()[1]))
