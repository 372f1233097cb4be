"""Sends a simulator's webhooks by HTTP, trying as often as each says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from jackfield.errors import RestError
from jackfield.plugin.http import Request, Response
from jackfield.plugin.simulator import WebhookDelivery
from jackfield.simulation.faults import Counters

__all__ = ["AT_ONCE", "Poster"]

AT_ONCE = 20
# A receiver that is away for long makes no simulator grow without end.
MOST_WAITING = 10_000
FAILED = 500


@attrs.define(eq=False)
class Poster:
    """Webhooks on their way."""

    _send: Callable[[Request], Awaitable[Response]]
    _nursery: trio.Nursery
    _done: Counters
    _places: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(AT_ONCE))
    waiting: int = 0
    """How many have not been delivered or given up yet."""
    last_failure: str = ""
    """Why an attempt failed last."""

    def post(self, posting: WebhookDelivery, delay: float = 0.0) -> None:
        """Send one after so many seconds, without waiting for it."""
        if self.waiting >= MOST_WAITING:
            self._done.posts_given_up += 1
            self.last_failure = f"{MOST_WAITING} others are waiting"
            return
        self.waiting += 1
        self._nursery.start_soon(self._deliver, posting, delay)

    async def _deliver(self, posting: WebhookDelivery, delay: float) -> None:
        try:
            await trio.sleep(delay)
            for attempt in range(posting.attempts):
                if attempt:
                    await trio.sleep(posting.wait)
                async with self._places:
                    if await self._attempt(posting):
                        self._done.posted += 1
                        return
            self._done.posts_given_up += 1
        finally:
            self.waiting -= 1

    async def _attempt(self, posting: WebhookDelivery) -> bool:
        self._done.post_attempts += 1
        try:
            with trio.fail_after(posting.timeout):
                response = await self._send(posting.request)
        except RestError as error:
            self.last_failure = str(error)
        except trio.TooSlowError:
            self.last_failure = f"{posting.request}: no answer within {posting.timeout:g} s"
        else:
            if response.status < FAILED:
                return True
            self.last_failure = f"{posting.request}: status {response.status}"
        return False
