"""Asks a feed's vendor what there is now, after each subscription, and puts the answer into the stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import attrs
import trio

from jackfield._feed.session import Session
from jackfield._feed.stream_events import stream_event
from jackfield._loading.guard import provider_code
from jackfield._net.dial import Network
from jackfield._net.http_client import Perform, performer
from jackfield.errors import JackfieldError, RestError
from jackfield.events import Event
from jackfield.plugin.provider import SupportsSync
from jackfield.reports import Report, RequestFailed
from jackfield.state.sync import sync_facts

__all__ = ["FeedSync"]

GRACE_SECONDS = 3.0
"""Vendors may answer a subscription before it is active; what happens meanwhile shows in a second list."""
PRECISION = timedelta(seconds=2)
PAUSES = (5.0, 15.0, 60.0, 300.0)
"""From a list that was not given to the next attempt."""


@attrs.define(eq=False)
class FeedSync:
    """The lists of one feed's vendor."""

    _session: Session
    _take: Callable[[list[Event]], None]
    _report: Callable[[Report], None]
    _perform: Perform | None = None
    """Performs requests, for tests; else as the feed is configured at the time."""
    _wanted: trio.Event = attrs.field(factory=trio.Event)
    _running: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    def ask(self) -> None:
        """The feed has subscribed: ask soon."""
        self._wanted.set()

    def stop(self) -> None:
        """End `run`."""
        self._running.cancel()

    async def run(self) -> None:
        """Ask whenever it is wanted, until `stop`."""
        with self._running:
            await self._run()

    async def _run(self) -> NoReturn:
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            if not await self._ask_until_answered():
                continue
            with trio.move_on_after(GRACE_SECONDS) as grace:
                await self._wanted.wait()
            if grace.cancelled_caught:  # else there is another subscription, with a grace of its own
                await self._ask_until_answered()

    async def _ask_until_answered(self) -> bool:
        """Whether there was an answer; a vendor that rejects us is not asked again before the next subscription."""
        attempt = 0
        while isinstance(provider := self._session.provider, SupportsSync):
            began = datetime.now(UTC)
            try:
                with provider_code():
                    perform = self._perform or performer(Network.of(self._session.feed.connection))
                    sync = await perform(provider.sync())
            except JackfieldError as error:
                reason = f"the vendor's lists: {self._session.recorder.redacted(str(error))}"
                self._report(RequestFailed(self._session.feed.name, reason))
                if not isinstance(error, RestError) or error.auth_failed:
                    return False
            else:
                name, source = self._session.feed.name, provider.source
                if not sync.listed and not sync.complete:  # the vendor lists nothing
                    return False
                # A vendor's clock that agrees with ours within its own precision says less than ours.
                agrees = sync.at is None or abs(sync.at - began) <= PRECISION
                facts: Iterable[dict[str, object]] = sync_facts(sync, began if agrees else sync.at or began)
                self._take([stream_event(source, name, "synced", datetime.now(UTC), **each) for each in facts])
                return True
            with trio.move_on_after(PAUSES[min(attempt, len(PAUSES) - 1)]):
                await self._wanted.wait()
            attempt += 1
        return False
