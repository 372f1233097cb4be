"""`jackfield._feed.transport`: each transport over memory, and one sentence for each way in which it fails."""

from contextlib import asynccontextmanager, suppress
from functools import partial

import attrs
import pytest
import trio
import trio.testing

from jackfield._feed.transport import connect
from jackfield.errors import ConnectionLost, HandshakeRefused
from jackfield.plugin.framing import LengthPrefixed, Lines, ServerSentEvent
from jackfield.plugin.http import Request
from jackfield.plugin.transport import ByteStream, HTTPStream, LongPoll, PullSource

TCP = ByteStream("tcp://pbx.example:8021", Lines)
SSE = HTTPStream("https://vendor.example/events?token=hunter2", (("Authorization", "Bearer hunter2"),))


@attrs.define
class Server:
    """The other end of connections over memory; `talk` is what it does with each."""

    nursery: trio.Nursery
    talk: object
    opened: int = 0

    async def open(self, endpoint):
        await trio.lowlevel.checkpoint()
        self.opened += 1
        ours, theirs = trio.testing.memory_stream_pair()
        self.nursery.start_soon(self.run, theirs)
        return ours

    async def run(self, stream):
        async with stream:
            await self.talk(stream)


@pytest.fixture
def served(nursery):
    @asynccontextmanager
    async def served(endpoint, talk, timeout=5):
        server = Server(nursery, talk)
        async with connect(endpoint, timeout=timeout, opener=server.open) as connection:
            connection_server.append(server)
            yield connection

    connection_server = served.servers = []
    return served


def saying(*parts, stay=True):
    """A server that sends these parts, one read each."""

    async def talk(stream):
        for part in parts:
            with suppress(trio.BrokenResourceError):  # we may have closed it in the meantime
                await stream.send_all(part)
            await trio.testing.wait_all_tasks_blocked()
        if stay:
            await trio.sleep_forever()

    return talk


async def loss_of(opening):
    """The frames before the end, and how it ended."""
    frames = []
    with pytest.raises(ConnectionLost) as caught:
        async with opening as connection:
            while True:
                frames += await connection.receive()
    return frames, str(caught.value)


# -- byte streams ------------------------------------------------------------------------------------


async def test_frames_of_one_read_are_one_list_and_those_in_parts_are_put_together(served):
    async with served(TCP, saying(b"one\ntwo\nth", b"ree\n")) as connection:
        assert await connection.receive() == [b"one", b"two"]
        assert await connection.receive() == [b"three"]


async def test_text_and_bytes_are_sent_with_the_framing(served):
    got = []

    async def talk(stream):
        async for data in stream:
            got.extend([data])

    async with served(ByteStream("tcp://x:1", partial(LengthPrefixed, 2)), talk) as connection:
        await connection.send("hällo")
        await connection.send(b"\xff")
    await trio.testing.wait_all_tasks_blocked()
    assert b"".join(got) == b"\0\6h\xc3\xa4llo\0\1\xff"


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([b"one\n"], "tcp://pbx.example:8021 closed the connection"),
        (
            [b"one\ntw"],
            "tcp://pbx.example:8021 closed the connection in the middle of a frame (2 bytes of it had come)",
        ),
        (
            [b"one\n" + b"x" * 50],
            "tcp://pbx.example:8021 sent what is not a frame: a frame is longer than 30 bytes",
        ),
    ],
)
async def test_how_a_byte_stream_ends_is_said_after_every_whole_frame(served, parts, reason):
    endpoint = attrs.evolve(TCP, framing=partial(Lines, max_bytes=30))
    assert await loss_of(served(endpoint, saying(*parts, stay=False))) == ([b"one"], reason)


