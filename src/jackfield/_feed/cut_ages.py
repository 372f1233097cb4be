"""Connections that are cut at a regular age, which is the mark of a proxy's or a server's time limit."""

from __future__ import annotations

from collections import deque

import attrs

__all__ = ["CutAges"]

# So many cuts in a row at ages that differ by no more than this (and a twentieth) are not chance.
IN_A_ROW = 3
TOLERANCE_SECONDS = 1.0
# Connections that end sooner are refused or failing, which has other reasons.
YOUNGEST_SECONDS = 5.0


@attrs.define
class CutAges:
    """The ages, in seconds, at which a feed's last connections were cut."""

    _ages: deque[float] = attrs.field(factory=lambda: deque(maxlen=IN_A_ROW))

    def explain(self, age: float, ping_seconds: float) -> str:
        """Note one more cut; what to do about it, where the last ones came at a regular age, else nothing."""
        self._ages.append(age)
        youngest, oldest = min(self._ages), max(self._ages)
        regular = oldest - youngest <= max(TOLERANCE_SECONDS, oldest / 20)
        if len(self._ages) < IN_A_ROW or youngest < YOUNGEST_SECONDS or not regular:
            return ""
        found = f"; the last {IN_A_ROW} connections were cut at an age of about {oldest:.0f} s"
        if youngest <= 2 * ping_seconds:
            return f"{found}: if a proxy cuts idle connections, set ping_seconds below that (now {ping_seconds:g})"
        return f"{found}: a server or proxy seems to limit a connection's age, which no option of the feed changes"
