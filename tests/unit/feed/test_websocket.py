"""`jackfield._feed.websocket`: what goes over the line, and one sentence for each way in which it fails."""

import base64
import contextlib
import hashlib
import random
import re
import socket
import ssl
from functools import partial

import pytest
import trio
import trio.testing
import trustme

from jackfield._feed.frame_splitter import CUT_MOST
from jackfield._feed.transport import connect
from jackfield._feed.websocket import QUEUE
from jackfield.errors import ConnectionLost, HandshakeRefused
from jackfield.plugin.simulator import CloseConnection, Refusal
from jackfield.plugin.transport import Endpoint
from jackfield.simulation._listener import serve_stream

ENDPOINT = Endpoint("ws://vendor.example:5555/path?token=hunter2", headers=(("x-trace", "7"),))


async def echo(incoming):
    line = await incoming.accept()
    while True:
        await line.send(f"{incoming.target} {incoming.headers.get('x-trace')} {await line.receive()}")


def answering(refusal):
    async def handler(incoming):
        await incoming.reject(refusal)

    return handler


def hanging_up(how):
    async def handler(incoming):
        line = await incoming.accept()
        await line.send("last words")
        await line.close(how)

    return handler


async def loss_of(network, handler):
    network.handler = handler
    with pytest.raises(ConnectionLost) as caught:
        async with connect(ENDPOINT, timeout=5, opener=network.open) as connection:
            while True:
                await connection.receive()
    return caught.value


async def test_frames_go_both_ways_and_the_handshake_says_where_to(network):
    network.handler = echo
    async with connect(ENDPOINT, timeout=5, opener=network.open) as connection:
        await connection.send("hällo")
        assert await connection.receive() == ["/path?token=hunter2 7 hällo".encode()]
        await connection.ping()


@pytest.mark.parametrize("size", [262_144, 262_145, 700_000])
@pytest.mark.parametrize("kind", [str, bytes])
async def test_a_message_may_be_as_large_as_the_feed_says_and_the_option_is_named_where_it_is_larger(
    network, size, kind
):
    async def handler(incoming):
        line = await incoming.accept()
        await line.send("x" * size if kind is str else b"x" * size)
        await line.receive()

    network.handler = handler
    async with contextlib.AsyncExitStack() as stack:
        if size > 262_144:
            message = "the vendor sent a message of more than 262144 bytes, the feed's max_message_bytes"
            stack.enter_context(pytest.raises(ConnectionLost, match=message))
        async with connect(ENDPOINT, timeout=5, most_bytes=262_144, opener=network.open) as connection:
            assert await connection.receive() == [b"x" * size]


async def test_what_one_read_brings_is_one_list_and_comes_before_the_goodbye_in_the_same_read(network):
    async def handler(incoming):
        line = await incoming.accept()
        await line._stream.send_all(b"\x81\x03one\x81\x03two\x89\x00\x81\x05three\x88\x02\x03\xe8")
        await trio.sleep_forever()

    network.handler = handler
    with pytest.raises(ConnectionLost, match="closed with 1000"):
        async with connect(ENDPOINT, timeout=5, opener=network.open) as connection:
            assert await connection.receive() == [b"one", b"two"]
            assert await connection.receive() == [b"three"]
            await connection.receive()


def frame(first, payload):
    size = len(payload)
    if size > 0xFFFF:
        return bytes([first, 127]) + size.to_bytes(8, "big") + payload
    return (bytes([first, size]) if size < 126 else bytes([first, 126]) + size.to_bytes(2, "big")) + payload


async def test_a_message_that_waits_with_trio_websocket_is_not_overtaken(network, autojump_clock):
    sent = [b"%05d" % number for number in range(30)]
    in_fragments = {QUEUE, QUEUE + 1, QUEUE + 4}  # the first read that finds no place, and the next

    async def handler(incoming):
        line = await incoming.accept()
        for number, text in enumerate(sent):
            whole = frame(0x81, text)
            await line._stream.send_all(frame(0x01, b"") + frame(0x80, text) if number in in_fragments else whole)
            await trio.sleep(1)
        await trio.sleep_forever()

    network.handler = handler
    async with connect(ENDPOINT, timeout=5, opener=network.open) as connection:
        await trio.sleep(60)  # all that may wait does, in each of the queues
        got = []
        while len(got) < len(sent):
            got += await connection.receive()
    assert got == sent


