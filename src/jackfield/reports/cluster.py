"""Reports of a gateway that shares its feeds with others; among `jackfield.reports`."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

__all__ = ["ClusterLost", "ClusterRejoined", "FeedHeld", "FeedReleased", "StandbyOverflowed"]


@attrs.frozen
class FeedHeld:
    """This gateway writes a feed that it shares with others, from now on."""

    level: ClassVar[Literal["info"]] = "info"
    feed: str
    member: str
    fence: int
    """Higher each time that the feed's lease is won."""
    flushed: int = 0
    """Events that it had kept while it stood by."""

    def __str__(self) -> str:
        kept = f", first {self.flushed} events that it had kept" if self.flushed else ""
        return f"{self.feed}: held by this gateway, {self.member}, under number {self.fence}{kept}"


@attrs.frozen
class FeedReleased:
    """This gateway does not write a feed any more that it shares with others."""

    level: ClassVar[Literal["info"]] = "info"
    feed: str
    member: str
    reason: str

    def __str__(self) -> str:
        return f"{self.feed}: not held by this gateway, {self.member}, any more: {self.reason}"


@attrs.frozen
class ClusterLost:
    """The coordinator of the cluster does not answer; feeds are kept connected, and written once it does again."""

    level: ClassVar[Literal["warning"]] = "warning"
    reason: str
    joined: bool = True
    """Whether it has answered since the start."""

    def __str__(self) -> str:
        if not self.joined:
            return f"cluster: {self.reason}; not joined yet, so no shared feed is connected until it answers"
        return f"cluster: {self.reason}; feeds stay connected, and their events wait until it answers"


@attrs.frozen
class ClusterRejoined:
    """The coordinator of the cluster answers."""

    level: ClassVar[Literal["info"]] = "info"
    member: str
    members: int
    """That live, this one included."""

    def __str__(self) -> str:
        return f"cluster: joined as {self.member}; {self.members} {'members' if self.members > 1 else 'member'}"


@attrs.frozen
class StandbyOverflowed:
    """Copies of a feed's events were dropped that may not have been written; where nobody wrote them it is a gap."""

    level: ClassVar[Literal["warning"]] = "warning"
    feed: str
    total: int
    """Since the start."""

    def __str__(self) -> str:
        return f"{self.feed}: {self.total} copies were dropped, since standby_bytes or standby_seconds is full"
