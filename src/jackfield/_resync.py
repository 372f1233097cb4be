"""Looking by REST for what was missed, one look at a time, beside a conversation that goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

import attrs
import trio

from jackfield._guard import provider_code
from jackfield._rest import Perform
from jackfield.errors import JackfieldError
from jackfield.protocol import Action, FeedProtocol, Resyncs

__all__ = ["Looker", "Resyncing"]


class Looker(Protocol):
    """Who is told what became of a look: the session."""

    def now(self) -> datetime:
        """The wall clock."""
        ...

    def resynced(self, since: datetime | None, events: int) -> None:
        """A look is done, and brought so many events."""
        ...

    def resync_failed(self, since: datetime | None, reason: str) -> None:
        """A look could not be taken: what was missed stays missed."""
        ...


@attrs.define
class Resyncing:
    """The looks of one connection."""

    _protocol: FeedProtocol
    _rest: Perform
    _perform: Callable[[Iterable[Action]], int]
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
        """Look whenever it is asked for."""
        while isinstance(self._protocol, Resyncs):
            await self._asked.wait()
            await trio.sleep(self._grace)
            moments = [since for since in self._since if since is not None]
            self._since.clear()
            self._asked = trio.Event()
            await self._look(self._protocol, min(moments, default=None))

    async def _look(self, protocol: Resyncs, since: datetime | None) -> None:
        try:
            with provider_code():
                actions = tuple(await self._rest(protocol.resync(since, self._host.now())))
        except JackfieldError as error:  # even a provider's bug costs this look only, not the connection
            self._host.resync_failed(since, str(error))
        else:
            events = self._perform(actions)
            self._host.resynced(since, events)
