"""The names of keys in Redis, and which partition an event belongs to: what every reader and writer agrees on."""

from __future__ import annotations

import zlib
from functools import lru_cache

import attrs

from jackfield.events import Event

__all__ = ["Partition", "cluster_keys", "members_key", "partition", "partition_count_key", "partition_of"]

PREFIX = "jackfield"


def partition_of(event: Event, partitions: int) -> int:
    """CRC-32 of what keeps its order, modulo their number: its correlation, else the thing that it is about."""
    key = event.correlation or "/".join(event.address[:5])
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % partitions


def partition_count_key(stream: str) -> str:
    """Where the number of a stream's partitions stands; the first writer says it, and no other may say otherwise."""
    return f"{PREFIX}:{{{stream}}}:partitions"


def members_key(stream: str, group: str) -> str:
    """The members of a group, each with the moment at which it counts as gone."""
    return f"{PREFIX}:{{{stream}}}:members:{group}"


def cluster_keys(name: str) -> list[str]:
    """Of its members the moment at which each is gone and what it said; of its leases what a `LeaseState` says."""
    return [
        f"{PREFIX}:{{cluster:{name}}}:{each}" for each in ("members", "about", "holders", "until", "fences", "notes")
    ]


@attrs.frozen
class Partition:
    """The keys of one partition; the hash tag in braces keeps them together on one node of a Redis Cluster."""

    stream: str
    number: int

    @property
    def tag(self) -> str:
        """What all of them begin with."""
        return f"{PREFIX}:{{{self.stream}:{self.number}}}"

    @property
    def entries(self) -> str:
        """The stream itself."""
        return self.tag

    @property
    def counter(self) -> str:
        """The number of its newest entry; entries are numbered without a gap, so that a trimmed one is noticed."""
        return f"{self.tag}:n"

    @property
    def fences(self) -> str:
        """The highest fencing number of each vendor's feed that has been written here."""
        return f"{self.tag}:fences"

    def seen(self, event_id: str) -> str:
        """There while an event with this id counts as a copy."""
        return f"{self.tag}:id:{event_id}"

    def lease(self, group: str) -> str:
        """Which member of a group reads it now."""
        return f"{self.tag}:lease:{group}"

    def fence(self, group: str) -> str:
        """How often its lease was won."""
        return f"{self.tag}:fence:{group}"

    def read(self, group: str) -> str:
        """The number and the id of the newest entry that a group has read."""
        return f"{self.tag}:read:{group}"


@lru_cache(4096)
def partition(stream: str, number: int) -> Partition:
    """The same, made once."""
    return Partition(stream, number)
