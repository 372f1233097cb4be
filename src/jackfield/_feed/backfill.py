"""Looking by REST for what was missed, one look at a time, beside a conversation that goes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import attrs
import trio

from jackfield._loading.guard import provider_code
from jackfield._net.http_client import Perform
from jackfield.errors import JackfieldError, RestError
from jackfield.plugin.protocol import Action, FeedProtocol, SupportsBackfill

__all__ = ["Backfiller", "Looker"]

# Seconds from a look that got no answer to the next, by how many in a row got none.
_PAUSES = (math.inf, 30.0, 60.0, 120.0, 300.0, 600.0)


class Looker(Protocol):
    """Callbacks about what became of a backfill."""

    def now(self) -> datetime:
        """The wall clock."""
        ...

    def backfilled(self, since: datetime | None, events: int) -> None:
        """A look is done, and brought so many events."""
        ...

    def backfill_failed(self, since: datetime | None, reason: str) -> None:
        """A look could not be taken: what was missed stays missed."""
        ...


@attrs.define
class Backfiller:
    """The looks of one connection."""

    _protocol: FeedProtocol
    _rest: Perform
    _perform: Callable[[tuple[Action, ...]], int]
    """Performs actions; how many events were among them."""
    _host: Looker
    _grace: float
    """Seconds to wait first: a vendor may answer a subscription before it is in force."""
    _since: list[datetime | None] = attrs.field(factory=list)
    """What is to be looked for, from when on; ``None`` for a look that the protocol asked for."""
    _asked: trio.Event = attrs.field(factory=trio.Event)

    def ask(self, since: datetime | None) -> None:
        """Look soon; several wishes make one look, from the earliest moment on."""
        self._since.append(since)
        self._asked.set()

    async def run(self) -> None:
        """Look whenever it is asked for, and again after a while where the vendor did not answer."""
        failures = 0
        while isinstance(self._protocol, SupportsBackfill):
            pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
            with trio.move_on_after(pause):
                await self._asked.wait()
            await trio.sleep(self._grace)
            self._asked = trio.Event()
            wishes, self._since = self._since, []
            if await self._look(self._protocol, min((each for each in wishes if each is not None), default=None)):
                failures = 0
            else:
                failures += 1
                self._since += wishes

    async def _look(self, protocol: SupportsBackfill, since: datetime | None) -> bool:
        """Take one look; whether that is done with, be it because the vendor does not allow it."""
        try:
            with provider_code():
                actions = tuple(await self._rest(protocol.backfill(since, self._host.now())))
        except JackfieldError as error:  # even a provider's bug costs this look only, not the connection
            self._host.backfill_failed(since, str(error))
            return not isinstance(error, RestError) or error.auth_failed
        self._host.backfilled(since, self._perform(actions))
        return True
