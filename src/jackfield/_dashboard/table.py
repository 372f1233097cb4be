"""Rows that change, expire and are bounded in number, and the changes since any version."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import attrs

__all__ = ["Changes", "Table"]

T = TypeVar("T")


@attrs.frozen
class Changes(Generic[T]):
    """The changes that bring a copy of a table up to date."""

    reset: bool
    """Whether to empty the copy first."""
    rows: list[tuple[str, T]]
    """New or changed rows, with their keys."""
    gone: list[str]
    """Keys of removed rows."""

    def __bool__(self) -> bool:
        return self.reset or bool(self.rows) or bool(self.gone)


@attrs.define(eq=False)
class Table(Generic[T]):
    """Rows by key. The caller supplies a version that grows with each change."""

    capacity: int
    rows: dict[str, T] = attrs.field(factory=dict)
    """In the order of their last change."""
    crowded: int = 0
    """Rows that were removed before their time because the table was full."""
    _versions: dict[str, int] = attrs.field(factory=dict)
    _due: dict[str, float] = attrs.field(factory=dict)
    _gone: deque[tuple[int, str]] = attrs.field(factory=deque)
    _forgotten: int = 0
    """Removals up to this version are no longer known."""

    def put(self, version: int, key: str, row: T, until: float) -> str | None:
        """Add or replace a row, to be kept until a time; returns the key of the row evicted for it, if any."""
        self._due[key] = until
        if self.rows.get(key) == row:
            return None
        victim = None
        if key not in self.rows and len(self.rows) >= self.capacity:
            victim = min(self.rows, key=self._due.__getitem__)
            self.crowded += 1
            self.remove(version, victim)
        self.rows.pop(key, None)
        self.rows[key] = row
        self._versions[key] = version
        return victim

    def until(self, key: str) -> float:
        """The time until which a row is kept."""
        return self._due[key]

    def remove(self, version: int, key: str) -> None:
        """Remove a row."""
        del self.rows[key], self._versions[key], self._due[key]
        self._gone.append((version, key))
        if len(self._gone) > self.capacity:
            self._forgotten = self._gone.popleft()[0]

    def due(self, now: float) -> list[str]:
        """The keys of the expired rows."""
        return [key for key, until in self._due.items() if until <= now]

    def since(self, version: int) -> Changes[T]:
        """The changes after a version; all rows, with `reset`, if it is 0 or older than the known removals."""
        if version <= self._forgotten:
            return Changes(reset=True, rows=list(self.rows.items()), gone=[])
        changed = []
        for key in reversed(self.rows):
            if self._versions[key] <= version:
                break
            changed.append((key, self.rows[key]))
        removed = {key for at, key in self._gone if at > version and key not in self.rows}
        return Changes(reset=False, rows=changed[::-1], gone=sorted(removed))
