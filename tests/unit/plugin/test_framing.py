"""`jackfield.plugin.framing`: the same frames however the bytes are cut, and never more held back than the limit."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import FrameError
from jackfield.plugin.framing import HeaderBlocks, LengthPrefixed, Lines, ServerSentEvent, ServerSentEvents

LINE = st.binary(min_size=1, max_size=20).filter(lambda line: not set(line) & {0x0A, 0x0D})
# A field's name and value, as all of the framings of text can carry them.
FIELD = st.tuples(
    st.sampled_from(["Event-Name", "Unique-ID", "Reply-Text"]), st.text("abc 0:", max_size=8).map(str.strip)
)


def fed(framing, data, cuts=()):
    """The frames that come out of data cut there."""
    marks = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [frame for start, stop in itertools.pairwise(marks) for frame in framing.split(data[start:stop])]


@st.composite
def blocks(draw):
    body = draw(st.none() | st.binary(max_size=40))
    fields = [f"{name}: {value}" for name, value in draw(st.lists(FIELD, min_size=1, max_size=3))]
    if body is not None:
        fields.insert(draw(st.integers(0, len(fields))), f"Content-Length: {len(body)}")
    return "\n".join(fields).encode() + b"\n\n" + (body or b"")


@st.composite
def server_sent(draw):
    fields = draw(st.lists(st.tuples(st.sampled_from(["data", "event", "id"]), st.text("ab ", max_size=5)), min_size=1))
    return "\n".join(f"{name}:{value}" for name, value in fields).encode()


FRAMED = [
    (Lines, LINE),
    (lambda: Lines(end=b"\0"), st.binary(min_size=1, max_size=20).filter(lambda line: 0 not in line)),
    (lambda: Lines(end=b"<EOM>"), LINE.filter(lambda line: b"<" not in line)),
    (LengthPrefixed, st.binary(max_size=40)),
    (lambda: LengthPrefixed(2, "little", inclusive=True), st.binary(max_size=40)),
    (HeaderBlocks, blocks()),
    (ServerSentEvents, server_sent()),
]
LIMITED = [
    (lambda: Lines(max_bytes=30), b"x" * 100),
    (lambda: LengthPrefixed(max_bytes=30), b"\0\0\0\x64" + b"x" * 100),
    (lambda: HeaderBlocks(max_bytes=30), b"Content-Length: 100\n\n" + b"x" * 100),
    (lambda: ServerSentEvents(max_bytes=30), b"data: " + b"x" * 100),
    (lambda: ServerSentEvents(max_bytes=30), b"data: x\n" * 10),
]


@pytest.mark.parametrize(("make", "frames"), FRAMED)
def test_what_is_wrapped_comes_out_again_however_it_is_cut(make, frames):
    @given(st.lists(frames, max_size=6), st.lists(st.integers(0, 10_000), max_size=20))
    def holds(sent, cuts):
        data = b"".join(make().wrap(frame) for frame in sent)
        framing = make()
        assert fed(framing, data, cuts) == sent
        assert framing.held == 0

    holds()


@pytest.mark.parametrize("make", [make for make, _ in FRAMED])
def test_any_bytes_are_frames_or_one_error(make):
    @given(st.lists(st.binary(max_size=50)))
    def holds(reads):
        framing = make()
        try:
            for data in reads:
                list(framing.split(data))
        except FrameError:
            pass

    holds()


@pytest.mark.parametrize(("make", "data"), LIMITED)
def test_a_frame_above_the_limit_is_an_error_before_it_has_all_come(make, data):
    framing, most = make(), 0
    with pytest.raises(FrameError, match="longer than 30 bytes"):
        for byte in data:
            list(framing.split(bytes([byte])))
            most = max(most, framing.held)
    assert most <= 40


def test_headers_without_an_end_are_an_error():
    with pytest.raises(FrameError, match="longer than 65536 bytes"):
        list(HeaderBlocks().split(b"Name: x\n" * 10_000))


@pytest.mark.parametrize(
    ("framing", "data"),
    [
        (HeaderBlocks(), b"Content-Length: many\n\n"),
        (HeaderBlocks(), b"Content-Length: -1\n\n"),
        (LengthPrefixed(inclusive=True), b"\0\0\0\1"),
    ],
)
def test_a_length_that_is_none_is_an_error(framing, data):
    with pytest.raises(FrameError):
        list(framing.split(data))


def test_what_is_complete_before_a_fault_comes_out_before_it():
    frames = []
    with pytest.raises(FrameError):
        for frame in LengthPrefixed(max_bytes=5).split(b"\0\0\0\2hi\0\0\0\6toobig"):
            frames += [frame]
    assert frames == [b"hi"]


def test_a_line_loses_its_return_and_an_empty_one_is_left_out():
    assert fed(Lines(), b"one\r\n\r\n\ntwo\nthree") == [b"one", b"two"]


def test_blocks_may_be_ended_as_asterisk_does_it():
    assert fed(HeaderBlocks(), b"Event: Hangup\r\nChannel: 1\r\n\r\nEvent: Bye\r\n\r\n") == [
        b"Event: Hangup\r\nChannel: 1\r\n\r\n",
        b"Event: Bye\r\n\r\n",
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@given(cuts=st.lists(st.integers(0, 200), max_size=30))
def test_server_sent_events_are_read_as_the_standard_has_it(end, cuts):
    stream = [
        b"\xef\xbb\xbf: a comment",
        b"",
        b"data: YHOO",
        b"data: +2",
        b"data",
        b"",
        b"event: add",
        b"id: 7",
        b"data:  two blanks",
        b"",
        b"retry: 10",
        b"",
        b"data: unfinished",
    ]
    framing = ServerSentEvents()
    events = [ServerSentEvent.parse(frame) for frame in fed(framing, end.join(stream), cuts)]
    assert events == [
        ServerSentEvent("YHOO\n+2\n"),
        ServerSentEvent(" two blanks", "add", "7"),
        ServerSentEvent(""),
    ]
    assert framing.held == len(b"data: unfinished")


def test_an_event_that_is_not_utf_8_is_an_error():
    with pytest.raises(FrameError, match="UTF-8"):
        ServerSentEvent.parse(b"data: \xff")
