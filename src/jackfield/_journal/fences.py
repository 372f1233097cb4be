"""Under which fencing number the events of each feed came into the journal, from which position on."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

import attrs
import msgspec

from jackfield.errors import JournalError
from jackfield.events import Event

__all__ = ["Fences"]

FILE = "fences.json"
_LIVE = ("live", "backfill")

_decode = msgspec.json.Decoder(dict[str, list[tuple[int, int]]]).decode


@attrs.define(eq=False)
class Fences:
    """Kept in the journal's folder: what a killed gateway had not delivered is known after its next start."""

    _path: Path | None = None
    """``None`` for a journal in memory, of which nothing is left after a start."""
    _spans: dict[str, list[tuple[int, int]]] = attrs.field(factory=dict)

    @classmethod
    def beside(cls, journal: str) -> Fences:
        """Those of a journal's folder; `JournalError` where the file cannot be read."""
        if journal == "memory":
            return cls()
        path = Path(journal, FILE)
        try:
            return cls(path, _decode(path.read_bytes()) if path.exists() else {})
        except (OSError, msgspec.MsgspecError) as error:
            raise JournalError(f"{path}: cannot be read ({error}); delete it where its cluster is not in use") from None

    def newest(self, feed: str) -> int:
        """The newest number that is known here."""
        spans = self._spans.get(feed)
        return spans[-1][1] if spans else 0

    def begin(self, feed: str, position: int, fence: int, needed: int) -> None:
        """From that position on a feed's events come under a number; nobody asks for positions before `needed`."""
        spans = [*self._spans.get(feed, ()), (position, fence)]
        first = max(0, bisect_right(spans, needed, key=lambda span: span[0]) - 1)
        self._spans[feed] = spans[first:]

    def add(self, later: Fences) -> None:
        """Those that were read later too: of what was delivered meanwhile they know nothing any more."""
        for feed, spans in later._spans.items():
            self._spans[feed] = sorted({*self._spans.get(feed, ()), *spans})

    def save_beside(self, journal: Path) -> None:
        """Write them to a copy of the journal; nothing where there are none; `OSError` where that fails."""
        if self._spans:
            attrs.evolve(self, path=journal / FILE).save()

    def save(self) -> None:
        """Write them to the file, whole or not at all; `OSError` where that fails. To be called in a thread."""
        if self._path is not None:
            beside = self._path.with_suffix(".new")
            beside.write_bytes(msgspec.json.encode(self._spans))
            beside.replace(self._path)

    def of(self, position: int, event: Event) -> int:
        """The number under which an event came; 0 where none did, as for a webhook, which every member accepts."""
        spans = self._spans.get(event.feed)
        if not spans or event.origin not in _LIVE:
            return 0
        index = bisect_right(spans, position, key=lambda span: span[0])
        return spans[index - 1][1] if index else 0
