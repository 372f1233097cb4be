"""`threaded`: a sink over a driver that blocks, such as most databases' and message brokers'.

::

    def open(self) -> AbstractAsyncContextManager[OpenSink]:
        return threaded(self._connect, _insert, errors=(acme.Error,), interrupt=acme.Connection.cancel)

Each write has a worker thread and a connection of its own while it lasts, so ``delivery.concurrency`` is the largest
number of connections. A driver that has an interface for trio needs none of this.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Any, Generic, TypeVar

import attrs
import trio

from jackfield.errors import DeliveryError
from jackfield.plugin.sink import Batch, OpenSink

__all__ = ["threaded"]

C = TypeVar("C")

STOPPING_SECONDS = 5.0
"""A driver that blocks for longer after its write was cancelled is left alone, and its thread with it."""


def _close(connection: Any) -> None:
    connection.close()


def _nothing() -> None:
    """What stops a call that cannot be stopped."""


def threaded(
    connect: Callable[[], C],
    write: Callable[[C, Batch], None],
    *,
    close: Callable[[C], None] = _close,
    interrupt: Callable[[C], object] | None = None,
    errors: tuple[type[Exception], ...] = (OSError,),
    connections: int | None = None,
) -> AbstractAsyncContextManager[OpenSink]:
    """What `Sink.open` returns, for a driver that blocks.

    `connect`, `write` and `close` are called in worker threads, never two at a time for one connection. `write` returns
    when every event of the batch is durably delivered, and raises `DeliveryError` like any sink; what the driver raises
    of these `errors` becomes one that is tried again. A connection in which anything was raised is closed, and the next
    write has a new one. `interrupt` makes a call that blocks on a connection end soon, such as by closing its socket;
    the host calls it from its own thread when the write is cancelled. The end of the call is waited for, so that
    nothing is written behind the next attempt; what it wrote after all counts as delivered.

    Where the driver or its target allows fewer `connections` than there are writes at once, such as SQLite one, further
    writes wait for their turn.

    In `write`, progress is reported by ``trio.from_thread.run_sync(batch.delivered, count)``.
    """
    turns = trio.CapacityLimiter(math.inf if connections is None else connections)
    return _open(_Threads(connect, write, close, interrupt, errors, turns))


@asynccontextmanager
async def _open(threads: _Threads[Any]) -> AsyncGenerator[OpenSink, None]:
    threads.idle.append(await threads.connect())
    try:
        yield threads
    finally:
        with trio.move_on_after(STOPPING_SECONDS) as closing:
            closing.shield = True
            for connection in threads.idle:
                await threads.close(connection)


@attrs.define(eq=False, repr=False)
class _Threads(Generic[C]):
    _connect: Callable[[], C]
    _write: Callable[[C, Batch], None]
    _close: Callable[[C], None]
    _interrupt: Callable[[C], object] | None
    _errors: tuple[type[Exception], ...]
    _turns: trio.CapacityLimiter
    """One token for each connection that may be used at once."""
    idle: list[C] = attrs.field(factory=list)
    """Connections that no write uses at the moment."""
    _limiter: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1_000_000))
    """The host bounds how many write at once; waiting behind other users of threads would only be slower."""

    async def write(self, batch: Batch) -> None:
        """Write it in a thread, by a connection that no other write uses."""
        async with self._turns:
            await self._write_now(batch)

    async def _write_now(self, batch: Batch) -> None:
        connection = self.idle.pop() if self.idle else await self.connect()
        written: list[Batch] = []

        def work() -> None:
            self._write(connection, batch)
            written.append(batch)

        try:
            await self._in_thread(work, partial(self._stop, connection))
        except BaseException:
            for each in written:  # it was cancelled, and was done in spite of that
                each.delivered(len(each))
            with trio.move_on_after(STOPPING_SECONDS) as closing:
                closing.shield = True
                await self.close(connection)
            raise
        self.idle.append(connection)

    async def connect(self) -> C:
        """Open one more connection."""
        made: list[C] = []
        unwanted: list[str] = []

        def work() -> None:
            connection = self._connect()
            if unwanted:
                self._close(connection)
            else:
                made.append(connection)

        try:
            await self._in_thread(work, partial(unwanted.append, "cancelled"))
        except trio.Cancelled:
            with trio.move_on_after(STOPPING_SECONDS) as closing:
                closing.shield = True
                for connection in made:
                    await self.close(connection)
            raise
        return made[0]

    async def close(self, connection: C) -> None:
        """Close a connection that is of no use any more, whatever that raises."""

        def close_it() -> None:
            with suppress(Exception):
                self._close(connection)

        await self._in_thread(close_it, _nothing)

    def _stop(self, connection: C) -> None:
        if self._interrupt is not None:
            with suppress(Exception):
                self._interrupt(connection)

    async def _in_thread(self, work: Callable[[], None], stop: Callable[[], None]) -> None:
        """Run it in a thread; when cancelled, stop it and wait for its end, so that nothing goes on behind."""
        token, ended = trio.lowlevel.current_trio_token(), trio.Event()

        def run() -> None:
            try:
                work()
            finally:
                with suppress(trio.RunFinishedError):
                    token.run_sync_soon(ended.set)

        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            await trio.to_thread.run_sync(run, abandon_on_cancel=True, limiter=self._limiter)
        except trio.Cancelled:
            stop()
            with trio.move_on_after(STOPPING_SECONDS) as ending:
                ending.shield = True
                await ended.wait()
            raise
        except self._errors as error:
            raise DeliveryError(f"{type(error).__name__}: {error}") from error
