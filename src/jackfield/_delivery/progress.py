"""How far a sink has come in the journal while its events are finished out of order; pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

import attrs

__all__ = ["Progress"]


@attrs.define
class Progress:
    """The sequence numbers that are in hand, and up to where everything is done with.

    After a crash delivery starts again at `position`, so no event before it is sent twice and none behind
    it is forgotten.
    """

    _read_to: int
    _taken: deque[int] = attrs.field(factory=deque)
    """In ascending order; those that are done with leave from the front only."""
    _done: set[int] = attrs.field(factory=set)

    @property
    def position(self) -> int:
        """The sequence number of the first event that is not done with."""
        return self._taken[0] if self._taken else self._read_to

    @property
    def in_hand(self) -> int:
        """How many events are taken and not done with."""
        return len(self._taken) - len(self._done)

    @property
    def span(self) -> int:
        """How many events are remembered, those included that are done with behind one that is not."""
        return len(self._taken)

    def take(self, numbers: Iterable[int]) -> None:
        """Events were read and are to be delivered; numbers come in ascending order."""
        self._taken.extend(numbers)

    def read_to(self, number: int) -> None:
        """Everything before this number was read."""
        self._read_to = number

    def finish(self, numbers: Iterable[int]) -> None:
        """Events that were taken are done with: delivered, or given up."""
        taken, done = self._taken, self._done
        numbers = list(numbers)
        if not done and numbers == list(islice(taken, len(numbers))):  # one batch after the other
            for _ in numbers:
                taken.popleft()
            return
        done.update(numbers)
        while taken and taken[0] in done:
            done.remove(taken.popleft())