async def test_a_cut_is_reported_as_one():
    class Cut(trio.abc.Stream):
        async def receive_some(self, max_bytes=None):
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError

        send_all = wait_send_all_might_not_block = receive_some

        async def aclose(self):
            await trio.lowlevel.checkpoint()

    async def opener(endpoint):
        return Cut()

    for endpoint, verb in ((TCP, "receive"), (TCP, "send")):
        with pytest.raises(ConnectionLost, match=r"tcp://pbx\.example:8021 cut the connection"):
            async with connect(endpoint, timeout=5, opener=opener) as connection:
                await (connection.receive() if verb == "receive" else connection.send("x"))
    with pytest.raises(ConnectionLost, match=r"https://vendor\.example/events cut the connection"):
        async with connect(SSE, timeout=5, opener=opener):
            pass


async def test_a_framing_with_a_bug_costs_the_connection_only(served):
    class Broken(Lines):
        def split(self, data):
            raise ZeroDivisionError("oops")

    endpoint = attrs.evolve(TCP, framing=Broken)
    assert await loss_of(served(endpoint, saying(b"x\n"))) == ([], "the provider failed: ZeroDivisionError: oops")
    endpoint = attrs.evolve(TCP, framing=lambda: 1 / 0)
    assert await loss_of(served(endpoint, saying(b"x\n"))) == (
        [],
        "the provider failed: ZeroDivisionError: division by zero",
    )


async def test_a_vendor_that_sends_regularly_is_lost_when_it_does_not(served, autojump_clock):
    endpoint = attrs.evolve(TCP, idle_timeout=30.0)
    began = trio.current_time()
    assert await loss_of(served(endpoint, saying(b"heartbeat\n"))) == (
        [b"heartbeat"],
        "tcp://pbx.example:8021 was silent for 30 s, longer than it ever is",
    )
    assert trio.current_time() - began == pytest.approx(30)


async def test_a_ping_of_the_vendors_own_waits_for_anything_to_come(served, autojump_clock):
    async def talk(stream):
        async for data in stream:
            assert data == b"PING\n"
            await trio.sleep(2)
            await stream.send_all(b"PONG\n")

    async with served(attrs.evolve(TCP, ping=b"PING"), talk) as connection, trio.open_nursery() as nursery:
        nursery.start_soon(connection.receive)
        began = trio.current_time()
        await connection.ping()
        assert trio.current_time() - began == pytest.approx(2)
        assert connection.activity.silence() == pytest.approx(0)


async def test_without_one_a_ping_asks_nothing(served):
    async with served(TCP, saying()) as connection:
        await connection.ping()


async def test_a_server_that_does_not_come_up_is_given_up(autojump_clock):
    async def opener(endpoint):
        await trio.sleep_forever()

    with pytest.raises(ConnectionLost, match=r"no answer from tcp://pbx.example:8021 within 5 s"):
        async with connect(TCP, timeout=5, opener=opener):
            pass


# -- HTTP streams ------------------------------------------------------------------------------------


def answering(head, *parts, stay=True, got=None):
    async def talk(stream):
        request = b""
        while b"\r\n\r\n" not in request:
            request += await stream.receive_some()
        if got is not None:
            got.append(request)
        await saying(head, *parts, stay=stay)(stream)

    return talk


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


async def test_server_sent_events_come_as_frames_and_the_request_is_what_was_said(served):
    got = []
    talk = answering(OK, b": hello\n\ndata: 1\n\ndata: 2\n\nda", b"ta: 3\n\n", got=got)
    async with served(SSE, talk) as connection:
        frames = await connection.receive() + await connection.receive()
    assert [ServerSentEvent.parse(frame).data for frame in frames] == ["1", "2", "3"]
    head = got[0].decode().lower().split("\r\n")
    assert head[0] == "get /events?token=hunter2 http/1.1"
    assert {"host: vendor.example", "authorization: bearer hunter2", "accept-encoding: identity"} <= set(head)


