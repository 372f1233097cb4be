"""How often something that is counted is reported."""

from __future__ import annotations

__all__ = ["is_due"]


def is_due(total: int, more: int = 1) -> bool:
    """Whether a count that has just grown by `more` is to be reported: at the first, and at each doubling of the total.

    Everything that is counted and could flood is reported so, and the report carries the total.
    """
    return total.bit_length() != (total - more).bit_length()
