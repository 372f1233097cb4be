"""What the simulated platform remembers of its day: the last state of each resource, and the histories of a few."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import attrs

from jackfield_voipbin.published import Published
from jackfield_voipbin.times import parse_time

__all__ = ["SimulatedState"]

# Of each kind; with the histories of its calls a thousand visits take some 40 MB.
MOST_RESOURCES = 1_000
# What has a history, by the name that it has in a path.
WITH_HISTORY = {"calls": "call", "conferences": "conference", "activeflows": "activeflow"}
# In which of a queue's lists a queuecall is, by its status.
IN_QUEUE: dict[str, tuple[str, ...]] = {
    "wait_queuecall_ids": ("initiating", "waiting", "connecting"),
    "service_queuecall_ids": ("service",),
}


@attrs.define
class SimulatedState:
    """The state behind REST; it follows the day that the websocket sends."""

    _states: dict[str, OrderedDict[str, dict[str, Any]]] = attrs.field(factory=dict)
    """By resource and id."""
    _histories: dict[str, list[dict[str, Any]]] = attrs.field(factory=dict)
    """By id, newest last."""

    def record(self, event: Published) -> None:
        """Take note of what happened."""
        if not event.resource:
            return
        states = self._states.setdefault(event.resource, OrderedDict())
        resource_id = event.data["id"]
        states[resource_id] = event.data
        if len(states) > MOST_RESOURCES:
            oldest, _ = states.popitem(last=False)
            self._histories.pop(oldest, None)
        if event.queue is not None:
            self._record_queue(event.queue, event)
        if event.resource in WITH_HISTORY.values():
            item = {"timestamp": event.timestamp, "event_type": event.event_type, "data": event.data}
            self._histories.setdefault(resource_id, []).append(item)

    def list_queue(self, queue: dict[str, Any]) -> None:
        """List a queue, which no event describes."""
        self._states.setdefault("queue", OrderedDict())[queue["id"]] = queue

    def _record_queue(self, queue: dict[str, Any], event: Published) -> None:
        """A queue lists the queuecalls that wait in it and those that are served, and says so nowhere else."""
        queues = self._states.setdefault("queue", OrderedDict())
        queue = queues.setdefault(queue["id"], {**queue, "tm_create": event.timestamp})
        for field, states in IN_QUEUE.items():
            others = [each for each in queue.get(field, ()) if each != event.data["id"]]
            queue[field] = [*others, event.data["id"]] if event.data.get("status") in states else others

    def page(self, resource: str, size: int, before: str, **having: str) -> list[dict[str, Any]]:
        """The resources with these fields that were created before a moment, strictly (empty for now), newest first."""
        limit = parse_time(before)
        found = []
        for data in self._states.get(resource, {}).values():
            created = parse_time(data["tm_create"])
            if created is None or (limit is not None and created >= limit):
                continue
            if all(data.get(field) == value for field, value in having.items()):
                found.append((created, data))
        found.sort(key=lambda each: each[0], reverse=True)
        return [data for _, data in found[:size]]

    def state(self, resource: str, resource_id: str) -> dict[str, Any] | None:
        """One resource as it is; ``None`` where there is none."""
        states = self._states.get(resource)
        return None if states is None else states.get(resource_id)

    def history(self, family: str, resource_id: str, size: int, before: str) -> list[dict[str, Any]] | None:
        """What happened to a resource, newest first; ``None`` where there is no such history."""
        if family not in WITH_HISTORY:
            return None
        limit = parse_time(before)
        items = []
        for item in reversed(self._histories.get(resource_id, [])):
            moment = parse_time(item["timestamp"])
            if limit is None or (moment is not None and moment < limit):
                items.append(item)
        return items[:size]
