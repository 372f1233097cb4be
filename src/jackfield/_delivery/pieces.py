"""What a partition has in hand: batches in order, each as it was sent until it is settled; pure.

A piece is a batch, or what is left of one. It is split where a rejected event is searched for, and a probe is taken out
of it; it is never filled up. So what is sent again is what was sent before, less what arrived.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Iterator

import attrs

from jackfield.events import Event, Record

__all__ = ["Piece", "Pieces", "key_of"]


def key_of(event: Event) -> Hashable:
    """What keeps its order: events of one correlation; an event without one, those of the same thing."""
    return event.correlation or event.address[:5]


@attrs.define(eq=False)
class Piece:
    """Events that are sent together, in order."""

    records: list[Record]
    attempts: int = 0
    """How often they were sent."""
    size: int = 0
    """About how many bytes they have; 0 where that is not known."""

    def remove(self, indexes: Collection[int]) -> list[Record]:
        """Take the records at these indexes out."""
        if indexes:
            self.size = 0
        if len(indexes) == len(self.records):
            removed, self.records = self.records, []
            return removed
        gone = set(indexes)
        removed = [record for index, record in enumerate(self.records) if index in gone]
        self.records = [record for index, record in enumerate(self.records) if index not in gone]
        return removed


@attrs.define(eq=False)
class Pieces:
    """The pieces of one partition, oldest first, and the suspects before them."""

    _pieces: deque[Piece] = attrs.field(factory=deque)
    _suspects: list[tuple[Record, int, str, int]] = attrs.field(factory=list)
    """Records that got a suspect answer, with the attempts, the reason, and the count of successes at that time."""
    _probed: dict[Hashable, int] = attrs.field(factory=dict)
    _probes: int = 0

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def __iter__(self) -> Iterator[Record]:
        yield from (record for record, *_ in self._suspects)
        for piece in self._pieces:
            yield from piece.records

    @property
    def heads(self) -> Iterator[Record]:
        """The suspects and the first of each piece: the oldest is among them."""
        yield from (record for record, *_ in self._suspects)
        yield from (piece.records[0] for piece in self._pieces if piece.records)

    @property
    def suspects(self) -> bool:
        """Whether there are any."""
        return bool(self._suspects)

    def add(self, records: list[Record], size: int = 0) -> None:
        """A new batch."""
        self._pieces.append(Piece(records, size=size))

    def front(self) -> Piece:
        """The oldest piece."""
        return self._pieces[0]

    def probe(self) -> Piece:
        """One event, of another correlation each time: the first of that correlation, alone, put in front."""
        first: dict[Hashable, tuple[Piece, int]] = {}
        for piece in self._pieces:
            for index, (_, event) in enumerate(piece.records):
                first.setdefault(key_of(event), (piece, index))
        key = min(first, key=lambda each: self._probed.get(each, 0))
        self._probes += 1
        self._probed = {each: turn for each, turn in self._probed.items() if each in first} | {key: self._probes}
        piece, index = first[key]
        probe = Piece(piece.remove([index]), piece.attempts)
        if not piece.records:
            self._pieces.remove(piece)
        self._pieces.appendleft(probe)
        return probe

    def drop_empty(self, piece: Piece) -> None:
        """Forget the piece if all of it is settled."""
        if not piece.records:
            self._pieces.remove(piece)

    def split(self, piece: Piece) -> None:
        """Make two pieces of the one in front."""
        half = len(piece.records) // 2
        self._pieces.popleft()
        self._pieces.appendleft(Piece(piece.records[half:], piece.attempts))
        self._pieces.appendleft(Piece(piece.records[:half], piece.attempts))

    def suspect(self, records: list[Record], attempts: int, reason: str, successes: int) -> None:
        """Keep records, already removed from their piece, until it is known what their answer was about."""
        self._suspects += [(record, attempts, reason, successes) for record in records]

    def settled_suspects(self, successes: int) -> Iterator[tuple[Record, int, str]]:
        """Remove the suspects since whose answer something arrived: it was about them."""
        settled = [each for each in self._suspects if each[3] < successes]
        self._suspects = [each for each in self._suspects if each[3] >= successes]
        return ((record, attempts, reason) for record, attempts, reason, _ in settled)

    def retry_suspects(self) -> None:
        """Make each suspect a piece of its own again, in front of all others."""
        for record, attempts, *_ in reversed(self._suspects):
            self._pieces.appendleft(Piece([record], attempts))
        self._suspects.clear()
