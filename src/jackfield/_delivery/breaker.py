"""Whether a sink should be sent anything now: a circuit breaker, pure and without a clock.

Closed, everything may be sent. Failures in a row, without a success between them, open it: nothing is sent
for a while, and then one batch goes out as a probe. If that arrives the breaker closes, else it opens anew,
for longer. So a receiver that is down is asked by one request at a time, however many would be ready.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import attrs

from jackfield._net.backoff import backoff

__all__ = ["Breaker"]


@attrs.define
class Breaker:
    """One sink's; moments and spans are in seconds, of whatever clock the caller has."""

    threshold: int
    """So many failures in a row open it."""
    _rng: random.Random
    _failures: int = 0
    _open_until: float | None = None
    _probing: bool = False
    _delays: Iterator[float] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._delays = backoff(self._rng)

    @property
    def is_open(self) -> bool:
        """Whether only a probe may be sent."""
        return self._open_until is not None

    def wait(self, now: float) -> float:
        """For how long nothing will be sent."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - now)

    def ask(self, now: float) -> float:
        """Leave to send, 0, or how long to wait before asking again; infinity while a probe is out.

        Leave from an open breaker makes the asker's batch the probe: it must say how that went.
        """
        if self._open_until is None:
            return 0.0
        if self._probing:
            return math.inf
        if now < self._open_until:
            return self._open_until - now
        self._probing = True
        return 0.0

    def succeeded(self) -> None:
        """Something arrived."""
        self._failures = 0
        self._open_until = None
        self._probing = False
        self._delays = backoff(self._rng)

    def failed(self, now: float) -> None:
        """Something did not arrive."""
        self._failures += 1
        if self._probing or (self._open_until is None and self._failures >= self.threshold):
            self.hold(now, next(self._delays))

    def hold(self, now: float, seconds: float) -> None:
        """Send nothing for so long: the receiver has asked for that, or has turned our credentials down."""
        self._probing = False
        self._open_until = max(self._open_until or 0.0, now + seconds)

    def unprobed(self) -> None:
        """The probe came to no end; another may go."""
        self._probing = False
