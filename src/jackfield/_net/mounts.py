"""Several servers at one address: what another one serves there, by path, as long as it is mounted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import attrs
import trio

from jackfield._net.http_connection import HTTPConnection, Send, Streamed
from jackfield.plugin.http import Request, Response

__all__ = ["Handle", "Mount", "Mounts"]

Handle = Callable[[Request, HTTPConnection], Awaitable[Response | Streamed]]
"""Answers a request of which the head has come; it reads the body itself, or refuses to."""
Upgrade = Callable[[Request, HTTPConnection], Awaitable[object]]
"""Speaks another protocol from a request's head on, until it ends."""


@attrs.define(eq=False)
class Mount:
    """What is served below some paths."""

    paths: tuple[str, ...]
    """One that ends in a slash is for all below it."""
    _handle: Handle
    _upgrade: Upgrade | None = None
    _scopes: set[trio.CancelScope] = attrs.field(factory=set)
    """Of what is being sent."""

    def has(self, url: str) -> bool:
        """Whether a request is for it."""
        path = url.partition("?")[0]
        return any(path == each or (each.endswith("/") and path.startswith(each)) for each in self.paths)

    def takes_over(self, protocol: str) -> bool:
        """Whether it speaks that protocol, after a request that asks to go over to it."""
        return protocol == "websocket" and self._upgrade is not None

    async def handle(self, head: Request, connection: HTTPConnection) -> Response | Streamed:
        """Answer a request; what is streamed ends when it is unmounted."""
        answer = await self._handle(head, connection)
        if not isinstance(answer, Streamed):
            return answer
        pieces = answer.pieces

        async def send_pieces(send: Send) -> None:
            with self._scoped():
                await pieces(send)

        return attrs.evolve(answer, pieces=send_pieces)

    async def upgrade(self, head: Request, connection: HTTPConnection) -> None:
        """Speak the other protocol until it ends, or is unmounted."""
        if self._upgrade is not None:
            with self._scoped():
                await self._upgrade(head, connection)

    def end(self) -> None:
        """End what is being sent."""
        for each in list(self._scopes):
            each.cancel()

    @contextmanager
    def _scoped(self) -> Iterator[None]:
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)


@attrs.define(eq=False)
class Mounts:
    """What is mounted at one address."""

    _mounted: list[Mount] = attrs.field(factory=list)

    def find(self, url: str) -> Mount | None:
        """Whose a request is; ``None`` where it is for the server itself."""
        return next((each for each in self._mounted if each.has(url)), None)

    @contextmanager
    def mounted(self, mount: Mount) -> Iterator[None]:
        """Serve that there meanwhile."""
        self._mounted.append(mount)
        try:
            yield
        finally:
            self._mounted.remove(mount)
            mount.end()
