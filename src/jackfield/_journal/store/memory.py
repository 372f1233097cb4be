"""A store that keeps nothing but dead letters: the events are those that the journal has in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from jackfield._journal.segments import Lines
from jackfield._journal.store.records import DeadLetterRow, Notes
from jackfield.events import Event
from jackfield.reports import EventsDropped, Report
from jackfield.reports._thinning import is_due

__all__ = ["MemoryStore"]


@attrs.define(eq=False)
class MemoryStore:
    """Counts positions, and keeps the newest dead letters."""

    _capacity: int
    """How many dead letters are kept."""
    _report: Callable[[Report], None]
    next: int = 1
    journal: str = attrs.field(factory=lambda: os.urandom(16).hex())
    """Another at each start."""
    dead: deque[DeadLetterRow] = attrs.field(factory=deque)
    _dropped: int = 0

    path = Path("memory")
    trimmed = 1
    survives = False
    instant = True
    findings = ()
    size = 0

    @property
    def first(self) -> int:
        """Nothing can be read from here."""
        return self.next

    def lines(self, events: Sequence[Event]) -> list[bytes]:
        """What most of their memory is needed for, and costs nothing to find."""
        return [event.data_json or b"" for event in events]

    def append(self, lines: Sequence[bytes], *_about: object) -> None:
        """Count them."""
        self.next += len(lines)

    def read(self, position: int, most: int) -> Lines:
        """Nothing."""
        stop = min(position + most, self.next)
        return Lines([], stop, stop - position)

    def count(self, start: int, stop: int) -> int:
        """All are."""
        return max(0, stop - start)

    def received_at(self, _position: int) -> None:
        """Nothing."""

    def newest_keys(self, _most: int) -> list[bytes]:
        """None."""
        return []

    def saved(self) -> Notes:
        """Nothing."""
        return Notes()

    def save(self, notes: Notes, *, durable: bool = False) -> None:
        """Keep the dead letters; the oldest make room for the newest, counted and reported."""
        self.dead += notes.dead
        while len(self.dead) > self._capacity:
            sink = self.dead.popleft().sink
            self._dropped += 1
            if is_due(self._dropped):
                reason = f"memory holds {self._capacity} dead letters, and there are more"
                self._report(EventsDropped(f"dead letters of sink {sink}", 1, reason, self._dropped))

    def save_checkpoint(self, _pieces: Sequence[bytes]) -> None:
        """Nothing survives."""

    def checkpoint(self) -> list[bytes]:
        """Nothing."""
        return []

    def cut(self, **_limits: float) -> int:
        """Nothing to delete."""
        return self.next

    def delete_before(self, _position: int) -> None:
        """Nothing to delete."""

    def trim_dead(self, _keep_bytes: int) -> Mapping[str, int]:
        """Nothing to delete."""
        return {}

    def maintain(self) -> Iterator[None]:
        """Nothing can wait."""
        return iter(())

    def verify(self) -> None:
        """Nothing can go wrong."""

    def close(self) -> None:
        """Nothing to release."""
