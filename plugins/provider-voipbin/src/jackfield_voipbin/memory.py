"""What has come of which resource, so that a look by REST tells what is missing and nothing twice; bounded.

An event is known by its resource's id and the moment of the change: a message that does not name its event has
the same two. It outlives connections, since what came before a gap tells what is old after it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from datetime import datetime
from typing import Any

import attrs

from jackfield.events import Event
from jackfield_voipbin.times import latest_time

__all__ = ["Memory", "moment_of"]

MOST_STATES = 20_000
MOST_RESOURCES = 10_000
MOST_OPEN = 2_000
MOST_COUNTED = 100

# Resources that have a history to be looked at, and the states in which nothing further happens to them.
_FINAL = {
    "call": ("hangup",),
    "activeflow": ("ended",),
    "conference": ("terminated",),
    "transcribe": ("done",),
}


@attrs.define
class Memory:
    """What is remembered of one feed."""

    _states: OrderedDict[tuple[str, datetime], None] = attrs.field(factory=OrderedDict)
    _newest: OrderedDict[str, datetime] = attrs.field(factory=OrderedDict)
    _open: OrderedDict[str, tuple[str, bool]] = attrs.field(factory=OrderedDict)
    """Resources with a history that changed since it was last looked at or may change: which, and if it is over."""
    came: Counter[str] = attrs.field(factory=Counter)
    """How many events of each resource came over this connection."""
    looked: datetime | None = None
    """Until when everything was looked for."""

    def note(self, event: Event) -> None:
        """Remember an event that was told."""
        data = event.data
        if not isinstance(data, dict) or not isinstance(resource_id := data.get("id"), str):
            return
        if (moment := moment_of(event)) is None:
            return
        _put(self._states, (resource_id, moment), None, MOST_STATES)
        newest = self._newest.get(resource_id, moment)
        _put(self._newest, resource_id, moment if newest is moment else max(newest, moment), MOST_RESOURCES)
        resource = event.address.resource
        if resource in _FINAL:
            over = data.get("status") in _FINAL[resource] or event.address.event in ("deleted", "ended", "completed")
            known = self._open.get(resource_id, (resource, False))
            _put(self._open, resource_id, (resource, over or known[1]), MOST_OPEN)

    def count(self, event: Event) -> None:
        """Count an event that came live."""
        resource = event.address.resource
        if resource in self.came or len(self.came) < MOST_COUNTED:
            self.came[resource] += 1

    def knows(self, resource_id: str, moment: datetime) -> bool:
        """Whether this state was told."""
        return (resource_id, moment) in self._states

    def newest(self, resource_id: str) -> datetime | None:
        """The moment of a resource's newest state that was told."""
        return self._newest.get(resource_id)

    def histories(self) -> list[tuple[str, str]]:
        """The resources whose history is to be looked at, with their ids, newest first."""
        return [(resource, resource_id) for resource_id, (resource, _) in reversed(self._open.items())]

    def close(self, resource_id: str) -> None:
        """The history of a resource was looked at: if it is over, that was the last time."""
        if self._open.get(resource_id, ("", False))[1]:
            del self._open[resource_id]


def moment_of(event: Event) -> datetime | None:
    """When the resource changed, as it says itself, else as the message does."""
    return latest_time(event.data) or event.time


def _put(table: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    """Put it last, and let the oldest go where there are too many."""
    table[key] = value
    table.move_to_end(key)
    if len(table) > most:  # a plain dict would walk past all that has gone before, each time
        table.popitem(last=False)