@pytest.mark.parametrize("seed", range(3))
async def test_messages_that_trio_websocket_reads_keep_their_place_among_those_that_were_cut_out(
    network, autojump_clock, seed
):
    rng = random.Random(seed)
    forms = {
        "whole": lambda text: frame(0x81, text),
        "in fragments": lambda text: frame(0x01, text[:2]) + frame(0x89, b"?") + frame(0x80, text[2:]),
        "behind a ping": lambda text: frame(0x89, b"!") + frame(0x82, text),
        "large": lambda text: frame(0x82, text.ljust(CUT_MOST + 1, b".")),
    }
    sent = [b"%05d" % number for number in range(400)]
    wire = b"".join(forms[rng.choices(list(forms), [20, 2, 2, 0.1])[0]](text) for text in sent) + b"\x88\x02\x03\xe8"

    async def handler(incoming):
        line = await incoming.accept()
        at = 0
        while at < len(wire):
            piece = wire[at : at + rng.choice([1, 7, 50, 5000])]
            await line._stream.send_all(piece)
            at += len(piece)
            if rng.random() < 0.3:
                await trio.sleep(0.01)
        await trio.sleep_forever()

    network.handler = handler
    got = []
    with pytest.raises(ConnectionLost, match="closed with 1000"):
        async with connect(ENDPOINT, timeout=5, opener=network.open) as connection:
            while True:
                got += [message.rstrip(b".") for message in await connection.receive()]
                if rng.random() < 0.2:
                    await trio.sleep(rng.choice([0, 0.1, 3]))
    assert got == sent


async def test_what_comes_after_our_goodbye_is_not_kept(network, autojump_clock):
    async def handler(incoming):
        line = await incoming.accept()
        with contextlib.suppress(trio.BrokenResourceError):
            while True:
                await line._stream.send_all(b"\x81\x05later" * 100)
                await trio.sleep(0.01)

    network.handler = handler
    async with connect(ENDPOINT, timeout=5, opener=network.open) as connection:
        await connection.receive()
    assert sum(map(len, connection._stream.cut)) <= 100
    assert connection._stream.batches.statistics().current_buffer_used == 0


async def test_the_client_says_goodbye(network):
    goodbyes = []

    async def handler(incoming):
        line = await incoming.accept()
        try:
            await line.receive()
        finally:
            goodbyes.append(line._websocket.closed.code)

    network.handler = handler
    async with connect(ENDPOINT, timeout=5, opener=network.open):
        pass
    await trio.testing.wait_all_tasks_blocked()
    assert goodbyes == [1000]


async def test_a_server_that_does_not_answer_the_goodbye_is_not_waited_for(network, autojump_clock):
    async def handler(incoming):
        line = await incoming.accept()

        async def never(event):
            await trio.sleep_forever()

        line._websocket._handle_close_connection_event = never
        await trio.sleep_forever()

    network.handler = handler
    async with connect(ENDPOINT, timeout=5, opener=network.open):
        pass
    assert trio.current_time() < 4


class _PingsAtTheGoodbye(trio.abc.Stream):
    """A stream on which a ping of the server's crosses the client's close frame."""

    def __init__(self, stream):
        self.stream = stream
        self.ping = b""

    async def send_all(self, data):
        if data[:1] == b"\x88":
            self.ping = b"\x89\x04ping"
        await self.stream.send_all(data)

    async def receive_some(self, max_bytes=None):
        data = await self.stream.receive_some(max_bytes)
        ping, self.ping = self.ping, b""
        return ping + data

    async def wait_send_all_might_not_block(self):
        await self.stream.wait_send_all_might_not_block()

    async def aclose(self):
        await self.stream.aclose()


async def test_a_ping_that_crosses_our_goodbye_is_no_loss(network):
    async def opener(endpoint):
        return _PingsAtTheGoodbye(await network.open(endpoint))

    network.handler = echo
    async with connect(ENDPOINT, timeout=5, opener=opener) as connection:
        await connection.ping()


