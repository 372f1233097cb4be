"""What happened, where the websocket sends the bare resource: inferred from its stamps, and from what came before.

The platform publishes ``call_updated`` at each step of a flow, with an unchanged status. A change of status writes a
stamp of its own, equal to ``tm_update``; so

* a stamp equal to ``tm_update`` is the transition;
* an older stamp is an update, and the transition too where that has not come yet (the platform may have read the
  resource again before it published the transition);
* a status without a stamp is the transition at its first sight, and an update afterwards.

Agents and campaigns have no stamps: there the transition is a status that differs from the last one. At first sight an
available agent and a stopped campaign, which is what most are, count as updated. Speech of one stream alternates
between started and ended. Copies of one frame get the same names.

Names depend on this memory, ids do not: `jackfield_voipbin.identity`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import attrs

from jackfield_voipbin.bare import name_as
from jackfield_voipbin.event_names import INITIAL_STATUS, STAMPS, EventName
from jackfield_voipbin.recent import Recent
from jackfield_voipbin.shapes import has_known_fields_only, resource_of
from jackfield_voipbin.times import parse_time

__all__ = ["Namer"]

MOST_REMEMBERED = 20_000
MOST_ORDERS = 1_000


# The statuses of STAMPS, each as a bit: a number costs the garbage collector nothing.
_BITS = {status: 1 << bit for bit, status in enumerate(dict.fromkeys(chain.from_iterable(STAMPS.values())))}


def _recent() -> Recent[Any, Any]:
    return Recent(MOST_REMEMBERED)


@attrs.define
class Namer:
    """The names of one feed's events; outlives connections."""

    _reached: Recent[str, int] = attrs.field(factory=_recent)
    """By resource id: the statuses whose transition came, a bit for each."""
    _last: Recent[str, str] = attrs.field(factory=_recent)
    """By resource id, of agents and campaigns: the last status."""
    _speaking: Recent[str, str] = attrs.field(factory=_recent)
    """The streams in which somebody speaks."""
    _decided: Recent[tuple[Any, ...], tuple[str, ...]] = attrs.field(factory=_recent)
    """What frames were named, for their copies."""
    _resources: dict[tuple[str, ...], str] = attrs.field(factory=dict)
    """The resources of frames with exactly these fields, in this order, all of them known; most frames are such."""
    reason: str = ""
    """Why the last bare frame got its name."""

    def named(self, name: EventName, data: Any) -> None:
        """An event came with its name, which `tells_status`."""
        if not isinstance(data, dict):
            return
        resource_id, status = data.get("id"), data.get("status")
        if not isinstance(status, str) or not isinstance(resource_id, str):
            return
        if name.resource in INITIAL_STATUS:
            self._last.put(resource_id, status)
        elif status in STAMPS[name.resource] and name.word != "updated":
            self._reach(resource_id, status)

    def names(self, data: Any, listed_as: str = "") -> tuple[str, ...]:
        """The names of what a bare resource shows, in order; none where it is unknown.

        `listed_as` is the resource whose list by REST shows it because it has changed: a status of a resource without
        stamps is the transition then, unless it is known to be the old one.
        """
        fields = data if isinstance(data, dict) else {}
        resource = listed_as or self._resources.get(tuple(fields)) or self._resource_of(fields)
        if not resource:
            self.reason = "no known resource has these fields"
            return ()
        resource_id = fields.get("id")
        if not isinstance(resource_id, str):
            self.reason = f"a {resource} by its fields, without an id"
            return (name_as(resource, fields),)
        key = (resource, resource_id, *(str(fields.get(field)) for field in ("status", "tm_update", "tm_delete")))
        if (names := self._decided.get(key)) is None:
            names = self._decide(resource, resource_id, fields, listed=bool(listed_as))
            self._decided.put(key, names)
        return names

    def _resource_of(self, fields: Mapping[str, Any]) -> str:
        resource = resource_of(fields)
        # A chat is known by its type; and names that a vendor makes up are not kept.
        if resource not in ("", "chat") and has_known_fields_only(fields) and len(self._resources) < MOST_ORDERS:
            self._resources[tuple(fields)] = resource
        return resource

    def _decide(self, resource: str, resource_id: str, fields: Mapping[str, Any], *, listed: bool) -> tuple[str, ...]:
        if resource == "transcribe_speech":
            return (self._speech(fields),)
        name = name_as(resource, fields)
        status = fields.get("status")
        if not isinstance(status, str):
            self.reason = f"a {resource} by its fields"
            return (name,)
        updated = parse_time(fields.get("tm_update")) is not None
        alive = updated and parse_time(fields.get("tm_delete")) is None
        if resource in INITIAL_STATUS:
            before = self._last.get(resource_id) or ("" if listed else INITIAL_STATUS[resource])
            self._last.put(resource_id, status)
            if alive and status == before:
                self.reason = f"the status {status} has not changed"
                return (f"{resource}_updated",)
        elif status in STAMPS.get(resource, ()):
            if alive:
                return self._transition(resource, resource_id, status, fields)
            self._reach(resource_id, status)
        self.reason = f"a {resource} by its fields, in status {status}" + ("" if updated else ", never updated")
        return (name,)

    def _transition(self, resource: str, resource_id: str, status: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
        field = STAMPS[resource][status]
        transition = f"{resource}_deleted" if resource == "conference" else f"{resource}_{status}"
        stamp = parse_time(fields.get(field)) if field else None
        came = (self._reached.get(resource_id) or 0) & _BITS[status]
        self._reach(resource_id, status)
        if stamp is not None and stamp == parse_time(fields.get("tm_update")):
            self.reason = f"{field} equals tm_update: the change to {status} itself"
            return (transition,)
        if came:
            self.reason = f"the change to {status} came before: an update"
            return (f"{resource}_updated",)
        if resource == "conference" or stamp is None:
            self.reason = f"{status} for the first time"
            return (transition,)
        self.reason = f"{field} is not tm_update, and the change to {status} never came: both"
        return (transition, f"{resource}_updated")

    def _speech(self, fields: Mapping[str, Any]) -> str:
        stream = str(fields.get("streaming_id"))
        if fields.get("message"):
            self._speaking.put(stream, stream)
            self.reason = "speech with a text"
            return "transcribe_speech_interim"
        if self._speaking.remove(stream):
            self.reason = "speech without a text, in a stream in which somebody speaks"
            return "transcribe_speech_ended"
        self._speaking.put(stream, stream)
        self.reason = "speech without a text, in a stream in which nobody speaks"
        return "transcribe_speech_started"

    def _reach(self, resource_id: str, status: str) -> None:
        reached, bit = self._reached.get(resource_id) or 0, _BITS[status]
        if not reached & bit:
            self._reached.put(resource_id, reached | bit)
