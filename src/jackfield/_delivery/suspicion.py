"""Whether answers such as HTTP 404 are about single events or about the endpoint that gives them; pure.

One such answer says nothing. A success after it shows that the endpoint works, so the answer was about its event. Many
in a row, for events of more than one correlation and with no success between, are about the endpoint: its
URL is wrong, or what is deployed there is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal

import attrs

__all__ = ["ROW", "Suspicion", "Verdict"]

ROW = 10
"""So many in a row are about the endpoint."""

Verdict = Literal["open", "event", "endpoint"]


@attrs.define
class Suspicion:
    """One sink's."""

    successes: int = 0
    """How often something arrived; grown since an answer, it shows that the answer was about its event."""
    paused: bool = False
    """Whether the endpoint is at fault: only probes are sent, with another event each time."""
    row: int = 0
    """Suspect answers since the last success."""
    _keys: set[Hashable] = attrs.field(factory=set)

    def succeeded(self) -> None:
        """Something arrived, or was refused in a way that only a working endpoint knows."""
        self.successes += 1
        self.paused = False
        self.row = 0
        self._keys.clear()

    def suspect(self, keys: Iterable[Hashable]) -> Verdict:
        """One more suspect answer, for events of these correlations."""
        if self.paused:
            return "endpoint"
        self.row += 1
        if len(self._keys) < 2:
            self._keys.update(keys)
        if self.row < ROW:
            return "open"
        if len(self._keys) > 1:
            self.paused = True
            return "endpoint"
        self.row = 0
        self._keys.clear()
        return "event"
