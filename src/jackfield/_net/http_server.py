"""The one HTTP/1.1 server loop, for webhooks, probes, what is served, the dashboard and simulators.

Whoever can reach it can try anything: each step of a request has a limit of time and of size, there are never more than
so many connections, and nothing that happens on one of them touches another.
"""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import attrs
import trio

from jackfield._net.http_connection import HTTPConnection, Streamed
from jackfield._net.mounts import Handle, Mount, Mounts
from jackfield.errors import WebhookError
from jackfield.plugin.http import Request, Response

__all__ = ["HTTPServer", "Limits", "Respond", "by", "close_listeners", "listen", "shared", "whole"]

MOST_BODY = 4096
# How accepting fails where no descriptor, or no memory for one, is left; and how long to wait before the next attempt.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
EXHAUSTED_SECONDS = 0.1

Respond = Callable[[Request], Awaitable[Response | Streamed]]
"""Answers a whole request."""


@attrs.frozen
class Limits:
    """Seconds for each step, after which the connection is closed; and how many connections there may be."""

    idle: float = 15.0
    """Until a request begins."""
    head: float = 15.0
    """From there to the end of its head."""
    send: float = 30.0
    """For a client to accept the answer, or one piece of it."""
    connections: int = 128
    """Beyond them the one that has been idle for longest is closed, and new ones wait."""


def shared(limits: Limits, connections: int) -> Limits:
    """The limits of a server with so many more connections for others, whose clients may be slower than its own."""
    usual = Limits()
    longest = {name: max(getattr(limits, name), getattr(usual, name)) for name in ("idle", "head", "send")}
    return Limits(connections=limits.connections + connections, **longest)


def plain(refusal: WebhookError) -> Response:
    """The answer to a request that is refused, for a person to read."""
    return Response(refusal.status, {"content-type": "text/plain; charset=utf-8"}, f"{refusal}\n".encode())


def whole(respond: Respond, *, seconds: float = 15.0, most: int = MOST_BODY) -> Handle:
    """A handler that reads a request's body, within these limits, before it answers."""

    async def handle(head: Request, connection: HTTPConnection) -> Response | Streamed:
        with by(trio.current_time() + seconds, WebhookError(408, f"no whole request within {seconds:g} s")):
            body = await connection.body(head, most)
        return await respond(attrs.evolve(head, body=body))

    return handle


@contextmanager
def by(deadline: float, late: WebhookError) -> Iterator[None]:
    """Raise `late` if the block is not done by then."""
    with trio.move_on_at(deadline) as scope:
        yield
    if scope.cancelled_caught:
        raise late


