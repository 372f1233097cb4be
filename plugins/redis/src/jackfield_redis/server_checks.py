"""What a server says of itself, and whether it can keep what it accepts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
from coredis.exceptions import AuthorizationError, ResponseError

from jackfield.errors import DeliveryError
from jackfield_redis.link import Link

__all__ = ["ServerFacts", "check_fsync", "check_sound", "facts_of", "id_key", "moment_of", "stream_end"]

OLDEST = (6, 2)
WAITAOF_SINCE = (7, 2)


@attrs.frozen
class ServerFacts:
    """Of the process that answers."""

    version: tuple[int, ...]
    run_id: str
    max_memory: int
    policy: str
    aof: bool

    @property
    def has_waitaof(self) -> bool:
        """Whether it can say when something is on its disk."""
        return self.version >= WAITAOF_SINCE


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


async def facts_of(link: Link) -> ServerFacts | None:
    """What INFO says; ``None`` where the user may not ask."""
    try:
        said = _text(await link.send("INFO"))
    except AuthorizationError:
        return None
    found = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
    version = found.get("valkey_version") or found.get("redis_version", "0")
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    return ServerFacts(
        numbers,
        found.get("run_id", ""),
        int(found.get("maxmemory", 0)),
        found.get("maxmemory_policy", ""),
        found.get("aof_enabled") == "1",
    )


def check_sound(facts: ServerFacts, shown: str) -> None:
    """`DeliveryError` where the server cannot do what is needed, or may throw away what it was given."""
    if facts.version < OLDEST:
        version = ".".join(map(str, facts.version))
        raise DeliveryError(f"{shown}: it is version {version}, and 6.2 or newer is needed", on_error="pause")
    if facts.max_memory and facts.policy.startswith("allkeys"):
        raise DeliveryError(
            f"{shown}: maxmemory-policy is {facts.policy}, by which it throws events away when its memory is full;"
            " set noeviction, or a volatile- policy",
            on_error="pause",
        )


async def check_fsync(link: Link, facts: ServerFacts | None, shown: str) -> None:
    """`DeliveryError` where the server cannot promise that what it accepted is on its disk."""
    if facts is not None and facts.has_waitaof and facts.aof:
        return
    try:
        said: Any = await link.send("CONFIG GET", "append*")
    except (AuthorizationError, ResponseError):
        said = {}
    pairs = said.items() if isinstance(said, dict) else zip(said[::2], said[1::2], strict=False)
    settings = {_text(key): _text(value) for key, value in pairs}
    if settings.get("appendonly") != "yes" or settings.get("appendfsync") != "always":
        have = ", ".join(f"{name} {settings[name]}" for name in ("appendonly", "appendfsync") if name in settings)
        raise DeliveryError(
            f'{shown}: acks = "fsync" needs appendonly yes and appendfsync always, or Redis 7.2 with appendonly yes;'
            f" it has {have or 'settings that the user may not read'}",
            on_error="pause",
        )


def stream_end(said: Any) -> bytes:
    """The newest id that a stream ever had, of what XINFO STREAM says."""
    pairs = said.items() if isinstance(said, dict) else zip(said[::2], said[1::2], strict=False)
    return next((bytes(value) for key, value in pairs if _text(key) == "last-generated-id"), b"0-0")


def id_key(entry: bytes) -> tuple[int, int]:
    """An entry's id, so that they can be compared."""
    milliseconds, _, number = entry.partition(b"-")
    return int(milliseconds), int(number or 0)


def moment_of(entry: bytes) -> datetime:
    """When an entry was appended, by the server's clock."""
    return datetime.fromtimestamp(id_key(entry)[0] / 1000, UTC)