async def test_chunks_of_the_transfer_are_not_frames(served):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    endpoint = attrs.evolve(SSE, framing=Lines, method="POST", body=b"{}")
    talk = answering(head, b"5\r\none\nt\r\n", b"3\r\nwo\n\r\n0\r\n\r\n", stay=False)
    assert await loss_of(served(endpoint, talk)) == ([b"one", b"two"], "https://vendor.example/events ended the stream")


@pytest.mark.parametrize(
    ("status", "auth_failed", "meaning"),
    [
        (401, True, "the vendor refused the token"),
        (404, False, "there is no such path"),
        (302, False, "no stream is served there"),
        (503, False, "the vendor is not able to serve now"),
    ],
)
async def test_another_status_is_a_refusal(served, status, auth_failed, meaning):
    head = f"HTTP/1.1 {status} X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n".encode()
    with pytest.raises(HandshakeRefused) as caught:
        async with served(SSE, answering(head)):
            pass
    assert str(caught.value) == f"https://vendor.example/events answered HTTP {status}: {meaning}"
    assert (caught.value.auth_failed, caught.value.retry_after) == (auth_failed, 7.0)


async def test_what_is_not_http_is_reported_without_the_token(served):
    _, reason = await loss_of(served(SSE, saying(b"SSH-2.0-OpenSSH\r\n\r\n")))
    assert reason.startswith("https://vendor.example/events broke the HTTP protocol")
    _, reason = await loss_of(served(SSE, answering(b"", stay=False)))
    assert reason == "https://vendor.example/events closed the connection instead of answering"
    head = OK.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    _, reason = await loss_of(served(SSE, answering(head, b"9\r\nda", stay=False)))
    assert reason == "https://vendor.example/events closed the connection in the middle of a response"


async def test_no_answer_ends_the_attempt(served, autojump_clock):
    with pytest.raises(ConnectionLost, match=r"no answer from https://vendor\.example/events within 5 s"):
        async with served(SSE, saying()):
            pass


async def test_a_protocol_that_sends_there_is_told_what_is_right(served):
    with pytest.raises(ConnectionLost, match="must use Request"):
        async with served(SSE, answering(OK)) as connection:
            await connection.send("x")


# -- long polling ------------------------------------------------------------------------------------


def polling(cursor=0):
    url = "https://vendor.example/poll?since="
    return LongPoll(
        Request("GET", f"{url}{cursor}"), lambda response: Request("GET", f"{url}{response.headers['cursor']}")
    )


def polled(*answers, close=False):
    left = iter(answers)

    async def talk(stream):
        while True:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                if not (data := await stream.receive_some()):
                    return
                request += data
            since = request.split(b"since=")[1].split()[0]
            status, cursor, body = next(left)
            head = f"HTTP/1.1 {status} X\r\ncursor: {cursor}\r\nContent-Length: {len(body)}\r\n"
            head += "Connection: close\r\n" * close
            await stream.send_all(head.encode() + b"\r\n" + body.replace(b"?", since))
            if close:
                return

    return talk


@pytest.mark.parametrize("close", [False, True])
async def test_each_answer_with_a_body_is_a_frame_and_says_what_is_asked_next(served, close):
    talk = polled((200, 5, b"since ?"), (200, 6, b""), (200, 9, b"since ?"), (200, 9, b"since ?"), close=close)
    async with served(polling(), talk) as connection:
        assert [await connection.receive() for _ in range(3)] == [[b"since 0"], [b"since 6"], [b"since 9"]]
    assert served.servers[0].opened == (5 if close else 1)


async def test_a_poll_that_is_refused_ends_the_connection(served):
    assert await loss_of(served(polling(), polled((200, 1, b"x"), (403, 1, b"")))) == (
        [b"x"],
        "https://vendor.example/poll answered HTTP 403: the vendor forbids this to the token's owner",
    )


async def test_a_poll_has_a_time_limit(served, autojump_clock):
    endpoint = attrs.evolve(polling(), timeout=60.0)
    began = trio.current_time()
    _, reason = await loss_of(served(endpoint, saying()))
    assert (reason, trio.current_time() - began) == ("no answer from https://vendor.example/poll within 60 s", 60)


