"""`jackfield._feed.frame_splitter`: however the bytes are split, the messages are those of wsproto alone."""

import struct
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from jackfield._feed import frame_splitter
from jackfield._feed.frame_splitter import LEFT_MOST, FrameSplitter

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
SMALL = 300


def frame(payload, first=0x81):
    """A frame as a server must write it."""
    if len(payload) < 126:
        return struct.pack("!BB", first, len(payload)) + payload
    if len(payload) < 65536:
        return struct.pack("!BBH", first, 126, len(payload)) + payload
    return struct.pack("!BBQ", first, 127, len(payload)) + payload


def parse(pieces):
    """What wsproto makes of a connection's bytes, up to the goodbye; messages as bytes."""
    connection = Connection(ConnectionType.CLIENT)
    parts = []
    for piece in pieces:
        connection.receive_data(piece)
        for event in connection.events():
            match event:
                case TextMessage() | BytesMessage():
                    parts.append(event.data.encode() if isinstance(event.data, str) else bytes(event.data))
                    if event.message_finished:
                        yield "message", b"".join(parts)
                        parts.clear()
                case Ping(payload) | Pong(payload):
                    yield type(event).__name__, bytes(payload)
                case CloseConnection(code):
                    yield "close", code
                    return


def cut(pieces):
    """The same by way of the splitter, and how many messages were cut out."""
    splitter, stands_for, left, taken = FrameSplitter(), [], [], 0
    for piece in pieces:
        rest, told = splitter.feed(piece)
        left.append(rest)
        stands_for += told
        taken += sum(len(run) for run in told if run is not None)
    whole = b"".join(left)
    assert whole.startswith(HEAD)
    seen = []
    for kind, value in parse([whole[len(HEAD) :]]):
        run = stands_for.pop(0) if kind == "message" and stands_for else None
        seen += [(kind, value)] if run is None else [("message", each) for each in run]
    return seen, taken


def split(data, places):
    places = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


texts = st.text(max_size=40).map(str.encode) | st.sampled_from([b"", b"x" * 125, b"x" * 126, b"x" * (SMALL + 1)])
messages = st.builds(frame, texts, st.sampled_from([0x81, 0x82]))
pings = st.builds(frame, st.binary(max_size=125), st.sampled_from([0x89, 0x8A]))


@st.composite
def fragments(draw):
    parts = draw(st.lists(texts, min_size=1, max_size=3))
    frames = [frame(part, 0x00) for part in parts]
    frames[0] = b"\x01" + frames[0][1:]
    frames[-1] = bytes([frames[-1][0] | 0x80]) + frames[-1][1:]
    return b"".join(each + b"".join(draw(st.lists(pings, max_size=1))) for each in frames)


closes = st.builds(
    lambda code, reason: frame(struct.pack("!H", code) + reason.encode(), 0x88),
    st.sampled_from([1000, 1001, 1011, 4000]),
    st.text(max_size=9),
)
faults = st.sampled_from(
    [
        frame(b"\xff\xfe"),  # no UTF-8
        frame("é".encode(), 0x01)[:-1],  # runs into what follows
        b"\x81\x81\x00\x00\x00\x00a",  # masked
        b"\x89\x7e\x00\x05short",  # a ping whose length has more bytes than it needs
        b"\x89\x80",  # a masked ping
        b"\x8a\x81\x00\x00\x00\x00a",
        b"\x88\x80",
        b"\x83\x01a",  # no such frame
        b"\xc1\x01a",  # a reserved bit
        b"\x09\x01a",  # a ping in fragments
        b"\x89\x7e\x00\x80" + b"p" * 128,  # too long for a ping
        b"\x80\x01a",  # goes on with nothing
        b"\x01\x01a\x81\x01b",  # begins within another
        b"\x81\x7e\x00\x05short",  # a length in more bytes than it needs
        b"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x05short",
        b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x05",  # a negative length
        b"\x88\x00",
        b"\x88\x01x",
    ]
)
streams = st.lists(messages | messages | pings | fragments() | closes | faults | st.binary(max_size=6), max_size=12)
places = st.lists(st.integers(0, 2000), max_size=20)


@pytest.fixture(autouse=True, scope="module")
def _small_messages_are_large():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_splitter, "CUT_MOST", SMALL)
        yield


@given(streams.map(b"".join), places)
def test_the_messages_pings_and_closes_are_those_of_wsproto_alone(stream, places):
    found, _ = cut(split(HEAD + stream, places))
    assert found == list(parse([stream]))


first_bytes = st.integers(0, 255)
any_frames = st.builds(
    lambda first, second, rest: bytes([first, second]) + rest, first_bytes, st.integers(0, 255), st.binary(max_size=140)
)


