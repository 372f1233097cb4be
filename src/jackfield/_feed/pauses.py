"""How long to wait between attempts to connect."""

from __future__ import annotations

import random
from collections.abc import Iterator

import attrs

from jackfield._net.backoff import backoff
from jackfield.errors import ConnectionLost

__all__ = ["Pauses"]


@attrs.define
class Pauses:
    """The pauses of one series of attempts: growing, and never shorter than the vendor asks for."""

    _rng: random.Random
    _first: float
    _most: float
    _backoff: Iterator[float] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin with the shortest again."""
        self._backoff = backoff(self._rng, first=self._first, most=self._most)

    def after(self, loss: ConnectionLost) -> float:
        """Seconds to wait; refused credentials may be renewed in place: they are tried again, but never in a hurry."""
        pause = self._rng.uniform(self._most / 2, self._most) if loss.auth_failed else next(self._backoff)
        return max(pause, loss.retry_after or 0.0)
