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
from coredis.exceptions import NoScriptError, RedisError

from jackfield_redis.scripts import Script
from jackfield_redis.server import RedisServer

__all__ = ["Link", "linked"]

Argument = str | bytes | int
# It logs what it raises, with a traceback; everything is reported by the host already.
logging.getLogger("coredis").addHandler(logging.NullHandler())
logging.getLogger("coredis").propagate = False


@attrs.define(eq=False)
class Link:
    """Calls of one server; what fails raises what coredis raises."""

    server: RedisServer
    _nursery: trio.Nursery = attrs.field(repr=False)
    _prepare: Callable[[Link], Awaitable[None]] | None = attrs.field(default=None, repr=False)
    """Called on each new connection before anybody else may use it."""
    _connection: TCPConnection | None = attrs.field(default=None, repr=False)
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
        error = await self._nursery.start(_run, connection)
        if error is not None:
            raise error
        return connection

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


async def _run(connection: TCPConnection, *, task_status: trio.TaskStatus[Exception | None]) -> None:
    """Serve a connection until it is lost; what keeps it from coming up is the status."""
    started = False

    def up(_: None = None) -> None:
        nonlocal started
        started = True
        task_status.started(None)

    status: Any = type("Status", (), {"started": staticmethod(up)})()
    try:
        await connection.run(task_status=status)
    except RedisError as error:  # whoever uses it gets it too, from the request
        # coredis raises this in place of a cancellation.
        await trio.lowlevel.checkpoint_if_cancelled()
        if not started:
            task_status.started(error)
    finally:
        # Those of a connection that did not come up coredis leaves to the garbage collector.
        for each in vars(connection).values():
            if isinstance(each, MemoryObjectReceiveStream | MemoryObjectSendStream):
                each.close()


@asynccontextmanager
async def linked(
    server: RedisServer, prepare: Callable[[Link], Awaitable[None]] | None = None
) -> AsyncGenerator[Link, None]:
    """A link that is closed at the end; nothing is connected yet."""
    async with one_cause(), trio.open_nursery() as nursery:
        yield Link(server, nursery, prepare)
        nursery.cancel_scope.cancel()


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
