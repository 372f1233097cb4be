"""Replaces a connection by another, which is subscribed before the first is closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from jackfield._feed.connection import FeedConnection
from jackfield._feed.effects import Effect
from jackfield._feed.pauses import Pauses
from jackfield._feed.recorder import FeedRecorder
from jackfield.errors import ConnectionLost
from jackfield.plugin.protocol import GapSuspected
from jackfield.reports import ConnectionRenewed

__all__ = ["RECONFIGURED", "Renewal"]

RECONFIGURED = "its configuration has changed"
"""The reason for a renewal that nobody but the operator has asked for."""


@attrs.define
class Renewal:
    """The renewals of one feed, one at a time."""

    _recorder: FeedRecorder
    _stopping: trio.Event
    _connect: Callable[[], Awaitable[ConnectionLost | None]]
    """Opens the next connection and serves it to its end; why it ended, unless that was our will."""
    _handle: Callable[[Effect, FeedConnection], None]
    reason: str | None = None
    """Why the connection is to be replaced; ``None`` while it is not."""
    _failure: str = ""
    """Why the last attempt did not succeed."""
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _news: trio.Event = attrs.field(factory=trio.Event)

    def begin(self, reason: str) -> None:
        """The connection is to be replaced; `run` must be started."""
        self.reason, self._failure, self._scope = reason, "", trio.CancelScope()

    def end(self) -> None:
        """There is nothing to replace any more."""
        self.reason = None
        self._stir()

    def give_up(self) -> None:
        """Let the connection be the one that it is."""
        if self.reason is not None:
            self.end()
            self._scope.cancel()

    def refuses(self, topics: frozenset[str], served: frozenset[str]) -> bool:
        """Whether a connection by another configuration brings nothing, so that the one which serves must go on."""
        refused = self.reason == RECONFIGURED and bool(served) and not topics
        if refused:
            self.fail("the vendor refuses every topic on the new connection")
        return refused

    def fail(self, reason: str) -> None:
        """An attempt has not succeeded."""
        self._failure = reason
        self._stir()

    async def outcome(self, seconds: float) -> str:
        """Wait until another connection has taken over; why none does, after the first failure or so many seconds."""
        with trio.move_on_after(seconds):
            while self.reason is not None and not self._failure:
                await self._news.wait()
        if self.reason is None:
            return ""
        return self._failure or f"no other connection took over within {seconds:g} s"

    async def run(self, pauses: Pauses) -> None:
        """Open one connection after another, until one has taken over."""
        with self._scope:
            while self.reason is not None and not self._stopping.is_set():
                loss = await self._connect()
                if loss is not None and self.reason is not None:
                    delay, failure = pauses.after(loss), self._recorder.redacted(loss.reason)
                    self._report(failure, delay)
                    self.fail(failure)
                    await trio.sleep(delay)

    def _stir(self) -> None:
        self._news.set()
        self._news = trio.Event()

    async def retire(self, old: FeedConnection) -> None:
        """End the connection that was replaced, once all that it was sent has come; else there may have been a gap."""
        answered = False
        try:
            answered = await old.answers(self._stopping)
        finally:
            old.stopping.set()
            if not answered:
                since = old.connection.activity.last_received_at
                self._handle(GapSuspected(since, "the connection that was renewed brought nothing any more"), old)

    def done(self) -> None:
        """Another connection has taken over."""
        self._report()
        self.end()

    def _report(self, failure: str = "", retry_in: float | None = None) -> None:
        feed = self._recorder.feed.name
        self._recorder.report(ConnectionRenewed(feed, self.reason or "", failure=failure, retry_in=retry_in))
