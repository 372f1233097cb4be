"""`jackfield._net.http_server`: requests in, answers out, and no client can end more than its connection."""

import errno

import attrs
import h11
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from jackfield._net.http_connection import HTTPConnection, Streamed
from jackfield._net.http_server import MOST_BODY, HTTPServer, Limits, close_listeners, whole
from jackfield.plugin.http import Response


async def echo(request):
    await trio.lowlevel.checkpoint()
    text = f"{request} {request.url} {request.body!r} at {request.header('host')}"
    return Response(200, {"x-more": "yes"}, text.encode())


LIMITS = Limits()


async def serving(stream, respond=echo, **more):
    async with stream:
        return await HTTPServer(whole(respond), **more).serve(HTTPConnection(stream))


async def exchange(sent, respond=echo, *, chunk=None):
    """Everything that comes back for these bytes."""
    client, server = trio.testing.memory_stream_pair()
    came = b""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serving, server, respond)
        for start in range(0, len(sent), chunk or len(sent) or 1):
            await client.send_all(sent[start : start + (chunk or len(sent))])
        await client.send_eof()
        async for data in client:
            came += data
    return came


def get(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: here\r\n{more}\r\n".encode()


@pytest.mark.parametrize("chunk", [None, 1, 7])
async def test_requests_of_one_connection_are_answered_in_order(chunk):
    came = await exchange(get("/a?x=1&y=%20") + get("/b"), chunk=chunk)
    assert came.count(b"HTTP/1.1 200") == 2
    assert b"GET /a /a?x=1&y=%20 b'' at here" in came
    assert came.index(b"GET /b ") > came.index(b"GET /a ")
    assert came.count(b"x-more: yes") == 2


async def test_a_body_is_read_whole_and_too_long_a_one_is_refused():
    def post(size):
        return f"POST /in HTTP/1.1\r\nHost: here\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size

    assert b"x" * MOST_BODY in await exchange(post(MOST_BODY))
    refused = await exchange(post(MOST_BODY + 1))
    assert refused.startswith(b"HTTP/1.1 413")


async def test_a_header_without_end_is_refused():
    assert (await exchange(get("/", "X: " + "y" * 40_000))).startswith(b"HTTP/1.1 431")


async def test_who_has_said_that_this_was_all_is_not_lingered_for(autojump_clock):
    client, server = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serving, server)
        await client.send_all(get("/", "Connection: close\r\n"))
        async for _ in client:
            pass
    assert trio.current_time() == 0


async def test_who_sends_nothing_is_not_waited_for(autojump_clock):
    client, server = trio.testing.memory_stream_pair()
    await serving(server)
    assert trio.current_time() == pytest.approx(LIMITS.idle)
    assert await client.receive_some() == b""


async def test_a_request_that_does_not_come_whole_is_answered_with_408_when_its_time_is_over(autojump_clock):
    for sent in (get("/")[:-3], b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nabc"):
        client, server = trio.testing.memory_stream_pair()
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serving, server)
            await client.send_all(sent)
            assert (await client.receive_some()).startswith(b"HTTP/1.1 408")
            nursery.cancel_scope.cancel()
        assert trio.current_time() - began == pytest.approx(LIMITS.head)


@pytest.mark.parametrize(
    ("chunks", "status"),
    [(b"1\r\nx\r\n" * 1000, 200), (b"1\r\nx\r\n" * 1100, 400), (b"41\r\n%65d\r\n" % 0 * 4000, 413)],
)
async def test_a_body_of_tiny_chunks_lets_others_have_their_turn_and_is_refused_if_it_goes_on(chunks, status):
    """A read may bring ten thousand of them, for which h11 needs a fifth of a second."""
    client, server = trio.testing.memory_stream_pair()
    turns = 0

    async def take_turns():
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    await client.send_all(b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n")
    await client.send_all(chunks + b"0\r\n\r\n")
    await client.send_eof()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_turns)
        await serving(server)
        nursery.cancel_scope.cancel()
    assert turns >= 9
    assert (await client.receive_some()).startswith(b"HTTP/1.1 %d" % status)


async def test_a_bug_costs_the_connection_that_met_it_and_is_counted():
    async def respond(request):
        await trio.lowlevel.checkpoint()
        if request.url == "/bug":
            raise ZeroDivisionError
        return Response(200)

    refused = []
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    server = HTTPServer(whole(respond), refuse=lambda refusal: refused.append(refusal) or Response(500))
    async with listener, trio.open_nursery() as nursery:
        await nursery.start(server.run, [listener])
        for path, answer in (("/bug", b""), ("/fine", b"HTTP/1.1 200")):
            async with await trio.testing.open_stream_to_socket_listener(listener) as client:
                await client.send_all(get(path))
                assert (await client.receive_some()).startswith(answer)
        server.stop()
    assert [str(each) for each in refused] == ["a bug of Jackfield's, please report it: ZeroDivisionError"]


