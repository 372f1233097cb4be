"""`jackfield.simulation._running`: each fault, as a client that is not ours meets it, on a virtual clock."""

import math
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
import trio_websocket

from jackfield._net.exception_groups import leaves
from jackfield.errors import PluginError
from jackfield.simulation import Faults, simulate


@asynccontextmanager
async def line(running, said="count"):
    """A client's connection that has asked for the events."""
    port = int(running.url.split(":")[2].split("/")[0])
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream, trio.open_nursery() as nursery:
        websocket = await trio_websocket.wrap_client_stream(nursery, stream, "127.0.0.1", "/count")
        if said:
            await websocket.send_message(said)
            assert await websocket.get_message() == "counting"
        yield websocket
        nursery.cancel_scope.cancel()


async def frames(websocket, seconds):
    """What comes in so many seconds, or until the line ends."""
    out = []
    with trio.move_on_after(seconds):
        try:
            while True:
                out.append(await websocket.get_message())
        except trio_websocket.ConnectionClosed:
            pass
    return out


async def end_of(websocket):
    """When and how a line ends."""
    with trio.fail_after(1000), pytest.raises(trio_websocket.ConnectionClosed) as caught:
        while True:
            await websocket.get_message()
    return round(trio.current_time(), 1), caught.value.reason.code


async def client_that_does_not_read(running):
    stream = await trio.open_tcp_stream("127.0.0.1", int(running.url.split(":")[2].split("/")[0]))
    handshake = "GET /count HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    handshake += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    await stream.send_all(handshake.encode())
    assert b" 101 " in await stream.receive_some()
    await stream.send_all(b"\x81\x85\0\0\0\0count")
    return stream


async def settled(running):
    with trio.fail_after(100):
        await running.settled()


@asynccontextmanager
async def counted(simulator, limit=300, **faults):
    """A simulator with one client, which gets all events of a limit, and the frames that came."""
    async with simulate(simulator, faults=Faults(**faults), limit=0) as running, line(running) as websocket:
        running.limit = limit
        came = await frames(websocket, 20.0)
        await settled(running)
        yield running, came


async def test_without_faults_each_event_comes_once_in_order(counting, autojump_clock):
    async with counted(counting()) as (running, came):
        assert came == [str(number) for number in range(300)]
        assert list(running.published) == list(range(300))
        assert list(running.sent) == came
        assert running.counters.events == running.counters.sent == 300


async def test_dropped_frames_are_missing_and_counted(counting, autojump_clock):
    async with counted(counting(), drop=0.3) as (running, came):
        assert list(running.sent) == came == sorted(set(came), key=int)
        assert len(came) == 300 - running.counters.dropped
        assert 0 < running.counters.dropped < 200


async def test_duplicates_come_one_after_the_other(counting, autojump_clock):
    async with counted(counting(), duplicate=4) as (running, came):
        assert came == [str(number) for number in range(300) for _ in range(4)]
        assert running.counters.duplicated == 900


async def test_shuffled_frames_all_come_in_another_order(counting, autojump_clock):
    async with counted(counting(), shuffle=5.0) as (_, came):
        assert came != sorted(came, key=int)
        assert sorted(came, key=int) == [str(number) for number in range(300)]


async def test_all_at_once_loses_only_what_was_dropped(counting, autojump_clock):
    everything = {"drop": 0.2, "duplicate": 3, "shuffle": 2.0, "garbage": 0.5, "binary": 0.5, "oversized": 0.1}
    async with counted(counting(), **everything) as (running, came):
        done = running.counters
        events = [each for each in came if isinstance(each, str) and each.isdigit()]
        assert len(set(events)) == 300 - done.dropped
        assert sorted(events) == sorted(running.sent)
        assert len(events) == len(set(events)) * 3
        assert sum(isinstance(each, bytes) for each in came) == done.binary > 0
        assert sum(len(each) == 100_000 for each in came) == done.oversized > 0
        assert len(came) == len(events) + done.binary + done.garbage + done.oversized


