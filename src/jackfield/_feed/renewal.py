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

__all__ = ["Renewal"]


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

    async def run(self, pauses: Pauses) -> None:
        """Open one connection after another, until one has taken over."""
        while self.reason is not None and not self._stopping.is_set():
            loss = await self._connect()
            if loss is not None and self.reason is not None:
                delay = pauses.after(loss)
                self._report(self._recorder.redacted(loss.reason), delay)
                await trio.sleep(delay)

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
        self.reason = None

    def _report(self, failure: str = "", retry_in: float | None = None) -> None:
        feed = self._recorder.feed.name
        self._recorder.report(ConnectionRenewed(feed, self.reason or "", failure=failure, retry_in=retry_in))
