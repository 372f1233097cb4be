"""An event as the journal has it."""

from typing import NamedTuple

from jackfield.events.event import Event

__all__ = ["Record"]


class Record(NamedTuple):
    """An event and its position in the journal."""

    position: int
    event: Event
