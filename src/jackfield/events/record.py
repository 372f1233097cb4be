"""An event as the journal has it."""

from collections.abc import Iterable
from itertools import count, repeat
from typing import NamedTuple

from jackfield.events.event import Event

__all__ = ["Record", "records_of"]


class Record(NamedTuple):
    """An event and its position in the journal."""

    position: int
    event: Event


def records_of(first: int, events: Iterable[Event]) -> list[Record]:
    """The records of events that stand at `first` and behind."""
    # What a named tuple is made of; its own constructor is a Python function, and takes twice as long.
    return list(map(tuple.__new__, repeat(Record), zip(count(first), events)))
