"""Reports about the journal; among `jackfield.reports`."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

__all__ = ["JournalCorrupted", "JournalRecovered", "JournalRescued", "JournalTakenOver", "JournalWriteFailed"]


@attrs.frozen
class JournalWriteFailed:
    """The journal's file cannot be written or read just now; nothing is lost yet, and it is tried again."""

    level: ClassVar[Literal["error"]] = "error"
    reason: str
    waiting: int
    """Events that wait, in memory to be written or in the file to be read."""
    retry_in: float

    def __str__(self) -> str:
        return f"journal: {self.reason}; {self.waiting} events wait; next attempt in {self.retry_in:.1f} s"


@attrs.frozen
class JournalRecovered:
    """The journal's file can be used again."""

    level: ClassVar[Literal["info"]] = "info"
    seconds: float
    """How long it could not."""

    def __str__(self) -> str:
        return f"journal: goes on, after {self.seconds:.1f} s"


@attrs.frozen
class JournalRescued:
    """The journal's files are not there any more, and what memory held of them was saved beside."""

    level: ClassVar[Literal["error"]] = "error"
    path: str
    events: int
    """How many; 0 where they could not be saved."""
    reason: str

    def __str__(self) -> str:
        saved = f"{self.events} events are saved in {self.path}, for 'jackfield journal import'"
        return f"journal: {self.reason}; {saved if self.events else f'{self.path} cannot be written'}"


@attrs.frozen
class JournalTakenOver:
    """A journal of an older form was brought to the present one."""

    level: ClassVar[Literal["warning"]] = "warning"
    path: str
    events: int
    damaged: int
    """Events and dead letters in it that were not what was written, and are left out."""
    dead: int
    kept: str
    """Where the old one is now."""

    def __str__(self) -> str:
        left_out = f", {self.damaged} damaged ones left out" if self.damaged else ""
        content = f"{self.events} events and {self.dead} dead letters taken over{left_out}"
        return f"journal: {self.path}: {content}; the old form is kept as {self.kept}, and can be deleted"


@attrs.frozen
class JournalCorrupted:
    """Something in the journal's file is not what was written; the rest goes on without it."""

    level: ClassVar[Literal["error"]] = "error"
    problem: str
    total: int = 0
    """How many events could not be read so far, as far as they can be counted."""

    def __str__(self) -> str:
        count = f" ({self.total} events so far)" if self.total else ""
        return f"journal: damaged{count}: {self.problem}"