async def test_a_bug_in_what_follows_costs_the_connection_only(served):
    endpoint = attrs.evolve(polling(), following=lambda response: 1 / 0)
    _, reason = await loss_of(served(endpoint, polled((200, 1, b"x"))))
    assert reason == "the provider failed: ZeroDivisionError: division by zero"


# -- sources of a plugin's own -----------------------------------------------------------------------


@attrs.define
class Broker:
    """A source in memory that fails as it is told to."""

    frames: list = attrs.field(factory=list)
    sent: list = attrs.field(factory=list)
    fails: object = None
    fails_to_open: object = None
    closed: int = 0

    @asynccontextmanager
    async def open(self):
        await trio.lowlevel.checkpoint()
        if self.fails_to_open == "slow":
            await trio.sleep_forever()
        if self.fails_to_open is not None:
            raise self.fails_to_open
        try:
            async with trio.open_nursery() as nursery:  # as a client of a broker has one
                nursery.start_soon(trio.sleep_forever)
                yield self
                nursery.cancel_scope.cancel()
        finally:
            self.closed += 1

    async def receive(self):
        await trio.lowlevel.checkpoint()
        if self.frames:
            return self.frames.pop(0)
        if self.fails is not None:
            raise self.fails
        return await trio.sleep_forever()

    async def send(self, frame):
        await trio.lowlevel.checkpoint()
        self.sent.append(frame)


def pulling(broker, timeout=5):
    return connect(PullSource(broker.open, "broker.example"), timeout=timeout)


async def test_a_source_brings_frames_and_gets_what_the_protocol_sends():
    broker = Broker([[b"a", b"b"], [], [bytearray(b"c")]])
    async with pulling(broker) as connection:
        assert await connection.receive() == [b"a", b"b"]
        assert await connection.receive() == [b"c"]
        await connection.send("ack 3")
        await connection.ping()
    assert (broker.sent, broker.closed) == (["ack 3"], 1)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionLost("the broker moved us"), "the broker moved us"),
        (OSError(111, "Connection refused"), "broker.example: Connection refused"),
        (KeyError("x"), "the provider failed: KeyError: 'x'"),
    ],
)
async def test_whatever_a_source_raises_is_one_loss_and_it_is_closed(error, reason):
    broker = Broker([[b"a"]], fails=error)
    assert await loss_of(pulling(broker)) == ([b"a"], reason)
    assert broker.closed == 1
    assert await loss_of(pulling(Broker(fails_to_open=error))) == ([], reason)


async def test_a_source_that_does_not_open_is_given_up(autojump_clock):
    assert await loss_of(pulling(Broker(fails_to_open="slow"))) == ([], "no answer from broker.example within 5 s")


async def test_a_source_may_be_open_for_longer_than_opening_may_take(autojump_clock):
    async with pulling(Broker()):
        await trio.sleep(3600)


async def test_an_error_of_our_own_goes_through_a_source_as_it_is():
    with pytest.raises(ZeroDivisionError):
        async with pulling(Broker()):
            raise ZeroDivisionError


async def test_a_task_of_a_source_that_fails_ends_the_connection_with_its_reason():
    @asynccontextmanager
    async def open_it():
        async def die():
            await trio.testing.wait_all_tasks_blocked()
            raise OSError(104, "Connection reset by peer")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(die)
            yield Broker()
            nursery.cancel_scope.cancel()

    assert await loss_of(connect(PullSource(open_it, "broker.example"), timeout=5)) == (
        [],
        "broker.example: Connection reset by peer",
    )


async def test_an_endpoint_that_is_none_is_named():
    with pytest.raises(ConnectionLost, match="returned str, which names no transport"):
        async with connect("ws://x", timeout=5):
            pass