async def test_where_no_descriptor_is_left_an_idle_connection_gives_its_own_and_that_is_counted(autojump_clock):
    """With `ulimit -n 40` and sixty connections that say nothing, trio logged a traceback ten times a second."""

    @attrs.define(eq=False)
    class Crowded(trio.abc.Listener):
        room: int = 2
        waiting: list = attrs.field(factory=list)

        async def accept(self):
            await trio.lowlevel.checkpoint()
            if self.waiting and self.room <= 0:
                raise OSError(errno.EMFILE, "no")
            while not self.waiting:  # noqa: ASYNC110  # a listener that is looked at now and then
                await trio.sleep(1)
            self.room -= 1
            return self.waiting.pop(0)

        async def aclose(self):
            await trio.lowlevel.checkpoint()

    refused, door, clients = [], Crowded(), []
    server = HTTPServer(whole(echo), refuse=lambda refusal: refused.append(str(refusal)) or Response(503))
    for _ in range(4):
        client, theirs = trio.testing.memory_stream_pair()
        clients.append(client)
        door.waiting.append(theirs)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.run, [door])
        for client in clients[:2]:  # the oldest idle ones make room
            assert await client.receive_some() == b""
            door.room += 1
        await clients[3].send_all(get("/"))
        assert (await clients[3].receive_some()).startswith(b"HTTP/1.1 200")
        server.stop()
    assert set(refused) == {"a connection has to wait: Too many open files"}


async def test_who_takes_nothing_of_a_stream_is_not_waited_for(autojump_clock):
    async def endless(send):
        while True:
            await send(b"x" * 1000)

    async def respond(request):
        await trio.lowlevel.checkpoint()
        return Streamed(Response(200), endless)

    client, server = trio.testing.lockstep_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serving, server, respond)
        await client.send_all(get("/"))
        await client.receive_some(10)
    assert trio.current_time() == pytest.approx(LIMITS.send)


async def test_a_stream_may_be_silent_for_long_and_ends_when_the_client_goes(autojump_clock):
    ended = trio.Event()

    async def slow(send):
        try:
            await send(b"first")
            await trio.sleep(3600)
            await send(b"second")
            await trio.sleep_forever()
        finally:
            ended.set()

    async def respond(request):
        await trio.lowlevel.checkpoint()
        return Streamed(Response(200), slow)

    client, server = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serving, server, respond)
        await client.send_all(get("/"))
        came = b""
        while b"second" not in came:
            came += await client.receive_some()
        await client.aclose()
    assert ended.is_set()
    assert trio.current_time() == pytest.approx(3600)


async def test_a_reset_in_the_middle_of_a_stream_ends_it_and_raises_nothing():
    async def endless(send):
        while True:
            await send(b"x" * 100_000)
            await trio.sleep(0.001)

    async def respond(request):
        await trio.lowlevel.checkpoint()
        return Streamed(Response(200), endless)

    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        client = await trio.testing.open_stream_to_socket_listener(listener)
        server = await listener.accept()
    await client.send_all(get("/"))
    client.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serving, server, respond)
        await client.receive_some(10)
        await client.aclose()


async def test_what_asks_for_another_protocol_is_handed_over_with_all_its_bytes():
    upgrade = get("/ws", "Upgrade: WebSocket\r\nConnection: upgrade\r\n") + b"\x81\x00"
    for sent, asked in ((get("/a") + upgrade, True), (get("/a") + get("/b"), False)):
        client, server = trio.testing.memory_stream_pair()
        connection = HTTPConnection(server)
        await client.send_all(sent)
        await client.send_eof()
        head = await HTTPServer(whole(echo), upgrades="websocket").serve(connection)
        assert (head is not None) is asked
        assert (await client.receive_some()).startswith(b"HTTP/1.1 200")
        assert connection.unread == (upgrade if asked else b"")


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_announces_none(status):
    async def respond(request):
        await trio.lowlevel.checkpoint()
        return Response(status)

    came = await exchange(get("/a") + get("/b"), respond)
    assert came.count(b"HTTP/1.1 %d" % status) == 2
    assert b"content-length" not in came


async def test_an_answer_of_old_http_ends_with_the_connection():
    came = await exchange(b"GET /a HTTP/1.0\r\n\r\n" + get("/b"))
    assert came.count(b"HTTP/1.1 200") == 1


REQUEST = get("/a?x=1") + b"POST /in HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


@given(st.one_of(st.binary(max_size=200), st.tuples(st.integers(0, len(REQUEST)), st.binary(max_size=20))))
def test_no_bytes_break_it_and_what_comes_back_is_http(sent):
    if isinstance(sent, tuple):  # a request that something was written into
        sent = REQUEST[: sent[0]] + sent[1] + REQUEST[sent[0] :]
    came = trio.run(exchange, sent)
    if came:
        reader = h11.Connection(h11.CLIENT)
        reader.send(h11.Request(method="GET", target="/", headers=[("host", "here")]))
        reader.receive_data(came)
        assert isinstance(reader.next_event(), h11.Response)


async def test_all_listeners_are_closed_by_a_task_that_was_cancelled():
    listeners = [
        *await trio.open_tcp_listeners(0, host="127.0.0.1"),
        *await trio.open_tcp_listeners(0, host="127.0.0.1"),
    ]
    with trio.CancelScope() as scope:
        scope.cancel()
        await close_listeners(listeners)
    assert [each.socket.fileno() for each in listeners] == [-1, -1]


async def test_a_client_that_breaks_off_ends_its_stream_whichever_of_the_tasks_finds_out():
    async def several(send):
        server.send_stream.send_all_hook = reset
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send, b"x")
            nursery.start_soon(trio.sleep_forever)

    async def stream_of_several(_request):
        await trio.lowlevel.checkpoint()
        return Streamed(Response(200), several)

    async def reset():
        raise trio.BrokenResourceError  # who sends finds out that the client has gone, and who reads does not yet

    client, server = trio.testing.memory_stream_pair()
    await client.send_all(get("/"))
    with trio.fail_after(5):
        assert await serving(server, stream_of_several) is None
