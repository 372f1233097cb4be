"""Jackfield on Redis Streams: a sink that writes events into them, and a provider that reads them."""

from __future__ import annotations

from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.sink import SinkSpec
from jackfield_redis.sink import RedisSink

__all__ = ["RedisSink", "jackfield_sinks"]

jackfield_api = 1


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``redis``."""
    return [SinkSpec("redis", "Redis Streams, partitioned by correlation", RedisSink, batch_events=500)]