async def test_a_stalled_server_confirms_and_then_says_nothing(counting, autojump_clock):
    async with counted(counting(), stalled=True) as (running, came):
        assert came == []
        assert running.counters.withheld == 300


async def test_a_mute_server_answers_nothing_but_serves(counting, autojump_clock):
    async with simulate(counting(), faults=Faults(mute=True), limit=0) as running, line(running, said="") as websocket:
        await websocket.send_message("count")
        await trio.sleep(1)
        running.limit = 3
        assert await frames(websocket, 1) == ["0", "1", "2"]
        assert running.counters.muted == 1


async def test_late_answers_are_overtaken_by_events(counting, autojump_clock):
    async with simulate(counting(rate=1.0), faults=Faults(late=2.5)) as running, line(running, said="") as websocket:
        await websocket.send_message("count")
        assert await frames(websocket, 3.5) == ["0", "1", "counting", "2"]


async def test_pings_are_not_answered_while_the_fault_is_on(counting, autojump_clock):
    async with simulate(counting(), limit=0) as running, line(running) as websocket:
        for fault in (False, True, False):
            running.faults.no_pong = fault
            with trio.move_on_after(10) as waited:
                await websocket.ping()
            assert waited.cancelled_caught is fault


@pytest.mark.parametrize("status", [200, 401, 403, 426, 429, 503])
async def test_a_refused_handshake_has_the_status_and_the_time_to_wait(counting, status, autojump_clock):
    async with simulate(counting(), faults=Faults(refuse=status, retry_after=7)) as running:
        with pytest.raises(BaseExceptionGroup) as group:
            async with line(running):
                pass
        (rejected,) = leaves(group.value)
        assert rejected.status_code == status
        assert (b"retry-after", b"7") in rejected.headers
        assert running.counters.handshakes_refused == 1
        running.faults.refuse = 0
        async with line(running):
            assert running.counters.connections == 1


async def test_a_line_that_ends_right_after_the_upgrade(counting, autojump_clock):
    async with simulate(counting(), faults=Faults(eof_after_upgrade=True)) as running, line(running, "") as websocket:
        assert await end_of(websocket) == (trio.current_time(), 1006)
        assert (running.counters.connections, running.counters.cut) == (1, 1)


@pytest.mark.parametrize(("code", "seen"), [(0, 1006), (1001, 1001), (4321, 4321)])
async def test_lines_are_cut_at_their_age_with_or_without_a_close_frame(counting, code, seen, autojump_clock):
    async with simulate(counting(rate=1.0), faults=Faults(cut_after=60, close_code=code)) as running:
        began = trio.current_time()
        async with line(running) as websocket:
            when, how = await end_of(websocket)
        assert (when - began, how) == (pytest.approx(60, abs=0.2), seen)
        assert running.counters.cut == 1


async def test_all_lines_are_cut_together_now_and_then(counting, autojump_clock):
    async with simulate(counting(rate=1.0)) as running, line(running) as first:
        await trio.sleep(20)
        running.faults.cut_every = 30
        began = trio.current_time()
        async with line(running) as second:
            ends = await end_of(first), await end_of(second)
        assert [when - began for when, _ in ends] == [pytest.approx(30, abs=0.2)] * 2
        async with line(running) as third:
            when, _ = await end_of(third)
        assert when == pytest.approx(began + 60, abs=0.2)


async def test_only_a_client_that_is_silent_is_cut_for_it(counting, autojump_clock):
    began = trio.current_time()
    async with (
        simulate(counting(), faults=Faults(cut_silent_after=60), limit=0) as running,
        line(running) as silent,
        line(running) as talking,
    ):
        with trio.move_on_after(100):
            while True:
                await trio.sleep(20)
                await talking.ping()
        assert await end_of(silent) == (trio.current_time(), 1006)
        assert running.counters.cut == 1
        running.limit = 5
        assert len(await frames(talking, 10)) == 5
    assert trio.current_time() - began < 150


