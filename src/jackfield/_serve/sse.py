"""One stream of server-sent events: events as they are committed, the state and its changes, heartbeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import attrs
import msgspec
import trio

from jackfield._gateway.watch import Changes, Watch
from jackfield._net.http_connection import Send
from jackfield._serve.counters import ServeCounters
from jackfield._serve.grants import Grant
from jackfield._serve.messages import (
    Positions,
    changes_document,
    comment,
    message,
    named_message,
)
from jackfield._serve.subscription import Piece, Subscription

__all__ = ["EventStream"]

COMMENT_SECONDS = 15.0
RETRY_MS = 2000
TIME_SECONDS = 5.0
END_SECONDS = 1.0
CHANGES_SECONDS = 0.25
"""Seconds between two messages with changes of the state."""
CHANGES_AT_ONCE = 2000
SEND_BYTES = 64_000
"""A client must take so much within the server's time limit."""


@attrs.define(eq=False)
class EventStream:
    """What one client gets."""

    _send_bytes: Send
    _grant: Grant
    _positions: Positions
    _pause: Callable[[], float]
    """Seconds to wait after a message, so that what comes meanwhile goes together."""
    _counts: ServeCounters
    _sending: trio.Lock = attrs.field(factory=trio.Lock)
    _owners: dict[str, str] = attrs.field(factory=dict)
    """The feed of each queue and agent."""
    _sent_at: float = attrs.field(factory=trio.current_time)

    async def begin(self, state: tuple[Watch, bytes] | None = None) -> None:
        """Send the head and how soon to reconnect, and the state, if it is asked for: a watch, and its snapshot."""
        await self._send(b"retry: %d\n\n" % RETRY_MS)
        if state is not None:
            watch, document = state
            for table in (watch.snapshot.queues, watch.snapshot.agents):
                self._owners |= {key: each.feed for key, each in table.items()}
            # In slices, since it may be large, is every client's, and must not be due at once.
            await self._send(b"event: snapshot\ndata: ")
            for start in range(0, len(document), SEND_BYTES):
                await self._send(document[start : start + SEND_BYTES])
            await self._send(b"\n\n")

    async def run(self, subscription: Subscription | None, watch: Watch | None) -> None:
        """Send what comes until the client goes, or the gateway ends."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._beat, subscription, watch is not None)
            if watch is not None:
                nursery.start_soon(self._send_changes, watch, nursery.cancel_scope)
            if subscription is not None:
                nursery.start_soon(self._send_events, subscription)

    async def _send_events(self, subscription: Subscription) -> None:
        while True:
            piece = await subscription.take()
            self._counts.sent += len(piece.entries)
            for part in self._parts(piece):
                await self._send(part)
            if (pause := self._pause()) >= 0.001:
                await trio.sleep(pause)

    def _parts(self, piece: Piece) -> Iterator[bytes]:
        """A piece as messages, some of them together."""
        messages = [] if piece.notice is None else [message(piece.notice.to_json())]
        size = 0
        for entry in piece.entries:
            text = entry.message(self._grant, self._positions)
            messages.append(text)
            size += len(text)
            if size >= SEND_BYTES:
                yield b"".join(messages)
                messages, size = [], 0
        if not piece.entries and piece.position and not messages:
            messages = [comment(self._positions.text(piece.position))]
        if messages:
            yield b"".join(messages)

    async def _send_changes(self, watch: Watch, scope: trio.CancelScope) -> None:
        async for changes in watch:
            for part in _parts(changes):
                if document := changes_document(part, self._grant, self._positions, datetime.now(UTC), self._owners):
                    await self._send(named_message("changes", document))
            await trio.sleep(CHANGES_SECONDS)
        scope.cancel()

    async def _beat(self, subscription: Subscription | None, shows_time: bool) -> None:
        """Send a heartbeat; a client that nothing came for resumes behind what was not for it.

        A page that shows the state gets the time, by which it knows that what it shows is how it stands.
        """
        seconds = TIME_SECONDS if shows_time else COMMENT_SECONDS
        while True:
            await trio.sleep_until(self._sent_at + seconds)
            async with self._sending:
                if trio.current_time() < self._sent_at + seconds:
                    continue
                passed = 0 if subscription is None else subscription.settle()
                beat = comment(self._positions.text(passed) if passed else "")
                if shows_time:
                    beat += named_message("time", msgspec.json.encode({"now": datetime.now(UTC)}))
                await self._send_bytes(beat)
                self._sent_at = trio.current_time()

    async def end(self, name: str) -> None:
        """Say why it ends, to a client that still listens."""
        with trio.move_on_after(END_SECONDS):
            await self._send(named_message(name, b"{}"))

    async def _send(self, data: bytes) -> None:
        async with self._sending:
            await self._send_bytes(data)
            self._counts.sent_bytes += len(data)
            self._sent_at = trio.current_time()


def _parts(changes: Changes) -> Iterator[Changes]:
    """Changes, so many at a time that no message is very large."""
    every = changes.changes
    for start in range(0, len(every), CHANGES_AT_ONCE):
        yield msgspec.structs.replace(changes, changes=every[start : start + CHANGES_AT_ONCE])
