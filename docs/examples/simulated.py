"""Feeds for the examples' ``--demo``: a simulated server of each installed vendor, on loopback."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from jackfield import Registry
from jackfield.simulation import simulate


@asynccontextmanager
async def simulated_feeds(rate: float) -> AsyncGenerator[dict[str, Any], None]:
    """The ``feeds`` table of a configuration; each vendor produces `rate` events per second."""
    async with AsyncExitStack() as opened:
        feeds = {}
        for name, spec in Registry.load().providers.items():
            if spec.simulator is not None:
                simulator = spec.simulator()(token=secrets.token_urlsafe(16), rate=rate)
                feeds[name] = (await opened.enter_async_context(simulate(simulator))).feed()
        yield feeds
