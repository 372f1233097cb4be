"""Which partitions this member of a group reads: by leases that run out, shared out evenly, each with a number.

The number counts how often a partition's lease was won, and is part of its value; every script that reads compares it.
So a member that was stopped for longer than its lease reads nothing more, whatever it believes.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable

import attrs
import trio
from coredis.exceptions import StreamDuplicateConsumerGroupError

from jackfield_redis.feed import RedisFeed
from jackfield_redis.keys import Partition, members_key, partition
from jackfield_redis.link import Link
from jackfield_redis.scripts import ACQUIRE, JOIN, RELEASE, RENEW

__all__ = ["Held", "Leases", "share_of"]

# Renewed so often in the time of a lease.
BEATS = 4
BUSY_SECONDS = 0.2
# A member stops before its lease ends, by this part of it: clocks run differently, and answers take time.
MARGIN = 0.1


def share_of(member: str, members: list[str], partitions: int) -> int:
    """How many partitions are a member's: the same for all, and one more for the first of them."""
    ordered = sorted({*members, member})
    each, over = divmod(partitions, len(ordered))
    return each + (ordered.index(member) < over)


@attrs.define(eq=False)
class Held:
    """A partition whose lease this member has."""

    keys: Partition
    lease: str
    until: float
    """Until when it may read, by trio's clock."""
    claiming: str | None = "0-0"
    """Where to go on claiming what is pending for others; ``None`` when all is."""
    pending_after: str | None = "0-0"
    """Behind which id to go on with what is pending; ``None`` when all came, and new entries are read."""
    last: str = ""
    """The newest id that was read here."""
    in_flight: deque[str] = attrs.field(factory=deque)
    """Ids of entries that have come and are not acknowledged."""
    leaving_since: float | None = None
    """Since when it is to go to another member, and nothing more is read."""


@attrs.define(eq=False, slots=False)
class Leases:
    """Those of one connection of a feed."""

    _feed: RedisFeed
    _link: Link
    _partitions: int
    _on_made: Callable[[Partition], None]
    """Called where a partition had no group yet."""
    member: str = attrs.Factory(lambda self: f"{self._feed.member}-{secrets.token_hex(4)}", takes_self=True)
    held: dict[int, Held] = attrs.field(factory=dict)
    members: list[str] = attrs.field(factory=list)

    @property
    def _milliseconds(self) -> int:
        return int(self._feed.lease_seconds * 1000)

    def readable(self) -> list[Held]:
        """Those that may be read now; what ran out before it could be renewed is given up."""
        now = trio.current_time()
        for number in [number for number, held in self.held.items() if held.until <= now]:
            del self.held[number]
        return [held for held in self.held.values() if held.leaving_since is None]

    def holds(self, held: Held) -> bool:
        """Whether it is still this member's, by the lease with which it was read."""
        return self.held.get(held.keys.number) is held and held.until > trio.current_time()

    def drop(self, held: Held) -> None:
        """Hold it no more, even where its lease in Redis has not ended."""
        if self.held.get(held.keys.number) is held:
            del self.held[held.keys.number]

    async def beat(self) -> float:
        """Say that this member lives, renew, give up and win leases; seconds until this is due again."""
        began = trio.current_time()
        key = members_key(self._feed.stream, self._feed.group)
        said = await self._link.run(JOIN, [key], self.member, self._milliseconds)
        self.members = [name.decode() for name in said]
        await self._renew(began)
        share = share_of(self.member, self.members, self._partitions)
        busy = await self._give_up(share)
        wanting = await self._win(share)
        usual = self._feed.lease_seconds / BEATS
        return min(usual, BUSY_SECONDS) if busy or wanting else usual

    async def _renew(self, began: float) -> None:
        for number, held in [*self.held.items()]:
            keys = [held.keys.lease(self._feed.group)]
            if await self._link.run(RENEW, keys, held.lease, self._milliseconds):
                held.until = began + self._feed.lease_seconds * (1 - MARGIN)
            elif self.held.get(number) is held:
                del self.held[number]

    async def _give_up(self, share: int) -> bool:
        """Let go of what is others' share, once nothing of it is under way here; whether something still is."""
        now = trio.current_time()
        staying = [held for held in self.held.values() if held.leaving_since is None]
        for held in staying[share:]:
            held.leaving_since = now
        leaving = [held for held in self.held.values() if held.leaving_since is not None]
        for held in leaving[: max(0, share - len(staying))]:
            held.leaving_since = None
        for held in leaving:
            since = held.leaving_since
            if since is not None and not held.in_flight and now - since >= self._feed.settle_seconds:
                del self.held[held.keys.number]
                await self._link.run(RELEASE, [held.keys.lease(self._feed.group)], held.lease)
        return any(held.leaving_since is not None for held in self.held.values())

    async def _win(self, share: int) -> bool:
        """Win leases that are free; whether there were fewer than this member should have."""
        first = self._partitions * sorted({*self.members, self.member}).index(self.member) // len(self.members)
        for step in range(self._partitions):
            if len(self.held) >= share:
                return False
            number = (first + step) % self._partitions
            if number not in self.held:
                await self._acquire(partition(self._feed.stream, number))
        return len(self.held) < share

    async def _acquire(self, keys: Partition) -> None:
        group, began = self._feed.group, trio.current_time()
        names = [keys.lease(group), keys.fence(group)]
        lease = (await self._link.run(ACQUIRE, names, self.member, self._milliseconds)).decode()
        if lease:
            if await self.ensure_group(keys):
                self._on_made(keys)
            self.held[keys.number] = Held(keys, lease, began + self._feed.lease_seconds * (1 - MARGIN))

    async def ensure_group(self, keys: Partition) -> bool:
        """Make the group at a partition, from its first entry on; whether it was not there."""
        try:
            await self._link.call("XGROUP CREATE", keys.entries, self._feed.group, "0", "MKSTREAM")
        except StreamDuplicateConsumerGroupError:
            return False
        return True

    async def leave(self) -> None:
        """Give back everything, and leave the group: others need not wait until the leases run out."""
        for held in [*self.held.values()]:
            await self._link.run(RELEASE, [held.keys.lease(self._feed.group)], held.lease)
        self.held.clear()
        await self._link.run(JOIN, [members_key(self._feed.stream, self._feed.group)], self.member, 0)
