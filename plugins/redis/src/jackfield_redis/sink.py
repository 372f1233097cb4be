"""The sink: events into streams, partitioned by correlation, each id once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import attrs

from jackfield.plugin.options import field_help, ge
from jackfield.plugin.sink import OpenSink
from jackfield_redis.server import RedisServer

__all__ = ["RedisSink"]


def _acks(_instance: object, _attribute: object, value: str | int) -> None:
    if isinstance(value, int) and value < 1:
        raise ValueError(f'{value} is not a number of replicas from 1 on; without replicas say "memory" or "fsync"')


@attrs.frozen(kw_only=True)
class RedisSink(RedisServer):
    """Events in Redis Streams, for other gateways and for programs in any language."""

    partitions: int = attrs.field(
        default=16,
        validator=[ge(1), attrs.validators.le(4096)],
        metadata=field_help("how many streams share the events; one cannot be changed later, but for a new stream"),
    )
    dedupe_seconds: int = attrs.field(
        default=600,
        validator=ge(1),
        metadata=field_help("seconds for which an event's id is remembered, so that a copy is left out"),
    )
    retain_events: int = attrs.field(
        default=0, validator=ge(0), metadata=field_help("events that a partition keeps, about; 0 for all")
    )
    retain_seconds: int = attrs.field(
        default=0, validator=ge(0), metadata=field_help("seconds for which an event is kept, about; 0 for ever")
    )
    acks: Literal["memory", "fsync"] | int = attrs.field(
        default="memory",
        validator=_acks,
        metadata=field_help("what a write waits for: the server's memory, its disk, or so many replicas"),
    )

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenSink, None]:
        """Nothing is connected before the first write, so that a gateway starts while Redis is away."""
        # Imported when a sink is opened: it costs 200 ms that most commands do not need.
        from jackfield_redis.link import linked
        from jackfield_redis.writer import Writer

        writer = Writer(self)
        async with linked(self, writer.prepare) as link:
            writer.link = link
            yield writer
