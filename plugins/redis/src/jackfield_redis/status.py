"""How a group stands, as Redis knows it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
from coredis.exceptions import StreamConsumerGroupError

from jackfield.errors import ConnectionLost
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import iter_secrets
from jackfield_redis.failures import TROUBLES, failure_of
from jackfield_redis.feed import RedisFeed
from jackfield_redis.keys import members_key, partition, partition_count_key
from jackfield_redis.link import Link, linked

__all__ = ["GroupStatus", "PartitionStatus", "status_of"]


class PartitionStatus(msgspec.Struct):
    """One partition."""

    partition: int
    holder: str
    """The member that reads it; empty for none."""
    wins: int
    """How often its lease was won: the fencing number."""
    entries: int
    pending: int
    behind: int


class GroupStatus(msgspec.Struct):
    """All of them, and the members that live."""

    members: list[str]
    partitions: list[PartitionStatus]

    def table(self) -> str:
        """As lines of text."""
        head = ("PARTITION", "HOLDER", "LEASE", "ENTRIES", "PENDING", "BEHIND")
        rows = [
            (str(each.partition), each.holder or "-", *map(str, (each.wins, each.entries, each.pending, each.behind)))
            for each in self.partitions
        ]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
        behind, pending = sum(p.behind for p in self.partitions), sum(p.pending for p in self.partitions)
        shares = [f"{name} ({sum(p.holder == name for p in self.partitions)})" for name in self.members]
        lines.append(f"members: {', '.join(shares) or 'none'}; {behind} behind, {pending} pending")
        return "\n".join(line.rstrip() for line in lines)


async def status_of(feed: RedisFeed) -> GroupStatus:
    """Ask Redis; `ConnectionLost` where it does not answer, or has no such stream."""
    redact = Redactor.of(secret for _, secret in iter_secrets(feed))
    async with linked(feed) as link:
        try:
            return await _asked(feed, link)
        except TROUBLES as error:
            raise ConnectionLost(failure_of(error, feed.shown, redact).reason) from None


async def _asked(feed: RedisFeed, link: Link) -> GroupStatus:
    count = await link.call("GET", partition_count_key(feed.stream))
    if count is None:
        raise ConnectionLost(f"{feed.shown}: there is no stream {feed.stream!r}; nobody has written it yet")
    members = await link.call("ZRANGE", members_key(feed.stream, feed.group), 0, -1)
    found = [await _partition(feed, link, number) for number in range(int(count))]
    return GroupStatus([name.decode() for name in members], found)


async def _partition(feed: RedisFeed, link: Link, number: int) -> PartitionStatus:
    keys = partition(feed.stream, number)
    lease = await link.call("GET", keys.lease(feed.group))
    wins = await link.call("GET", keys.fence(feed.group))
    newest, read = await link.call("GET", keys.counter), await link.call("HGET", keys.read(feed.group), "n")
    pending: Any = [0]
    with suppress(StreamConsumerGroupError):  # there is none yet
        pending = await link.call("XPENDING", keys.entries, feed.group)
    holder = lease.decode().rpartition(":")[0] if lease else ""
    entries = await link.call("XLEN", keys.entries)
    behind = int(newest or 0) - int(read) if read is not None else entries
    return PartitionStatus(number, holder, int(wins or 0), entries, int(pending[0]), max(0, behind))
