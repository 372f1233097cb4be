"""Jackfield on Redis Streams: a sink that writes them, a provider that reads them, and who holds which feed."""

from __future__ import annotations

from jackfield.plugin.command import CommandSpec
from jackfield.plugin.coordinator import CoordinatorSpec
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.sink import SinkSpec
from jackfield_redis.commands import COMMAND
from jackfield_redis.coordinator import RedisCoordinator
from jackfield_redis.feed import RedisFeed
from jackfield_redis.relay import PROVIDER, Relay, protocol_of
from jackfield_redis.sink import RedisSink

__all__ = [
    "RedisCoordinator",
    "RedisFeed",
    "RedisSink",
    "jackfield_commands",
    "jackfield_coordinators",
    "jackfield_providers",
    "jackfield_sinks",
]

jackfield_api = 1


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``redis``."""
    return [SinkSpec("redis", "Redis Streams, partitioned by correlation", RedisSink, batch_events=500)]


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``redis``."""
    return [
        ProviderSpec(
            PROVIDER,
            "Redis Streams, which other gateways write, shared out among the members of a group",
            RedisFeed,
            dialects=lambda _: {"streams": Relay()},
            decoder=lambda _: protocol_of(),
        )
    ]


@hookimpl
def jackfield_coordinators() -> list[CoordinatorSpec]:
    """Offer the coordinator ``redis``."""
    return [CoordinatorSpec("redis", "leases of feeds in Redis", RedisCoordinator, ("redis", "rediss"))]


@hookimpl
def jackfield_commands() -> list[CommandSpec]:
    """Offer ``jackfield redis``."""
    return [COMMAND]