async def test_who_answers_pings_is_not_silent(counting, autojump_clock):
    faults = Faults(cut_silent_after=30)
    async with simulate(counting(rate=1.0, ping_every=10.0), faults=faults) as running, line(running) as websocket:
        assert len(await frames(websocket, 200)) == pytest.approx(200, abs=2)


async def test_a_client_that_is_too_far_behind_loses_frames_and_no_other_does(counting, autojump_clock):
    faults = Faults(lag_drop=50)
    async with simulate(counting(padding=50_000), faults=faults, limit=0) as running:
        stream = await client_that_does_not_read(running)
        async with line(running) as websocket:
            running.limit = 400
            came = await frames(websocket, 10)
        assert [int(each.rstrip("x")) for each in came] == list(range(400))
        assert 0 < running.counters.lagged < 400
        await stream.aclose()


async def test_cut_ends_every_line_and_new_ones_are_welcome(counting, autojump_clock):
    async with simulate(counting()) as running, line(running) as first, line(running) as second:
        assert running.cut() == 2
        assert [(await end_of(each))[1] for each in (first, second)] == [1006, 1006]
        assert running.cut() == 0
        async with line(running) as third:
            assert await frames(third, 1)


async def test_a_close_frame_waits_for_no_client_that_does_not_read(counting, autojump_clock):
    async with simulate(counting(padding=50_000), faults=Faults(close_code=1001)) as running:
        stream = await client_that_does_not_read(running)
        await trio.sleep(5)
        assert running.cut() == 1
        await trio.sleep(10)
        assert running.cut() == 0
        await stream.aclose()


async def test_after_its_limit_a_simulator_serves_and_can_be_told_to_go_on(counting, autojump_clock):
    async with simulate(counting(), limit=5) as running:
        await settled(running)
        async with line(running) as websocket:
            assert await frames(websocket, 60) == []
            running.limit += 2
            assert await frames(websocket, 60) == ["5", "6"]
    assert list(running.published) == list(range(7))


async def test_at_a_rate_of_zero_nothing_happens(counting, autojump_clock):
    async with simulate(counting(rate=0.0)) as running, line(running) as websocket:
        assert await frames(websocket, 60) == []
        running.simulator.rate = 1.0
        assert await frames(websocket, 3.5) == ["0", "1", "2"]


async def test_only_the_recent_is_kept(counting, autojump_clock):
    async with simulate(counting(), limit=50, recent=10) as running:
        await settled(running)
        assert list(running.published) == list(range(40, 50))


async def test_the_same_seed_drops_the_same(counting, autojump_clock):
    both = []
    for _ in range(2):
        async with counted(counting(), drop=0.5) as (_, came):
            both.append(came)
    assert both[0] == both[1]


async def test_what_the_block_raises_comes_out_as_it_is(counting, autojump_clock):
    with pytest.raises(KeyError, match="mine"):
        async with simulate(counting()):
            raise KeyError("mine")


async def test_it_ends_when_it_is_cancelled_and_frees_its_port(counting, autojump_clock):
    with trio.move_on_after(5) as scope:
        async with simulate(counting()) as running:
            await trio.sleep_forever()
    assert scope.cancelled_caught
    port = int(running.url.split(":")[2].split("/")[0])
    async with simulate(counting(), port=port) as running:
        assert running.feed() == {"provider": "counting", "url": f"ws://127.0.0.1:{port}/count"}


async def test_a_vendor_whose_code_fails_is_not_taken_for_a_fault(counting, autojump_clock):
    class Broken(counting):
        def events(self, now):
            yield 1
            raise ZeroDivisionError

    with pytest.raises(BaseExceptionGroup) as caught:
        async with simulate(Broken()):
            await trio.sleep(math.inf)
    assert caught.group_contains(ZeroDivisionError)


async def test_a_field_with_the_name_of_a_switch_is_a_plugins_fault(counting):
    clash = attrs.make_class("Clash", {"drop": attrs.field(default=1)}, bases=(counting,))
    with pytest.raises(PluginError, match=r"Clash\.drop"):
        async with simulate(clash()):
            pass
