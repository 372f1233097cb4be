"""A conversation's events in one order, whatever the order in which they came, and whether it is over; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import attrs

from jackfield.events import Event
from jackfield.kinds import causal_rank
from jackfield.state import State

__all__ = ["Facts", "moment"]

# What makes a conversation; a recording or a flow alone is none.
_SUBSTANCE = frozenset({"call", "contact", "offer", "message", "conversation", "chat"})
_BEGINNINGS = frozenset({"contact.created", "contact.queued", "call.initiated", "call.originated", "ai_call.initiated"})
_EXCHANGED = frozenset({"message", "conversation", "chat"})
_LAST = datetime.max.replace(tzinfo=UTC) - timedelta(seconds=1)
_TALK = frozenset({"ai_call.initiated", "ai_call.connected", "ai_call.clearing", "ai_call.cleared"})


def moment(event: Event) -> datetime:
    """When it happened, as far as that is known."""
    at = event.time or event.received
    return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)


@attrs.frozen
class Facts:
    """The events of one conversation, each once, in the order in which one follows from the other."""

    events: tuple[Event, ...]
    is_over: bool = attrs.field(init=False)
    """Whether every call and contact in it has ended; messages alone have no end of their own."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "is_over", bool(self.events) and self._ended())

    @classmethod
    def of(cls, events: Iterable[Event]) -> Facts:
        """Of the copies of one event the one that was received first counts."""
        unique: dict[str, Event] = {}
        for event in sorted(events, key=lambda each: (each.received, each.to_json())):
            unique.setdefault(event.id, event)
        ordered = sorted(unique.values(), key=lambda each: (moment(each), causal_rank(each.kind), each.kind, each.id))
        return cls(tuple(ordered))

    @property
    def has_substance(self) -> bool:
        """Whether it is a conversation at all."""
        return any(event.kind.partition(".")[0] in _SUBSTANCE or event.kind in _TALK for event in self.events)

    @property
    def beginning_seen(self) -> bool:
        """Whether its first events are there: of a call or a contact; what is written has no other beginning."""
        return any(event.kind in _BEGINNINGS or event.kind.partition(".")[0] in _EXCHANGED for event in self.events)

    @property
    def end_missing(self) -> bool:
        """Whether a call or a contact in it goes on as far as is known."""
        return not self.is_over and any(event.kind.startswith(("call.", "contact.")) for event in self.events)

    def _ended(self) -> bool:
        state = State()
        for event in self.events:
            state.apply(event)
        # A second later, if the calendar has one.
        at = min(moment(self.events[-1]), _LAST) + timedelta(seconds=1)
        snapshot = state.snapshot(at)
        over = [thing.over for things in (snapshot.contacts, snapshot.calls) for thing in things.values()]
        talks = {
            event.address.resource_id: event.kind for event in self.events if event.kind in _TALK
        }  # in order, so that the last one of each counts
        machines = [kind for kind in talks.values() if kind in ("ai_call.initiated", "ai_call.connected")]
        return bool(over or talks) and all(over) and not machines

    def named(self, *kinds: str) -> list[Event]:
        """Those of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]
