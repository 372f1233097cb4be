"""The sinks of a gateway: opened, each with its cursor and its pipeline."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack

from jackfield._delivery import SinkPipeline
from jackfield._journal import Journal
from jackfield._loading.registry import Registry
from jackfield._routing.route_spans import RouteSpans
from jackfield.config import NamedSink
from jackfield.errors import DeliveryError

__all__ = ["open_sink"]


async def open_sink(
    sink: NamedSink, opened: AsyncExitStack, journal: Journal, registry: Registry, rng: random.Random
) -> SinkPipeline:
    """Open a sink until the gateway closes; `DeliveryError` where it cannot be opened."""
    redact, report = registry.redact, registry.observe
    try:
        ready = await opened.enter_async_context(sink.impl.open())
    except (DeliveryError, OSError) as error:
        raise DeliveryError(f"sinks.{sink.name}: cannot be opened: {redact(str(error))}") from None
    cursor = journal.cursor(sink.name)
    pipeline = SinkPipeline(sink.name, ready, cursor, RouteSpans(), sink.delivery, report, rng, redact)
    cursor.attach(pipeline.drop, pipeline.is_down)
    return pipeline
