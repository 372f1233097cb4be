"""A simulator on a thread of its own, for tests that do not run on trio: blocking ones, and those of asyncio."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

import attrs
import trio
from outcome import Error, Outcome, capture

from jackfield.plugin.simulator import Simulator
from jackfield.simulation._faults import Counters, Faults
from jackfield.simulation._running import Running
from jackfield.simulation._server import simulate

__all__ = ["ThreadedSimulator", "simulate_in_thread"]

T = TypeVar("T")


@attrs.frozen
class ThreadedSimulator:
    """A simulator that runs on another thread; its methods may be called from any."""

    _running: Running
    _token: trio.lowlevel.TrioToken
    _stop: trio.Event

    @property
    def url(self) -> str:
        """Where clients connect."""
        return self._running.url

    @property
    def faults(self) -> Faults:
        """The switches; setting one takes effect at once."""
        return self._running.faults

    @property
    def counters(self) -> Counters:
        """What the server has done so far; it goes on changing."""
        return self._running.counters

    @property
    def published(self) -> list[Any]:
        """The newest events that happened."""
        return self._call(lambda: list(self._running.published))

    def feed(self) -> dict[str, Any]:
        """The ``[feeds.…]`` table of a gateway that connects to it."""
        return self._running.feed()

    def cut(self) -> int:
        """Cut all connections; how many there were."""
        return self._call(self._running.cut)

    def let_happen(self, limit: int | None) -> None:
        """Have events happen until there were so many; ``None`` for no end."""
        self._call(lambda: setattr(self._running, "limit", limit))

    def stop(self) -> None:
        """End it soon."""
        self._token.run_sync_soon(self._stop.set)

    def _call(self, work: Callable[[], T]) -> T:
        answer: Future[Outcome[T]] = Future()

        self._token.run_sync_soon(lambda: answer.set_result(capture(work)))
        return answer.result().unwrap()


@contextmanager
def simulate_in_thread(
    simulator: Simulator, *, faults: Faults | None = None, limit: int | None = None
) -> Iterator[ThreadedSimulator]:
    """As `jackfield.simulation.simulate`, for callers that do not run on trio.

    Entering and leaving take some milliseconds, which an asyncio program can afford to wait for.
    """
    ready: Future[ThreadedSimulator] = Future()
    stop = trio.Event()

    async def main() -> None:
        async with simulate(simulator, faults=faults, limit=limit) as running:
            ready.set_result(ThreadedSimulator(running, trio.lowlevel.current_trio_token(), stop))
            await stop.wait()

    def run() -> None:
        match capture(trio.run, main):
            case Error(error) if not ready.done():
                ready.set_exception(error)
            case done:
                done.unwrap()

    thread = threading.Thread(target=run, name="jackfield simulator", daemon=True)
    thread.start()
    threaded = ready.result()
    try:
        yield threaded
    finally:
        threaded.stop()
        thread.join()
