"""What a feed asks of the journal: where to go on, and when there is room for a vendor that can wait."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs
import trio

from jackfield._journal.journal import Journal

__all__ = ["Intake", "JournalIntake", "Unlimited", "within_room"]

# An event is more than its frame: an address, an id, the vendor's words.
ENVELOPE_BYTES = 600


class Intake(Protocol):
    """Where a feed's events go."""

    def token(self) -> str | None:
        """The newest token of the feed whose event is stored."""
        ...

    async def room(self) -> tuple[float, float]:
        """How many events, and how many bytes, may be delivered now; waits until it is something."""
        ...

    async def settled(self) -> None:
        """Wait until what was delivered is stored."""
        ...

    def payloads_read(self) -> bool:
        """Whether anything in this process reads the events' payloads as objects."""
        ...


@attrs.frozen
class Unlimited:
    """One that stores at once."""

    def token(self) -> None:
        """It knows none."""

    async def room(self) -> tuple[float, float]:
        """There is always room."""
        await trio.lowlevel.checkpoint()
        return math.inf, math.inf

    async def settled(self) -> None:
        """It is."""
        await trio.lowlevel.checkpoint()

    def payloads_read(self) -> bool:
        """Nobody knows."""
        return True


@attrs.frozen
class JournalIntake:
    """The gateway's journal, for one feed."""

    _journal: Journal
    _feed: str
    payloads_read: Callable[[], bool]

    def token(self) -> str | None:
        """The newest token of the feed whose event is committed."""
        return self._journal.token(self._feed)

    async def room(self) -> tuple[float, float]:
        """What may come until half of the journal's bounds waits to be committed."""
        await trio.lowlevel.checkpoint()
        return await self._journal.room()

    async def settled(self) -> None:
        """Wait for the commit."""
        await trio.lowlevel.checkpoint()
        await self._journal.settled()


def within_room(frames: Sequence[bytes], events: float, size: float) -> int:
    """How many of these frames have room; one at least, or nothing would go on."""
    count = 0
    for frame in frames:
        size -= len(frame) + ENVELOPE_BYTES
        if count and (count >= events or size < 0):
            break
        count += 1
    return count
