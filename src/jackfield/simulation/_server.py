"""A simulator on a real socket: accepts clients, lets the day go by, sends each what it subscribed to."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import msgspec
import trio

from jackfield._net.browsers import is_own_host, is_own_origin
from jackfield._net.exception_groups import unwrapped
from jackfield._net.http_client import open_client
from jackfield.plugin.http import Request, Response
from jackfield.plugin.simulator import Refusal, Simulator, SupportsRest
from jackfield.simulation._control import PATH, check_names, control, is_control
from jackfield.simulation._faults import Counters, Faults
from jackfield.simulation._listener import Incoming, nothing_here, serve_stream
from jackfield.simulation._running import TICK, Running
from jackfield.simulation._webhook_delivery import AT_ONCE, WebhookSender

__all__ = ["serve", "simulate"]

# A machine that was asleep does not catch up on what did not happen meanwhile.
CATCH_UP_SECONDS = 1.0
# A sleep costs the scheduler some 20 µs, so at high rates events happen in small bursts.
SHORTEST_SLEEP = 0.001
# Between two sleeps the day may go on for so many events before others get their turn.
BURST = 20


@asynccontextmanager
async def simulate(
    simulator: Simulator,
    *,
    faults: Faults | None = None,
    limit: int | None = None,
    recent: int = 10_000,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncGenerator[Running, None]:
    """A simulator that runs until the end of the block.

    Args:
        simulator: The vendor's server; its state is its own, so each block should have a new one.
        faults: What goes wrong from the beginning.
        limit: How many events happen; ``None`` for no end. Set `Running.limit` to have more happen later.
        recent: How many events and frames `Running.published` and `Running.sent` keep.
        host: Which address to listen on. Whoever reaches it can switch the simulator too.
        port: Which port to listen on; 0 is any free one.

    Raises:
        OSError: It cannot listen there.
        PluginError: The simulator's fields have names that every simulator's switches have.
    """
    check_names(simulator)
    listeners = await trio.open_tcp_listeners(port, host=host)
    authority = f"{f'[{host}]' if ':' in host else host}:{listeners[0].socket.getsockname()[1]}"
    async with _closing(listeners):
        url = simulator.url(authority)
        with unwrapped() as body:
            async with open_client(connections=AT_ONCE, timeout=float("inf")) as send, trio.open_nursery() as nursery:
                counters = Counters()
                running = Running(
                    simulator,
                    faults or Faults(),
                    url,
                    f"http://{authority}{PATH}",
                    deque(maxlen=recent),
                    deque(maxlen=recent),
                    counters,
                    WebhookSender(send, nursery, counters),
                    limit,
                )
                handler = partial(serve_stream, partial(_accept, running, host), answer=partial(_answer, running, host))
                await nursery.start(trio.serve_listeners, handler, listeners)
                nursery.start_soon(_live, running)
                nursery.start_soon(running.watch)
                with body.watched():
                    yield running
                nursery.cancel_scope.cancel()


@asynccontextmanager
async def _closing(listeners: Sequence[trio.SocketListener]) -> AsyncGenerator[None, None]:
    """Close them at the end, even where they were never served."""
    try:
        yield
    finally:
        for listener in listeners:
            listener.socket.close()


async def serve(
    simulator: Simulator,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a simulator without faults until cancelled; reports the URL for clients, as ``nursery.start`` expects."""
    async with simulate(simulator, host=host, port=port) as running:
        task_status.started(running.url)
        await trio.sleep_forever()


def _headers_of_refusal(faults: Faults) -> tuple[tuple[str, str], ...]:
    return (("retry-after", str(faults.retry_after)),) if faults.retry_after else ()


def _refused(status: int) -> bytes:
    return msgspec.json.encode({"error": f"the simulator refuses with {status}, as it was configured to"})


def _foreign(host: str, host_header: str, origin: str) -> str:
    """Why a request is refused that another site's page made a browser send; empty if it is not one."""
    if not is_own_host(host_header, host):
        return f"this simulator listens on {host} and does not serve that Host; use localhost"
    return "" if is_own_origin(origin, host_header) else "this simulator does not serve pages of that Origin"


async def _accept(running: Running, host: str, incoming: Incoming) -> None:
    faults = running.faults
    if foreign := _foreign(host, incoming.headers.get("host", ""), incoming.headers.get("origin", "")):
        refusal: Refusal | None = Refusal(403, msgspec.json.encode({"error": foreign}))
    elif faults.refuse:
        refusal = Refusal(faults.refuse, _refused(faults.refuse), headers=_headers_of_refusal(faults))
    else:
        refusal = running.simulator.admit(incoming.target, incoming.headers)
    if refusal is not None:
        running.counters.handshakes_refused += 1
        await incoming.reject(refusal)
        return
    connection = await incoming.accept(lambda: not faults.no_pong)
    if faults.eof_after_upgrade:
        running.counters.connections += 1
        running.counters.cut += 1
        return
    await running.connected(connection)


async def _answer(running: Running, host: str, request: Request) -> Response:
    if foreign := _foreign(host, request.header("host"), request.header("origin")):
        return Response(403, {"content-type": "application/json"}, msgspec.json.encode({"error": foreign}))
    if is_control(request):
        return control(running, request)
    faults = running.faults
    running.counters.requests += 1
    await trio.sleep(faults.late)
    if faults.refuse_rest:
        headers = dict(_headers_of_refusal(faults)) | {"content-type": "application/json"}
        return Response(faults.refuse_rest, headers, _refused(faults.refuse_rest))
    if isinstance(running.simulator, SupportsRest):
        return running.simulator.answer(request)
    return await nothing_here(request)


async def _live(running: Running) -> None:
    """Let things happen in time, each made at the moment when it is due."""
    events = running.simulator.events(lambda: datetime.now(UTC))
    due = trio.current_time()
    while True:
        if not running.may_go_on:
            await trio.sleep(TICK)
            due = trio.current_time()
            continue
        due = max(due + 1.0 / running.simulator.rate, trio.current_time() - CATCH_UP_SECONDS)
        if (wait := due - trio.current_time()) > SHORTEST_SLEEP:
            await trio.sleep(wait)
        elif running.counters.events % BURST == 0:
            await trio.lowlevel.checkpoint()
        await running.caught_up()
        if (event := next(events)) is not None:
            running.publish(event)
        else:  # nothing is due yet
            await trio.sleep(TICK)
            due = trio.current_time()
