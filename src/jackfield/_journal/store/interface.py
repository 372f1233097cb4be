"""The one seam between the journal and what keeps its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from jackfield._journal.segments import Lines
from jackfield._journal.segments.entries import NOTHING, About
from jackfield._journal.store.records import Notes
from jackfield.events import Event

__all__ = ["Store"]


class Store(Protocol):
    """Keeps events by position, and beside them how far each sink has come.

    Synchronous. `append` and `trim` are called by one thread at a time, `save` and `trim_dead` by another, `read`
    by others meanwhile. `JournalError` is all that they raise, and then nothing of what was asked for was done.
    """

    @property
    def journal(self) -> str:
        """The journal's id: one that is made anew has another."""
        ...

    @property
    def path(self) -> Path:
        """Where it is; what is rescued from it stands beside that."""
        ...

    @property
    def survives(self) -> bool:
        """Whether what is kept can be read after a restart."""
        ...

    @property
    def instant(self) -> bool:
        """Whether `append` and `save` cost nothing, so that no thread is needed for them."""
        ...

    @property
    def first(self) -> int:
        """The position of the oldest event that can be read from here; `next` where there is none."""
        ...

    @property
    def trimmed(self) -> int:
        """The position before which retention has deleted everything."""
        ...

    @property
    def next(self) -> int:
        """The position that the next event gets; no position is given twice."""
        ...

    @property
    def findings(self) -> Sequence[str]:
        """What was found to be damaged at the start, and can be lived with."""
        ...

    def lines(self, events: Sequence[Event]) -> list[bytes]:
        """What is kept of each event; whatever an event's own objects raise."""
        ...

    def append(self, lines: Sequence[bytes], received: Sequence[int], at: int, about: About = NOTHING) -> None:
        """Keep events, all or none of them; moments are in microseconds since 1970.

        What is kept are the lines; what is known `about` them saves reading them again for an index.
        """
        ...

    def read(self, position: int, most: int) -> Lines:
        """The events at the next `most` positions, as far as they are kept here."""
        ...

    def count(self, start: int, stop: int) -> int:
        """How many of the positions from `start` to before `stop` events have or had; a power failure skips some."""
        ...

    def received_at(self, position: int) -> int | None:
        """When the oldest event came that is kept with that one, microseconds since 1970; nothing is read for it."""
        ...

    @property
    def size(self) -> int:
        """How many bytes the events have."""
        ...

    def newest_keys(self, most: int) -> list[bytes]:
        """The keys of the newest events, the oldest first."""
        ...

    def saved(self) -> Notes:
        """What was saved before; without the dead letters."""
        ...

    def save(self, notes: Notes, *, durable: bool = False) -> None:
        """Save what has changed, all or nothing; where it must be `durable`, such that a power failure spares it."""
        ...

    def save_checkpoint(self, pieces: Sequence[bytes]) -> None:
        """Save the gateway's state in place of the one before, all or nothing."""
        ...

    def checkpoint(self) -> list[bytes]:
        """The state that was saved, in its pieces; nothing where there is none that can be read."""
        ...

    def cut(self, *, keep_after: float, keep_bytes: int, floor: int) -> int:
        """The position before which events can be deleted, `first` where none can.

        Those received before `keep_after`, seconds since 1970, that stand before `floor`, and the oldest while all take
        more than `keep_bytes`, wherever they stand.
        """
        ...

    def delete_before(self, position: int) -> None:
        """Delete the events before a position that `cut` gave."""
        ...

    def trim_dead(self, keep_bytes: int) -> Mapping[str, int]:
        """Delete the oldest dead letters while all take more than that; how many, by sink."""
        ...

    def maintain(self) -> Iterator[None]:
        """Do what can wait, beside appending and reading, a little at each step."""
        ...

    def verify(self) -> None:
        """`JournalError` where the files are not the ones any more that were opened."""
        ...

    def close(self) -> None:
        """Save the rest and release everything."""
        ...
