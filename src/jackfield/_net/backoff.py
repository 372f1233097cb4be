"""How long to wait before trying again: pure delays, no clock."""

from __future__ import annotations

import random
from collections.abc import Iterator

__all__ = ["backoff"]


def backoff(rng: random.Random, *, first: float = 1.0, most: float = 30.0) -> Iterator[float]:
    """Delays in seconds, without end: full jitter below a ceiling that doubles from `first` to `most`.

    1 s doubling to 30 s is what VoIPBIN's documentation asks of its clients. Full jitter, a uniform
    draw between nothing and the ceiling, spreads the clients that one outage made reconnect at
    once better than any other scheme (Brooker, "Exponential Backoff and Jitter", 2015).
    """
    ceiling = first
    while True:
        yield rng.uniform(0.0, ceiling)
        ceiling = min(ceiling * 2.0, most)