@given(st.lists(messages | any_frames | st.binary(max_size=20), max_size=8).map(b"".join), places)
def test_any_bytes_masked_and_reserved_frames_included_are_judged_as_by_wsproto_alone(stream, places):
    found, _ = cut(split(HEAD + stream, places))
    assert found == list(parse([stream]))


@pytest.mark.parametrize("masked", [b"\x80", b"\x81", b"\xfd", b"\xfe", b"\xff"])
def test_a_masked_frame_is_left_for_wsproto_and_does_not_stop_the_loop(masked):
    for first in range(256):
        data = HEAD + bytes([first]) + masked
        assert FrameSplitter().feed(data) == (data, []), first


LEFT_FOR_WSPROTO = {
    "a message above the cut limit": frame(b"x" * 70_000),
    "fragments": b"\x01\x01a\x00\x01b\x80\x01c",
    "fragments around a ping": b"\x01\x01a\x89\x00\x80\x01c",
    "a ping": b"\x89\x01p",
    "a pong": b"\x8a\x00",
}


@pytest.mark.parametrize("left", LEFT_FOR_WSPROTO.values(), ids=LEFT_FOR_WSPROTO)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_cutting_goes_on_behind_what_is_left_for_wsproto(left, size):
    stream = frame(b"before") + left + frame(b"after") + frame(b"later")
    pieces = [HEAD] + [stream[at : at + size] for at in range(0, len(stream), size)]
    found, taken = cut(pieces)
    assert found == list(parse([stream]))
    assert taken == 3  # before, after and later


@given(st.lists(messages | pings | fragments(), max_size=12).map(b"".join))
def test_a_stream_in_single_bytes_makes_the_same_messages(stream):
    found, _ = cut(split(HEAD + stream, range(len(HEAD + stream))))
    assert found == list(parse([stream]))


@given(st.lists(texts.filter(lambda text: 2 <= len(text) <= SMALL), min_size=1, max_size=20), places)
def test_every_message_of_a_plain_stream_is_cut_out(texts, places):
    pieces = split(HEAD + b"".join(map(frame, texts)) + b"\x89\x00", places)
    found, taken = cut(pieces)
    assert found[:-1] == [("message", text) for text in texts]
    assert taken == len(texts)


def test_what_one_read_brought_is_one_list():
    splitter = FrameSplitter()
    splitter.feed(HEAD)
    left, told = splitter.feed(frame(b"one") + frame(b"two") + frame(b"three"))
    assert told == [[b"one", b"two", b"three"]]
    assert len(left) == 2


@given(st.binary(max_size=400), places)
def test_an_answer_that_does_not_upgrade_is_left_as_it_is(answer, places):
    splitter = FrameSplitter()
    answer = b"HTTP/1.1 200 OK\r\n\r\n" + answer
    pieces = [splitter.feed(piece) for piece in split(answer, places)]
    assert b"".join(left for left, _ in pieces) == answer
    assert all(told == [] for _, told in pieces)


@given(st.lists(messages, max_size=30).map(b"".join), places)
def test_never_more_than_one_message_is_held_back(stream, places):
    splitter = FrameSplitter()
    for piece in split(HEAD + stream, places):
        splitter.feed(piece)
        assert len(splitter._held) <= max(len(HEAD), SMALL + 10)


@pytest.mark.parametrize(
    "flood", [b"\x89\x00", b"\x8a\x00", b"\x01\x00" + b"\x00\x00" * 100 + b"\x80\x00", b"\x89\x00" + frame(b"x")]
)
def test_a_flood_of_tiny_frames_is_cut_in_bounded_steps_and_none_of_it_is_lost(flood):
    data, splitter = flood * (128 * 1024 // len(flood)), FrameSplitter()
    splitter.feed(HEAD)
    left, told = splitter.feed(data)
    pieces, stands_for = [left], told
    while splitter.paused:
        left, told = splitter.feed(b"")
        pieces.append(left)
        stands_for += told
    assert all(len(piece) <= 3 * (LEFT_MOST + 2) for piece in pieces)
    messages = sum(len(run) for run in stands_for if run is not None)
    assert sum(map(len, pieces)) + 3 * messages - 2 * messages == len(data)


@given(st.lists(st.sampled_from([103, 100, 199, 110]), max_size=5), places)
@example([199], [11])  # within the status
@example([103, 199], list(range(90)))
def test_informational_answers_before_the_upgrade_are_taken_out_however_they_are_split(statuses, places):
    hints = b"".join(b"HTTP/1.1 %d Hint\r\nlink: x\r\n\r\n" % status for status in statuses)
    splitter = FrameSplitter()
    pieces = [splitter.feed(piece) for piece in split(hints + HEAD + frame(b"hello"), places)]
    assert b"".join(left for left, _ in pieces) == HEAD + b"\x82\x00"
    assert [run for _, told in pieces for run in told] == [[b"hello"]]
