"""Which worker holds which feed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["place_for", "share_out"]


def share_out(feeds: Iterable[str], workers: int) -> list[list[str]]:
    """The feeds of each worker: by their names, in turn, so that the same feeds are always shared alike."""
    names = sorted(feeds)
    return [names[number::workers] for number in range(workers)]


def place_for(feed: str, held: Mapping[int, Sequence[str]]) -> int:
    """The worker that gets one more feed: one that holds it already, else the first with the fewest."""
    return min(held, key=lambda worker: (feed not in held[worker], len(held[worker]), worker))
