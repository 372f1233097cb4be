"""`jackfield._feed.intake`: vendors that can wait do so for the journal, and bring no more than it has room for."""

from contextlib import asynccontextmanager

import attrs
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from jackfield._feed.intake import ENVELOPE_BYTES, Unlimited, within_room
from jackfield._feed.transport import connect
from jackfield.plugin.http import Request
from jackfield.plugin.transport import LongPoll, PullSource


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=20), st.integers(0, 20), st.integers(0, 20_000))
def test_as_many_frames_have_room_as_events_and_bytes_allow_and_one_at_least(frames, events, size):
    count = within_room(frames, events, size)
    weights = [len(frame) + ENVELOPE_BYTES for frame in frames]
    assert 1 <= count <= len(frames)
    assert count == 1 or (count <= events and sum(weights[:count]) <= size)
    more = sum(weights[: count + 1])
    assert count == len(frames) or count >= events or more > size


@attrs.define
class Gate:
    """An intake that a test opens and shuts."""

    rooms: list = attrs.field(factory=list)
    opened: trio.Event = attrs.field(factory=trio.Event)

    async def room(self):
        await trio.lowlevel.checkpoint()
        if not self.rooms:
            await trio.sleep_forever()
        return self.rooms.pop(0), 10**9

    async def settled(self):
        await self.opened.wait()


@attrs.define
class Source:
    """Has a thousand frames at once, again and again."""

    calls: int = 0

    async def receive(self):
        await trio.lowlevel.checkpoint()
        self.calls += 1
        return [b"%d" % number for number in range(1000)]

    async def send(self, frame):
        pass

    @asynccontextmanager
    async def open(self):
        yield self


async def test_a_source_that_is_faster_than_the_journal_is_slowed(autojump_clock):
    source, gate = Source(), Gate([300, 300])
    async with connect(PullSource(source.open, "a broker"), timeout=5, intake=gate) as connection:
        assert [len(await connection.receive()) for _ in range(2)] == [300, 300]
        with trio.move_on_after(3600) as waiting:
            await connection.receive()
        assert waiting.cancelled_caught, "without room nothing comes"
        gate.rooms = [10**6] * 3
        received = [*await connection.receive()]
    assert (source.calls, received[0], len(received)) == (1, b"600", 400), "what had no room was not lost"


async def test_the_next_poll_goes_out_when_what_the_last_one_brought_is_stored(nursery, autojump_clock):
    asked, gate = [], Gate()

    async def vendor(stream):
        async for data in stream:
            asked.append(data.split()[1])
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async def opener(endpoint):
        await trio.lowlevel.checkpoint()
        ours, theirs = trio.testing.memory_stream_pair()
        nursery.start_soon(vendor, theirs)
        return ours

    poll = LongPoll(Request("GET", "http://v.example/1"), lambda response: Request("GET", "http://v.example/2"))
    async with connect(poll, timeout=5, intake=gate, opener=opener) as connection:
        with trio.move_on_after(60) as waiting:
            await connection.receive()
        assert (waiting.cancelled_caught, asked) == (True, [])
        gate.opened.set()
        assert await connection.receive() == [b"ok"]
        gate.opened = trio.Event()
        with trio.move_on_after(60):
            await connection.receive()
        assert asked == [b"/1"]


async def test_without_a_journal_there_is_always_room():
    assert min(await Unlimited().room()) > 10**9
    await Unlimited().settled()
    assert Unlimited().token() is None
