"""The counters behind `jackfield.reports.ServeStats`."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType

import attrs

from jackfield.reports import ServeStats

__all__ = ["ServeCounters"]


@attrs.define(eq=False)
class ServeCounters:
    """As `ServeStats`."""

    clients: int = 0
    accepted: int = 0
    sent: int = 0
    sent_bytes: int = 0
    dropped: int = 0
    rejections: Counter[str] = attrs.field(factory=Counter)

    def drop(self, count: int) -> None:
        """Count events that a client was too slow for."""
        self.dropped += count

    def snapshot(self) -> ServeStats:
        """The counts as they are now."""
        rejections = MappingProxyType(dict(self.rejections))
        return ServeStats(self.clients, self.accepted, self.sent, self.sent_bytes, self.dropped, rejections)
