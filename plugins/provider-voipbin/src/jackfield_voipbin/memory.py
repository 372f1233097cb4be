"""What has come of which resource, so that a look by REST tells what is missing and nothing twice; bounded.

An event is known by its resource's id and the moment of the change: a message that does not name its event has
the same two. It outlives connections, since what came before a gap tells what is old after it.

Every event is noted, and it is rarely asked whether one was emitted, so that is worked out only then. Which
histories are to be looked at is kept at once: a long call must be, however much came since.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime
from typing import Any

import attrs

from jackfield.events import Event

__all__ = ["Memory"]

MOST_NOTES = 20_000
MOST_STATES = 20_000
MOST_RESOURCES = 10_000
MOST_OPEN = 2_000
MOST_HEARD = 100

# Resources that have a history to be looked at, and the states in which nothing further happens to them.
_FINAL = {
    "call": ("hangup",),
    "activeflow": ("ended",),
    "conference": ("terminated",),
    "transcribe": ("done",),
}
_ENDS = ("deleted", "ended", "completed")


@attrs.define
class Memory:
    """What is remembered of one feed."""

    _notes: deque[tuple[str, datetime]] = attrs.field(factory=lambda: deque(maxlen=MOST_NOTES))
    """What came since somebody last asked: whose state, and the moment."""
    _states: OrderedDict[tuple[str, datetime], None] = attrs.field(factory=OrderedDict)
    _newest: OrderedDict[str, datetime] = attrs.field(factory=OrderedDict)
    _open: OrderedDict[str, tuple[str, bool]] = attrs.field(factory=OrderedDict)
    """Resources with a history that changed since it was last looked at or may change: which, and if it is over."""
    came: set[str] = attrs.field(factory=set)
    """The resources of which any event came over this connection."""
    looked: datetime | None = None
    """Until when everything was looked for."""

    def note(self, event: Event, moment: datetime | None) -> None:
        """Remember an event that was emitted; `moment` is when its resource changed."""
        data = event.data
        if moment is None or not isinstance(data, dict) or not isinstance(resource_id := data.get("id"), str):
            return
        _, _, _, resource, _, word = event.address
        self._notes.append((resource_id, moment))
        if (final := _FINAL.get(resource)) is not None:
            _, was_over = self._open.get(resource_id, ("", False))
            over = was_over or data.get("status") in final or word in _ENDS
            _put(self._open, resource_id, (resource, over), MOST_OPEN)

    def heard(self, resource: str) -> None:
        """An event of this resource came live."""
        if resource not in self.came and len(self.came) < MOST_HEARD:
            self.came.add(resource)

    def knows(self, resource_id: str, moment: datetime) -> bool:
        """Whether this state was emitted."""
        self._sort_in()
        return (resource_id, moment) in self._states

    def newest(self, resource_id: str) -> datetime | None:
        """The moment of a resource's newest emitted state."""
        self._sort_in()
        return self._newest.get(resource_id)

    def histories(self) -> list[tuple[str, str]]:
        """The resources whose history is to be looked at, with their ids, newest first."""
        return [(resource, resource_id) for resource_id, (resource, _) in reversed(self._open.items())]

    def close(self, resource_id: str) -> None:
        """The history of a resource was looked at: if it is over, that was the last time."""
        if self._open.get(resource_id, ("", False))[1]:
            del self._open[resource_id]

    def _sort_in(self) -> None:
        for resource_id, moment in self._notes:
            _put(self._states, (resource_id, moment), None, MOST_STATES)
            _put(self._newest, resource_id, max(self._newest.get(resource_id, moment), moment), MOST_RESOURCES)
        self._notes.clear()


def _put(table: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    """Put it last, and let the oldest go where there are too many."""
    table[key] = value
    table.move_to_end(key)
    if len(table) > most:  # a plain dict would walk past all that has gone before, each time
        table.popitem(last=False)
