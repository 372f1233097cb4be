"""A simulator on a real socket: accepts clients, lets the day go by, sends each what it subscribed to."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count

import attrs
import trio

from jackfield.simulation.listener import ClientGone, Incoming, Line, serve_stream
from jackfield.simulators import HangUp, SimulatedClient, Simulator

__all__ = ["serve"]

# VoIPBIN's own limit: a client that lags 2,000 frames behind loses the newest ones without a word.
OUTBOX = 2000
# A machine that was asleep does not catch up on what did not happen meanwhile.
CATCH_UP_SECONDS = 1.0
# A sleep costs the scheduler some 20 µs, so at high rates events happen in small bursts.
SHORTEST_SLEEP = 0.001
# Between two sleeps the day may go on for so many events before others get their turn.
BURST = 100


@attrs.frozen(eq=False)
class _Client:
    state: SimulatedClient
    outbox: trio.MemorySendChannel[str | HangUp]

    def send(self, frame: str | HangUp) -> None:
        with suppress(trio.WouldBlock, trio.BrokenResourceError):  # lost without a word, as at the real server
            self.outbox.send_nowait(frame)


async def serve(
    simulator: Simulator,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run the simulator until cancelled; reports the URL that clients connect to.

    `OSError` where it cannot listen on that address. A `port` of 0 is any free one.
    """
    clients: set[_Client] = set()

    async def handle(incoming: Incoming) -> None:
        if (refusal := simulator.admit(incoming.target, incoming.headers)) is not None:
            await incoming.reject(refusal)
            return
        line = await incoming.accept()
        outbox, frames = trio.open_memory_channel[str | HangUp](OUTBOX)
        client = _Client(simulator.client(), outbox)
        clients.add(client)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_write, line, frames)
                if simulator.ping_every is not None:
                    nursery.start_soon(_ping, line, simulator.ping_every)
                while True:
                    for answer in client.state.received(await line.receive()):
                        client.send(answer)
        finally:
            clients.discard(client)

    listeners = await trio.open_tcp_listeners(port, host=host)
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, partial(serve_stream, handle), listeners)
        task_status.started(simulator.url(f"{host}:{listeners[0].socket.getsockname()[1]}"))
        await _live(simulator, clients)


async def _live(simulator: Simulator, clients: set[_Client]) -> None:
    """Let things happen in time, each made at the moment when it is due."""
    events = simulator.events(lambda: datetime.now(UTC))
    due = trio.current_time()
    for number in count():
        due = max(due + 1.0 / simulator.rate, trio.current_time() - CATCH_UP_SECONDS)
        if (wait := due - trio.current_time()) > SHORTEST_SLEEP:
            await trio.sleep(wait)
        elif number % BURST == 0:
            await trio.lowlevel.checkpoint()
        event = next(events)
        for client in clients:
            for frame in client.state.frames_for(event):
                client.send(frame)


async def _write(line: Line, frames: trio.MemoryReceiveChannel[str | HangUp]) -> None:
    async for frame in frames:
        if isinstance(frame, HangUp):
            await line.hang_up(frame)
            raise ClientGone
        await line.send(frame)


async def _ping(line: Line, seconds: float) -> None:
    while True:
        await trio.sleep(seconds)
        await line.ping()
