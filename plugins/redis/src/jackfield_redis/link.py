"""One connection to a server, made when it is first needed and again after it was lost; for several tasks at once."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from coredis.connection import TCPConnection, TCPLocation
from coredis.exceptions import ConnectionError as Lost
from coredis.exceptions import NoScriptError

from jackfield_redis.scripts import Script
from jackfield_redis.server import RedisAddress

__all__ = ["Link", "linked", "one_cause"]

Argument = str | bytes | int
# It logs what it raises, with a traceback; everything is reported by the host already.
logging.getLogger("coredis").addHandler(logging.NullHandler())
logging.getLogger("coredis").propagate = False


@attrs.define(eq=False)
class Link:
    """Calls of one server; what fails raises what coredis raises."""

    server: RedisAddress
    _prepare: Callable[[Link], Awaitable[None]] | None = attrs.field(default=None, repr=False)
    """Called on each new connection before anybody else may use it."""
    _connection: TCPConnection | None = attrs.field(default=None, repr=False)
    _running: list[_Running] = attrs.field(factory=list, repr=False)
    _connecting: trio.Lock = attrs.field(factory=trio.Lock, repr=False)

    async def ready(self) -> None:
        """Connect, unless it is connected."""
        async with self._connecting:
            if self._connection is not None and self._connection.usable:
                return
            self._connection = await self._connected()
            try:
                if self._prepare is not None:
                    await self._prepare(self)
            except BaseException:
                self.drop()
                raise

    async def _connected(self) -> TCPConnection:
        server = self.server
        connection = TCPConnection(
            TCPLocation(server.host, server.port),
            connect_timeout=server.timeout,
            stream_timeout=server.timeout,
            username=server.username,
            password=server.password.reveal() if server.password is not None else None,
            db=server.database,
            ssl_context=server.tls(),
            socket_keepalive=True,
        )
        running = _Running(connection)
        self._running = [each for each in self._running if not each.ended.is_set()] + [running]
        # Not in a nursery: a sink is closed while nurseries are open that were opened after it.
        trio.lowlevel.spawn_system_task(running.run, name="connection to Redis")
        try:
            await running.settled.wait()
        except trio.Cancelled:
            running.scope.cancel()
            raise
        if running.error is not None:
            raise running.error
        return connection

    async def close(self) -> None:
        """Close every connection, and wait for that."""
        self.drop()
        with trio.CancelScope(shield=True):
            for running in self._running:
                running.scope.cancel()
                await running.ended.wait()

    def drop(self) -> None:
        """Close the connection; the next call makes another one."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection = None

    def send(self, *command: Argument, timeout: float | None = None) -> Awaitable[Any]:
        """Send a command on the connection, which must be ready; its answer, to be waited for."""
        if self._connection is None:
            raise Lost("the connection is closed")
        name, *arguments = command
        name = name.encode() if isinstance(name, str) else bytes(name)
        return self._connection.create_request(name, *arguments, decode=False, timeout=timeout)

    async def call(self, *command: Argument, timeout: float | None = None) -> Any:
        """Send a command, and wait for the answer."""
        await self.ready()
        return await self.send(*command, timeout=timeout)

    def send_script(self, script: Script, keys: Sequence[str], *arguments: Argument) -> Awaitable[Any]:
        """Send a script by its digest; its answer, to be waited for by `answer`."""
        return self.send("EVALSHA", script.sha, len(keys), *keys, *arguments)

    async def run(self, script: Script, keys: Sequence[str], *arguments: Argument) -> Any:
        """Run a script; a server that does not know it gets its text."""
        await self.ready()
        try:
            return await self.send_script(script, keys, *arguments)
        except NoScriptError:
            return await self.send("EVAL", script.text, len(keys), *keys, *arguments)


@attrs.define(eq=False)
class _Running:
    """A connection in a task of its own."""

    connection: TCPConnection
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    settled: trio.Event = attrs.field(factory=trio.Event)
    """Set when it is up, or has failed."""
    ended: trio.Event = attrs.field(factory=trio.Event)
    error: Exception | None = None
    """Why it did not come up."""

    def started(self, _: None = None) -> None:
        """It is up; what coredis calls."""
        self.settled.set()

    async def run(self) -> None:
        """Serve it until it is lost, or `scope` is cancelled."""
        status: Any = self
        try:
            with self.scope:
                await self.connection.run(task_status=status)
        except Exception as error:  # noqa: BLE001  # nothing may leave a task of the system
            self.error = error
        finally:
            # Those of a connection that did not come up coredis leaves to the garbage collector.
            for each in vars(self.connection).values():
                if isinstance(each, MemoryObjectReceiveStream | MemoryObjectSendStream):
                    each.close()
            if not self.settled.is_set() and self.error is None:
                self.error = Lost("the connection was closed")
            self.settled.set()
            self.ended.set()


@asynccontextmanager
async def linked(
    server: RedisAddress, prepare: Callable[[Link], Awaitable[None]] | None = None
) -> AsyncGenerator[Link, None]:
    """A link that is closed at the end; nothing is connected yet."""
    link = Link(server, prepare)
    try:
        yield link
    finally:
        await link.close()


@asynccontextmanager
async def one_cause() -> AsyncGenerator[None, None]:
    """The exception of the body itself, not the group that a nursery makes of it."""
    try:
        yield
    except BaseExceptionGroup as group:
        cause: BaseException = group
        while isinstance(cause, BaseExceptionGroup) and len(cause.exceptions) == 1:
            cause = cause.exceptions[0]
        if cause is group:
            raise
        raise cause from None
