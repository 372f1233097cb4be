"""Feeds for the examples' ``--demo``: a simulated server of each installed vendor, on loopback."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio

from jackfield import Registry
from jackfield.simulation.server import serve


@asynccontextmanager
async def simulated_feeds(rate: float) -> AsyncGenerator[dict[str, Any], None]:
    """The ``feeds`` of a configuration; so many events happen in a second at each vendor."""
    async with trio.open_nursery() as nursery:
        feeds = {}
        for name, spec in Registry.load().providers.items():
            if spec.simulator is not None:
                simulator = spec.simulator()(token=secrets.token_urlsafe(16), rate=rate)
                feeds[name] = simulator.feed(await nursery.start(partial(serve, simulator)))
        yield feeds
        nursery.cancel_scope.cancel()
