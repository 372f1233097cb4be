"""Over a real socket, the transport hands over what trio-websocket by itself would, and answers what it would."""

import base64
import hashlib
import random
import struct
from contextlib import asynccontextmanager

import pytest
import trio
import trio_websocket

from jackfield._feed.transport import connect
from jackfield.errors import ConnectionLost
from jackfield.plugin.transport import Endpoint

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SIZES = (0, 1, 125, 126, 600, 2000, 65_535, 65_536, 300_000)
FAULTS = (
    b"\x83\x00",
    b"\xc1\x01a",
    b"\x81\x81\0\0\0\0a",
    b"\x80\x01a",
    b"\x81\x02\xff\xfe",
    b"\x89\x7e\x00\x80" + b"x" * 128,
)


def frame(payload, first=0x81):
    if len(payload) < 126:
        return bytes((first, len(payload))) + payload
    if len(payload) < 65536:
        return struct.pack("!BBH", first, 126, len(payload)) + payload
    return struct.pack("!BBQ", first, 127, len(payload)) + payload


def day(chance):
    """What one server sends: mostly events, now and then everything else that there is."""
    sent = []
    for _ in range(chance.randrange(1, 60)):
        what = chance.random()
        text = ("aé€😀{}" * 60_000)[: chance.choice(SIZES) if chance.random() < 0.2 else chance.randrange(700)].encode()
        if what < 0.75:
            sent.append(frame(text))
        elif what < 0.85:
            third = max(1, len(text) // 3)
            parts = [text[at : at + third] for at in range(0, len(text), third)] or [b""]
            for number, part in enumerate(parts):
                first = (0 if number else 1) | (0x80 if number == len(parts) - 1 else 0)
                sent.append(frame(part, first))
                if chance.random() < 0.3:
                    sent.append(frame(b"within", 0x89))
        elif what < 0.98:
            sent.append(frame(b"ping %d" % chance.randrange(99), 0x89))
        elif what < 0.99:
            sent.append(chance.choice(FAULTS))
    if chance.random() < 0.7:
        sent.append(frame(struct.pack("!H", chance.choice((1000, 1011, 4000))) + b"bye", 0x88))
    return b"".join(sent)


@asynccontextmanager
async def server(sent, places, answers):
    """A server that sends these bytes in these pieces, the first together with its handshake, and then hangs up."""

    async def serve(stream):
        request = b""
        while b"\r\n\r\n" not in request:
            request += await stream.receive_some()
        key = request.lower().partition(b"sec-websocket-key: ")[2]
        start = len(request) - len(key)
        key = request[start:].partition(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())  # noqa: S324  # the protocol's own
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen, stream)
            try:
                whole = head + sent
                for start, end in zip([0, *places], [*places, len(whole)], strict=True):
                    await stream.send_all(whole[start:end])
                    await trio.lowlevel.checkpoint()
                await stream.send_eof()
            except trio.BrokenResourceError:
                pass

    async def listen(stream):
        data = bytearray()
        try:
            async for piece in stream:
                data += piece
        except trio.BrokenResourceError:
            pass
        answers.append(unmasked(bytes(data)))

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield listener.socket.getsockname()[1]
        while not answers:  # noqa: ASYNC110  # a test looks from outside
            await trio.sleep(0.001)
        nursery.cancel_scope.cancel()


def unmasked(data):
    """The frames that a client has sent: their first bytes and what they say."""
    frames = []
    while len(data) >= 6:
        size = data[1] & 0x7F
        mask, text = data[2:6], data[6 : 6 + size]
        frames.append((data[0], bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))))
        data = data[6 + size :]
    return frames


async def ours(port):
    seen = []
    try:
        async with connect(Endpoint(f"ws://127.0.0.1:{port}/"), timeout=5) as connection:
            while True:
                seen += await connection.receive()
    except ConnectionLost as loss:
        return seen, loss.reason


async def theirs(port):
    seen = []
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream, trio.open_nursery() as nursery:
        websocket = await trio_websocket.wrap_client_stream(
            nursery, stream, "127.0.0.1", "/", message_queue_size=1000, max_message_size=2**24
        )
        try:
            while True:
                message = await websocket.get_message()
                seen.append(message.encode() if isinstance(message, str) else bytes(message))
        except trio_websocket.ConnectionClosed as closed:
            reason = closed.reason
        await websocket.aclose()
    return seen, reason


@pytest.mark.parametrize("seed", range(24))
async def test_messages_pongs_and_goodbyes_are_those_of_trio_websocket_alone(seed):
    chance = random.Random(seed)
    sent = day(chance)
    places = sorted(chance.randrange(200, len(sent) + 150) for _ in range(chance.choice((0, 3, 40))))
    found = []
    for client in (theirs, ours):
        answers = []
        with trio.fail_after(20):
            async with server(sent, places, answers) as port:
                seen, reason = await client(port)
        found.append((seen, answers[0], reason))
    (their_messages, their_answers, closed), (messages, answers, reason) = found
    assert messages == their_messages
    assert answers == their_answers
    assert str(closed.code) in reason if closed is not None and closed.code != 1006 else "cut" in reason