@pytest.mark.parametrize(
    ("status", "refused", "words"),
    [
        (401, True, "refused the token"),
        (403, True, "forbids"),
        (404, False, "no such path"),
        (503, False, "not able to serve now"),
        (200, False, "no websocket"),
    ],
)
async def test_an_http_answer_is_reported_with_its_status(network, status, refused, words):
    loss = await loss_of(network, answering(Refusal(status, b"body")))
    assert isinstance(loss, HandshakeRefused)
    assert (loss.status, loss.auth_failed) == (status, refused)
    assert words in str(loss)
    assert "hunter2" not in str(loss)


async def test_the_last_frames_are_read_before_the_loss_is_reported(network):
    network.handler = hanging_up(CloseConnection(1011, "sorry"))
    with pytest.raises(ConnectionLost, match=r"closed with 1011 \(internal error\): sorry"):
        async with connect(ENDPOINT, timeout=5, opener=network.open) as connection:
            assert await connection.receive() == [b"last words"]
            await connection.receive()


async def test_a_line_that_is_cut_is_reported_as_that(network):
    assert str(await loss_of(network, hanging_up(CloseConnection()))) == "the connection was cut without a close frame"


async def test_a_server_that_closes_instead_of_upgrading_is_noticed_at_once(network, autojump_clock):
    async def opener(endpoint):
        client, server = trio.testing.memory_stream_pair()
        await server.aclose()
        return client

    with pytest.raises(ConnectionLost, match=r"vendor.example:5555/path closed the connection instead of upgrading"):
        async with connect(ENDPOINT, timeout=5, opener=opener):
            pass
    assert trio.current_time() < 1


async def test_a_server_that_says_nothing_is_given_up_in_time(network, autojump_clock):
    streams = []

    async def opener(endpoint):
        streams.extend(trio.testing.memory_stream_pair())
        return streams[0]

    with pytest.raises(ConnectionLost, match=r"no answer from ws://vendor.example:5555/path within 5 s"):
        async with connect(ENDPOINT, timeout=5, opener=opener):
            pass
    assert trio.current_time() == pytest.approx(5)


@pytest.mark.parametrize("answer", [b"220 smtp.example ESMTP\r\n\r\n", b"HTTP/1.1 101 Yes\r\n\r\n", b"\x00\xff" * 40])
async def test_a_server_that_speaks_something_else_is_reported(network, autojump_clock, answer):
    async def opener(endpoint):
        client, server = trio.testing.memory_stream_pair()
        await server.send_all(answer)
        network.streams.append(server)
        return client

    with pytest.raises(ConnectionLost):
        async with connect(ENDPOINT, timeout=5, opener=opener):
            pass


async def test_a_frame_that_breaks_the_protocol_ends_the_line_with_that_reason(network):
    async def handler(incoming):
        line = await incoming.accept()
        await line._stream.send_all(b"\x81\x81\x00\x00\x00\x00a")  # a masked frame, which a server must not send
        await trio.sleep_forever()

    loss = await loss_of(network, handler)
    assert str(loss)


async def test_what_the_body_raises_comes_out_as_itself(network):
    network.handler = echo
    with pytest.raises(ZeroDivisionError):
        async with connect(ENDPOINT, timeout=5, opener=network.open):
            raise ZeroDivisionError


async def test_cancelling_closes_the_line_and_comes_through(network):
    network.handler = echo
    with trio.CancelScope() as scope:
        async with connect(ENDPOINT, timeout=5, opener=network.open):
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_silence_is_counted_from_the_last_byte(network, autojump_clock):
    network.handler = echo
    async with connect(ENDPOINT, timeout=5, opener=network.open) as connection:
        await trio.sleep(7)
        assert connection.activity.silence() == pytest.approx(7)
        await connection.ping()
        assert connection.activity.silence() == pytest.approx(0)


# -- on real sockets -----------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def listening(handler, context=None):
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    if context is not None:
        listener = trio.SSLListener(listener, context)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, lambda stream: serve_stream(handler, stream), [listener])
        yield port
        nursery.cancel_scope.cancel()


GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
HELLO, CLOSE = b"\x81\x05hello", b"\x88\x00"
HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"


@contextlib.asynccontextmanager
async def upgrading_after(*pieces, **headers):
    """A server on a real socket that answers a handshake with these bytes and the upgrade; yields its URL."""

    async def serve(stream):
        request = b""
        while b"\r\n\r\n" not in request:
            request += await stream.receive_some()
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)[1]
        accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
        lines = [b"HTTP/1.1 101 Switching Protocols", b"upgrade: websocket", b"connection: Upgrade"]
        lines += [b"sec-websocket-accept: " + accept]
        lines += [f"{name.replace('_', '-')}: {value}".encode() for name, value in headers.items()]
        with contextlib.suppress(trio.BrokenResourceError):
            for piece in (*pieces, b"\r\n".join(lines) + b"\r\n\r\n" + HELLO):
                await stream.send_all(piece)
                await trio.testing.wait_all_tasks_blocked()
            await stream.receive_some()
            await stream.send_all(CLOSE)

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield Endpoint(f"ws://127.0.0.1:{listener.socket.getsockname()[1]}/")
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 100 Continue\r\n\r\n"],
        [HINTS, HINTS],
        [HINTS + b"HTTP/1.1 100 Continue\r\n\r\n"],
        [HINTS[:20], HINTS[20:]],
        [HINTS[:9], HINTS[9:11], HINTS[11:]],
    ],
)
async def test_informational_answers_before_the_upgrade_mean_nothing(pieces):
    async with upgrading_after(*pieces) as endpoint, connect(endpoint, timeout=5) as connection:
        assert await connection.receive() == [b"hello"]


@pytest.mark.parametrize("protocol", ["", "chat", "a, b"])
async def test_a_subprotocol_that_was_not_asked_for_is_a_clear_word(protocol):
    async with upgrading_after(sec_websocket_protocol=protocol) as endpoint:
        with pytest.raises(ConnectionLost, match=r"subprotocol") as raised:
            async with connect(endpoint, timeout=5):
                pass
    assert "Traceback" not in str(raised.value) and repr(protocol) in str(raised.value)


async def test_a_server_that_never_stops_giving_hints_is_given_up_in_time():
    async with upgrading_after(*[HINTS] * 2000, b"HTTP/1.1 103 " + b"x" * 100_000) as endpoint:
        with pytest.raises(ConnectionLost):
            async with connect(endpoint, timeout=5):
                pass


async def test_a_port_where_nobody_listens_is_reported_in_the_systems_words():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ConnectionLost, match=rf"cannot reach 127.0.0.1:{port}: Connection refused$"):
            async with connect(Endpoint(f"ws://127.0.0.1:{port}"), timeout=5):
                pass


async def test_a_host_that_does_not_exist_is_reported_by_name():
    with pytest.raises(ConnectionLost, match=r"cannot reach no-such-host.invalid:80: "):
        async with connect(Endpoint("ws://no-such-host.invalid"), timeout=5):
            pass


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def server_context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


async def test_tls_with_an_authority_of_ones_own(authority, server_context, tmp_path):
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    async with listening(echo, server_context) as port:
        endpoint = Endpoint(f"wss://localhost:{port}/x", ca_file=str(ca_file))
        async with connect(endpoint, timeout=5) as connection:
            await connection.send("hi")
            assert await connection.receive() == [b"/x None hi"]


async def test_a_certificate_that_is_not_trusted_is_reported_as_that(server_context):
    async with listening(echo, server_context) as port:
        with pytest.raises(ConnectionLost, match=r"no TLS with localhost:.*certificate is not trusted"):
            async with connect(Endpoint(f"wss://localhost:{port}"), timeout=5):
                pass


async def test_a_file_of_authorities_that_is_not_there_is_reported(tmp_path):
    async with listening(echo) as port:
        with pytest.raises(ConnectionLost, match="No such file"):
            async with connect(Endpoint(f"wss://localhost:{port}", ca_file=str(tmp_path / "none")), timeout=5):
                pass
