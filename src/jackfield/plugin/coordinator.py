"""What a coordinator is: the plugin by which several gateways agree on who holds which feed.

A coordinator is an attrs class of options, one object for the ``[cluster]`` table, chosen by the scheme of its ``url``
and offered to the host as a `CoordinatorSpec` by the hook ``jackfield_coordinators``. It knows members, leases, and a
text that the holder of a lease leaves for the next one; what a feed is, and what the texts mean, is the host's.

A lease is held by one member at a time, ends by itself where it is not renewed, and has a *fencing number*, higher each
time that it is won: what comes under an older number is known to come from somebody who does not hold it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

import attrs

__all__ = ["ClusterView", "Coordinator", "CoordinatorSpec", "LeaseState", "OpenCoordinator", "SupportsGroupStatus"]


@attrs.frozen
class LeaseState:
    """One lease, as the coordinator knows it."""

    member: str = ""
    """Who holds it; empty for nobody."""
    fence: int = 0
    """The number under which it was won last."""
    note: str = ""
    """What its last holder said by `OpenCoordinator.beat` or `OpenCoordinator.release`."""
    seconds_left: float = 0.0
    """Until it ends, where it is not renewed; 0 where that cannot be known."""


@attrs.frozen
class ClusterView:
    """Everything that the coordinator knows, at one moment."""

    members: Mapping[str, str]
    """Those that live, each with what it said of itself at its last beat."""
    leases: Mapping[str, LeaseState]
    """Every lease that was ever won."""


class OpenCoordinator(Protocol):
    """A coordinator of one member; each call may raise `ConnectionLost`, and changes nothing then, or all it was to."""

    async def look(self) -> ClusterView:
        """How everything stands, without becoming a member."""
        ...

    async def beat(self, about: str, held: Mapping[str, str]) -> ClusterView:
        """Say that this member lives, and renew these leases, each with the note for its next holder.

        A lease that this member does not hold any more is not renewed, and its note not changed; the view says so.
        """
        ...

    async def acquire(self, lease: str, at_least: int) -> int:
        """Win a lease that nobody holds: its fencing number, higher than ever and than `at_least`; 0 for no success."""
        ...

    async def release(self, lease: str, note: str) -> None:
        """Give a lease back, with a last note; nothing happens where this member does not hold it."""
        ...

    async def leave(self) -> None:
        """Be no member any more."""
        ...


class Coordinator(Protocol):
    """The options; implemented by the class that `CoordinatorSpec.cls` names."""

    @property
    def shown(self) -> str:
        """Where it is, without secrets."""
        ...

    def open(self, cluster: str, member: str, lease_seconds: float) -> AbstractAsyncContextManager[OpenCoordinator]:
        """For one member of one cluster; connects at the first call, and again after a failure."""
        ...


@attrs.frozen
class CoordinatorSpec:
    """What a plugin offers through the hook ``jackfield_coordinators``."""

    name: str
    """For ``jackfield plugins``."""
    summary: str
    """One line for ``jackfield plugins``."""
    cls: type[Coordinator]
    """The attrs class that the ``[cluster]`` table is structured into, less the options that every cluster has."""
    schemes: tuple[str, ...]
    """The schemes of the URLs that are its, such as ``redis``."""


@runtime_checkable
class SupportsGroupStatus(Protocol):
    """A provider whose feeds share their source out among themselves, so that every member of a cluster runs them."""

    async def group_status(self) -> str:
        """How that stands, as lines of text; `ConnectionLost` where nobody answers."""
        ...
