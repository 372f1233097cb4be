"""Sends a simulator's webhooks by HTTP, trying as often as each says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from jackfield.errors import RestError
from jackfield.plugin.http import Request, Response
from jackfield.plugin.simulator import WebhookDelivery
from jackfield.simulation._faults import Counters

__all__ = ["AT_ONCE", "WebhookSender"]

AT_ONCE = 20
# A receiver that is away for long makes no simulator grow without end.
MOST_WAITING = 10_000
FAILED = 500


@attrs.define(eq=False)
class WebhookSender:
    """Webhooks on their way."""

    _send: Callable[[Request], Awaitable[Response]]
    _nursery: trio.Nursery
    _done: Counters
    _places: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(AT_ONCE))
    waiting: int = 0
    """How many have not been delivered or given up yet."""
    last_failure: str = ""
    """Why an attempt failed last."""

    def post(self, delivery: WebhookDelivery, delay: float = 0.0) -> None:
        """Send one after so many seconds, without waiting for it."""
        if self.waiting >= MOST_WAITING:
            self._done.webhooks_given_up += 1
            self.last_failure = f"{MOST_WAITING} others are waiting"
            return
        self.waiting += 1
        self._nursery.start_soon(self._deliver, delivery, delay)

    async def _deliver(self, delivery: WebhookDelivery, delay: float) -> None:
        try:
            await trio.sleep(delay)
            for attempt in range(delivery.attempts):
                if attempt:
                    await trio.sleep(delivery.wait)
                async with self._places:
                    if await self._attempt(delivery):
                        self._done.webhooks_delivered += 1
                        return
            self._done.webhooks_given_up += 1
        finally:
            self.waiting -= 1

    async def _attempt(self, delivery: WebhookDelivery) -> bool:
        self._done.webhook_attempts += 1
        try:
            with trio.fail_after(delivery.timeout):
                response = await self._send(delivery.request)
        except RestError as error:
            self.last_failure = str(error)
        except trio.TooSlowError:
            self.last_failure = f"{delivery.request}: no answer within {delivery.timeout:g} s"
        else:
            if response.status < FAILED:
                return True
            self.last_failure = f"{delivery.request}: status {response.status}"
        return False
