"""What memory still holds of a journal whose files were deleted, renamed, replaced or cut goes to a file beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import attrs

from jackfield.events import Event

__all__ = ["Rescue"]


@attrs.define(eq=False)
class Rescue:
    """A file of CloudEvents, one a line, which ``jackfield journal import`` reads."""

    path: Path
    events: int = 0
    """How many are in it."""
    until: int = 0
    """The position behind the newest of them."""

    @classmethod
    def beside(cls, journal: Path, at: datetime) -> Rescue:
        """The one of a journal that was found to be gone at a moment."""
        return cls(journal.with_name(f"{_prefix(journal)}{at:%Y%m%dT%H%M%SZ}"))

    @classmethod
    def found(cls, journal: Path) -> list[Rescue]:
        """What earlier runs have saved of a journal, and nobody has imported and removed yet."""
        names = sorted(each for each in journal.parent.iterdir() if each.name.startswith(_prefix(journal)))
        return [cls(path, _count_lines(path)) for path in names]

    def save(self, first: int, events: Sequence[Event]) -> int:
        """Save events that stand at `first` and behind, but for those that it has already; how many were new."""
        new = events[max(0, self.until - first) :]
        if new:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(file, "ab") as lines:
                lines.write(b"".join(event.to_json() + b"\n" for event in new))
                lines.flush()
                os.fsync(file)
            self.events += len(new)
            self.until = first + len(events)
        return len(new)


def _prefix(journal: Path) -> str:
    return f"{journal.name}.rescued-"


def _count_lines(path: Path) -> int:
    try:
        with path.open("rb") as lines:
            return sum(1 for _ in lines)
    except OSError:
        return 0
