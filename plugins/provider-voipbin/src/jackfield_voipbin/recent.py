"""A mapping that keeps what was put last, and forgets the rest by halves: cheap to put into, and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import attrs

__all__ = ["Recent"]

K = TypeVar("K")
V = TypeVar("V")


@attrs.define
class Recent(Generic[K, V]):
    """At least the `most` / 2 keys that were put last, at most `most`."""

    most: int
    _young: dict[K, V] = attrs.field(factory=dict)
    _old: dict[K, V] = attrs.field(factory=dict)

    def get(self, key: K) -> V | None:
        """The key's value; ``None`` where it is unknown or forgotten."""
        return self._old.get(key) if (value := self._young.get(key)) is None else value

    def put(self, key: K, value: V) -> None:
        """Set the key's value."""
        self._young[key] = value
        if len(self._young) * 2 >= self.most:
            self._young, self._old = {}, self._young

    def remove(self, key: K) -> bool:
        """Forget a key; whether it was there."""
        return (self._young.pop(key, None) is not None) | (self._old.pop(key, None) is not None)

    def newest_first(self) -> Iterator[tuple[K, V]]:
        """The keys with their values; those of one half in the order in which they came into it, the last first."""
        yield from reversed(self._young.items())
        for key, value in reversed(self._old.items()):
            if key not in self._young:
                yield key, value
