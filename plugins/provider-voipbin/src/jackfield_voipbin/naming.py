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

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import attrs

from jackfield_voipbin.bare import name_as, resource_of
from jackfield_voipbin.kinds import native_name
from jackfield_voipbin.times import parse_time

__all__ = ["STAMPS", "Namer"]

MOST_REMEMBERED = 20_000

STAMPS: Mapping[str, Mapping[str, str]] = {
    "call": {
        "dialing": "",
        "ringing": "tm_ringing",
        "progressing": "tm_progressing",
        "terminating": "",
        "canceling": "",
        "hangup": "tm_hangup",
    },
    "conference": {"terminated": "tm_end"},
}
"""By resource and status, of those that a resource comes into once: the field of its moment, if it has one."""

_AT_REST = {"agent": "available", "campaign": "stop"}


@attrs.define
class Namer:
    """The names of one feed's events; outlives connections."""

    _reached: OrderedDict[str, set[str]] = attrs.field(factory=OrderedDict)
    """By resource id: the statuses whose transition came."""
    _last: OrderedDict[str, str] = attrs.field(factory=OrderedDict)
    """By resource id, of agents and campaigns: the last status."""
    _speaking: OrderedDict[str, None] = attrs.field(factory=OrderedDict)
    """The streams in which somebody speaks."""
    _decided: OrderedDict[tuple[Any, ...], tuple[str, ...]] = attrs.field(factory=OrderedDict)
    """What frames were named, for their copies."""
    reason: str = ""
    """Why the last bare frame got its name."""

    def named(self, name: str, data: Any) -> None:
        """An event came with its name."""
        if not isinstance(data, dict) or not isinstance(resource_id := data.get("id"), str):
            return
        resource, word = native_name(name)
        status = data.get("status")
        if not isinstance(status, str):
            return
        if resource in _AT_REST:
            _put(self._last, resource_id, status)
        elif status in STAMPS.get(resource, ()) and word != "updated":
            self._reach(resource_id, status)

    def names(self, data: Any, resource: str = "") -> tuple[str, ...]:
        """The names of what a bare resource shows, in order; none where it is unknown."""
        fields = data if isinstance(data, dict) else {}
        resource = resource or resource_of(fields)
        if not resource:
            self.reason = "no known resource has these fields"
            return ()
        resource_id = fields.get("id")
        if not isinstance(resource_id, str):
            self.reason = f"a {resource} by its fields, without an id"
            return (name_as(resource, fields),)
        key = (resource, resource_id, *(str(fields.get(field)) for field in ("status", "tm_update", "tm_delete")))
        if (names := self._decided.get(key)) is None:
            names = self._decide(resource, resource_id, fields)
            _put(self._decided, key, names)
        return names

    def _decide(self, resource: str, resource_id: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
        if resource == "transcribe_speech":
            return (self._speech(fields),)
        name = name_as(resource, fields)
        status = fields.get("status")
        if not isinstance(status, str):
            self.reason = f"a {resource} by its fields"
            return (name,)
        updated = parse_time(fields.get("tm_update")) is not None
        alive = updated and parse_time(fields.get("tm_delete")) is None
        if resource in _AT_REST:
            before = self._last.get(resource_id, _AT_REST[resource])
            _put(self._last, resource_id, status)
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
        came = status in self._reached.get(resource_id, ())
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
            _put(self._speaking, stream, None)
            self.reason = "speech with a text"
            return "transcribe_speech_interim"
        if stream in self._speaking:
            del self._speaking[stream]
            self.reason = "speech without a text, in a stream in which somebody speaks"
            return "transcribe_speech_ended"
        _put(self._speaking, stream, None)
        self.reason = "speech without a text, in a stream in which nobody speaks"
        return "transcribe_speech_started"

    def _reach(self, resource_id: str, status: str) -> None:
        _put(self._reached, resource_id, self._reached.get(resource_id, set()) | {status})


def _put(table: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > MOST_REMEMBERED:
        table.popitem(last=False)
