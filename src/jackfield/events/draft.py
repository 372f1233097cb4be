"""An event in the making, for code that makes thousands in a second."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from jackfield.addresses import Address
from jackfield.events.event import Event, Origin
from jackfield.events.parties import NO_PARTIES, Parties
from jackfield.events.trace import TraceContext

__all__ = ["EventDraft"]


class EventDraft:
    """The fields of an `Event`, to be filled one by one; then `freeze` makes it an event, at no further cost.

    `id`, `kind`, `address`, `time`, `received` and `feed` must be set. `data` may be left unset where `data_json` is
    known to be good JSON: its objects are made when somebody asks for them.
    """

    # The same slots in the same order: that is all that Python asks of a class that an object is to change to. An
    # event's own constructor sets its slots by a call each, since it is frozen, and takes four times as long.
    __slots__ = tuple(each.name for each in attrs.fields(Event))

    id: str
    kind: str
    address: Address
    time: datetime | None
    received: datetime
    feed: str
    correlation: str | None
    native_type: str
    native_topic: str
    origin: Origin
    inferred: bool
    late: bool
    parties: Parties
    trace: TraceContext | None
    data: Any
    data_json: bytes | None
    raw: bytes
    _json: bytes | None

    def __init__(self) -> None:
        self.correlation = None
        self.native_type = ""
        self.native_topic = ""
        self.origin = "live"
        self.inferred = False
        self.late = False
        self.parties = NO_PARTIES
        self.trace = None
        self.data_json = None
        self.raw = b""
        self._json = None

    def freeze(self) -> Event:
        """This, as an event; it must not be used as a draft any more."""
        draft: Any = self
        draft.__class__ = Event
        event: Event = draft
        return event
