"""What a journal has done, counted."""

from __future__ import annotations

import attrs

__all__ = ["JournalStats"]


@attrs.frozen
class JournalStats:
    """What the journal has done since it was opened."""

    taken: int
    duplicates: int
    dropped: int
    """Events that were not taken, or not committed by the end."""
    waiting: int
    """Events that are not committed yet."""
    kept: int
    """Events that can be read."""
    damaged: int
    """How often an event could not be read that should have been there."""
    unread: int
    """Events that were deleted before every sink had passed them."""
    dead_lettered: dict[str, int]
    """Dead letters, by sink."""