@attrs.define(eq=False)
class HTTPServer:
    """Serves connections, one request after another on each."""

    _handle: Handle
    _limits: Limits = attrs.field(factory=Limits)
    _refuse: Callable[[WebhookError], Response] = plain
    """The answer to what is refused; called for each refusal."""
    _upgrades: str = ""
    """A protocol that a request may ask to go over to."""
    _upgrade: Callable[[Request, HTTPConnection], Awaitable[object]] | None = None
    """Speaks that protocol from such a request's head on, until it ends."""
    mounts: Mounts = attrs.field(factory=Mounts)
    """What others serve here, by path."""
    _idle: dict[trio.CancelScope, None] = attrs.field(factory=dict)
    """The waits for a next request, the oldest first."""
    _slots: trio.CapacityLimiter = attrs.field(init=False)
    _accepting: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _stopping: bool = False

    def __attrs_post_init__(self) -> None:
        self._slots = trio.CapacityLimiter(self._limits.connections)

    def stop(self) -> None:
        """Accept nothing more and let `run` return as soon as the requests under way are answered."""
        self._stopping = True
        self._accepting.cancel()
        for wait in self._idle:
            wait.cancel()

    async def run(
        self,
        listeners: Sequence[trio.abc.Listener[trio.abc.Stream]],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until `stop`."""
        async with trio.open_nursery() as connections:
            task_status.started()
            with self._accepting:
                gates = [_Gate(listener, self._slots, self._make_room, self._refuse) for listener in listeners]
                await trio.serve_listeners(self._serve_alone, gates, handler_nursery=connections)

    async def serve(self, connection: HTTPConnection) -> Request | None:
        """Answer one request after another until the client ends, or breaks a limit or the protocol.

        Returns the head that asks to go over to the other protocol; the connection's `unread` is for that, then.
        """
        while True:
            try:
                if not connection.begun and not await self._begins(connection):
                    return None
                late = WebhookError(408, f"no whole head within {self._limits.head:g} s")
                with by(trio.current_time() + self._limits.head, late):
                    head = await connection.head()
                if head is None:
                    return None
                mount = self.mounts.find(head.url)
                if self._takes_over(head, mount):
                    return head
                answer = await (self._handle if mount is None else mount.handle)(head, connection)
            except WebhookError as refusal:
                answer = self._refuse(refusal)
            if not await self._answer(connection, answer):
                return None

    def _takes_over(self, head: Request, mount: Mount | None) -> bool:
        """Whether another protocol follows a head."""
        protocol = head.header("upgrade").lower()
        return bool(protocol) and (protocol == self._upgrades if mount is None else mount.takes_over(protocol))

    async def _begins(self, connection: HTTPConnection) -> bool:
        """Wait for a request to begin; whether it does."""
        if self._stopping:
            return False
        with trio.move_on_after(self._limits.idle) as wait:
            self._idle[wait] = None
            try:
                await connection.receive()
            finally:
                self._idle.pop(wait, None)
            return True
        return False

    async def _answer(self, connection: HTTPConnection, answer: Response | Streamed) -> bool:
        """Send the answer; whether another request may follow."""
        if isinstance(answer, Streamed):
            await connection.stream_out(answer, self._limits.send)
            return False
        with trio.move_on_after(self._limits.send):
            return await connection.answer(answer, last=self._stopping)
        return False

    def _make_room(self) -> None:
        if oldest := next(iter(self._idle), None):
            del self._idle[oldest]
            oldest.cancel()

    async def _serve_alone(self, stream: trio.abc.Stream) -> None:
        """One connection, whatever becomes of it."""
        try:
            connection = HTTPConnection(stream)
            head = await self.serve(connection)
            if head is not None:
                mount = self.mounts.find(head.url)
                upgrade = self._upgrade if mount is None else mount.upgrade
                if upgrade is not None:
                    await upgrade(head, connection)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client has gone, or does not speak TLS
        except Exception as error:  # noqa: BLE001  # a bug costs the connection that met it, and no other
            self._refuse(WebhookError(500, f"a bug of Jackfield's, please report it: {type(error).__name__}"))
        finally:
            await trio.aclose_forcefully(stream)
            self._slots.release_on_behalf_of(stream)


async def listen(
    host: str, port: int, tls: ssl.SSLContext | None = None
) -> tuple[Sequence[trio.abc.Listener[trio.abc.Stream]], str]:
    """Listeners on this address, and the URL under which they are reached, without a path; `OSError` if it cannot."""
    listeners = await trio.open_tcp_listeners(port, host=host)
    scheme, named = "https" if tls else "http", f"[{host}]" if ":" in host else host
    url = f"{scheme}://{named}:{listeners[0].socket.getsockname()[1]}"
    if tls is None:
        return listeners, url
    return [trio.SSLListener(each, tls, https_compatible=True) for each in listeners], url


async def close_listeners(listeners: Iterable[trio.abc.Listener[trio.abc.Stream]]) -> None:
    """Close all of them; closing one is a checkpoint, at which a cancelled task would leave the others open."""
    with trio.CancelScope(shield=True):
        for each in listeners:
            await trio.aclose_forcefully(each)


@attrs.frozen(eq=False)
class _Gate(trio.abc.Listener[trio.abc.Stream]):
    """A listener that hands over a connection when there is a slot for it."""

    _listener: trio.abc.Listener[trio.abc.Stream]
    _slots: trio.CapacityLimiter
    _make_room: Callable[[], None]
    _refuse: Callable[[WebhookError], object]

    async def accept(self) -> trio.abc.Stream:
        while (stream := await self._accept()) is None:
            self._make_room()
            await trio.sleep(EXHAUSTED_SECONDS)
        if self._slots.available_tokens == 0:
            self._make_room()
        try:
            await self._slots.acquire_on_behalf_of(stream)
        except trio.Cancelled:
            await trio.aclose_forcefully(stream)
            raise
        return stream

    async def _accept(self) -> trio.abc.Stream | None:
        """The next connection; ``None`` where there is nothing left to hold it with."""
        try:
            return await self._listener.accept()
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
            self._refuse(WebhookError(503, f"a connection has to wait: {os.strerror(error.errno)}"))
            return None

    async def aclose(self) -> None:
        await self._listener.aclose()
