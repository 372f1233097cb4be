"""Counters and times of queues and recipients by REST, compared with the events that came: evidence of what was lost.

A counter that has moved although no event of its thing came has moved with an event that was lost. One that has once
moved exactly as its events say is compared with their number from then on. KAZOO resets its counters each day and
after a fail-over, so only a rise counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from jackfield_vinix.snapshot import Snapshot
from jackfield_vinix.wire import fold, plain_id

__all__ = ["Counters"]

MOST_KEPT = 50_000
COUNTERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "queue": {
        "total_sessions": ("join",),
        "abandoned_sessions": ("leave",),
        "missed_sessions": (),
    },
    "recipient": {
        "total_calls": ("delivered",),
        "offered_calls": ("offer",),
        "missed_calls": ("reject", "rescind"),
        "last_action_time": (),
        "last_handled_time": (),
        "login_time": (),
    },
}
"""By family: what REST counts, and the words of the events that it counts; none where that is not known."""

Thing = tuple[str, str]
"""Family and plain id."""
Values = Mapping[str, int]


@attrs.frozen
class _Base:
    """What was known of one thing at the last comparison."""

    values: Values
    seen: Mapping[str, int]
    at: datetime


@attrs.frozen
class _Suspicion:
    """A rise that no event explains yet; one may be on its way."""

    thing: Thing
    values: Values
    base: _Base


@attrs.define
class Counters:
    """The events of each thing by their words, and what REST last said of it."""

    _seen: dict[str, int] = attrs.field(factory=dict)
    """By id as events spell it, and word, in one text: a dict for each id would cost each event a microsecond."""
    _bases: dict[Thing, _Base] = attrs.field(factory=dict)
    _in_step: set[tuple[str, str]] = attrs.field(factory=set)
    """Family and counter: those that have moved exactly as their events say."""
    _suspected: list[_Suspicion] = attrs.field(factory=list)
    _before: Mapping[str, Mapping[str, int]] = attrs.field(factory=dict)
    """What had been seen when the query began, by plain ids."""

    def note(self, resource_id: str, word: str) -> None:
        """An event of a queue or a recipient has come."""
        key = f"{resource_id}\n{word}"
        count = self._seen.get(key, 0)
        if count or len(self._seen) < MOST_KEPT:
            self._seen[key] = count + 1

    def begin(self) -> None:
        """A query begins: what has come by now it must know of."""
        self._before = self._plain()

    def rebase(self, snapshot: Snapshot, at: datetime) -> None:
        """Start from what REST says now: whatever was lost before is announced."""
        self._suspected.clear()
        self._bases.clear()
        self.compare(snapshot, at, ())

    def compare(self, snapshot: Snapshot, at: datetime, families: Collection[str]) -> None:
        """Compare what REST says of these families; `lost` decides when what is on its way has come."""
        self._suspected, seen = [], self._plain()
        for thing, values in _values(snapshot):
            base = self._bases.get(thing)
            if base is not None and thing[0] in families and self._unexplained(thing, values, base, seen):
                self._suspected.append(_Suspicion(thing, values, base))
            self._bases[thing] = _Base(values, self._before.get(thing[1], {}), at)

    def _plain(self) -> Mapping[str, Mapping[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for key, count in self._seen.items():
            resource_id, _, word = key.partition("\n")
            known = found.setdefault(plain_id(resource_id), {})
            known[word] = known.get(word, 0) + count
        return found

    def lost(self) -> tuple[datetime, str] | None:
        """Since when events were lost, and how that shows; ``None`` where all is explained by now."""
        seen = self._plain()
        found = [
            (each, name)
            for each in self._suspected
            if (name := self._unexplained(each.thing, each.values, each.base, seen))
        ]
        self._suspected.clear()
        if not found:
            return None
        (family, id_), name = found[0][0].thing, found[0][1]
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        return min(each.base.at for each, _ in found), f"{name} of {family} {id_} moved without an event{more}"

    def _unexplained(self, thing: Thing, values: Values, base: _Base, seen: Mapping[str, Mapping[str, int]]) -> str:
        """The counter that has risen more than events explain; empty where none has."""
        family, id_ = thing
        if id_ not in seen and len(self._seen) >= MOST_KEPT:
            return ""
        came = {word: count - base.seen.get(word, 0) for word, count in seen.get(id_, {}).items()}
        nothing_came = not any(came.values())
        for name, words in COUNTERS[family].items():
            if name not in base.values or (risen := values.get(name, 0) - base.values[name]) <= 0:
                continue
            counted = sum(came.get(word, 0) for word in words)
            if words and counted == risen:
                self._in_step.add((family, name))
            if nothing_came or (counted < risen and (family, name) in self._in_step):
                return name
        return ""


def _values(snapshot: Snapshot) -> Iterator[tuple[Thing, Values]]:
    for family, things in (("queue", snapshot.queues), ("recipient", snapshot.recipients)):
        for each in things:
            stats: Mapping[str, Any] = fold(each.fields.get("stats"))
            found = {name: value for name in COUNTERS[family] if isinstance(value := stats.get(name), int)}
            yield (family, plain_id(each.id)), found
