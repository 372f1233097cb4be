"""The state as its clients begin with it: made once for all that wait for it together, and never for long at a time.

After a restart every page comes back at once. A large state takes tens of milliseconds to be written, in which no feed
is read: so each client gets one that was taken after it had asked, of which as few are made as that allows, and the
loop is left to others for as long as each has taken.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import attrs
import trio

from jackfield._gateway.committed import fork_watch
from jackfield._gateway.gateway import Gateway
from jackfield._gateway.watch import Watch
from jackfield._serve.grants import Grant
from jackfield._serve.messages import Positions, snapshot_document

__all__ = ["States"]

MOST_PAUSE = 1.0


@attrs.define(eq=False)
class States:
    """Of one gateway."""

    _gateway: Gateway
    _positions: Positions
    _turn: trio.Lock = attrs.field(factory=trio.Lock)
    _taken: int = 0
    """How many snapshots were taken."""
    _watch: Watch | None = None
    """Has the newest of them, while clients wait."""
    _documents: dict[Grant, bytes] = attrs.field(factory=dict)
    """That one, by what is seen of it."""

    @asynccontextmanager
    async def watching(self, grant: Grant) -> AsyncGenerator[tuple[Watch, bytes]]:
        """A watch, and its snapshot as JSON, as far as the grant goes."""
        before = self._taken
        async with self._turn:
            if self._watch is None or self._taken == before:
                self._forget()
                self._watch = await self._gateway.watch().__aenter__()
                self._taken += 1
            try:
                document = await self._document(self._watch, grant)
                watch = fork_watch(self._watch)
            finally:  # a client may leave meanwhile; a watch that nobody reads would grow
                if not self._turn.statistics().tasks_waiting:
                    self._forget()
        try:
            yield watch, document
        finally:
            watch.close()

    async def _document(self, watch: Watch, grant: Grant) -> bytes:
        seen = attrs.evolve(grant, token="")
        if (document := self._documents.get(seen)) is None:
            began = trio.current_time()
            document = snapshot_document(watch.snapshot, seen, self._positions, datetime.now(UTC))
            self._documents[seen] = document
            await trio.sleep(min(MOST_PAUSE, trio.current_time() - began))
        return document

    def _forget(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._documents.clear()
