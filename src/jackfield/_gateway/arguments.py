"""Checks of what a program gives to the gateway, so that a slip is one clear `TypeError` where it was made."""

from __future__ import annotations

from collections.abc import Iterable
from reprlib import repr as shortened

__all__ = ["expect", "expect_each"]


def expect(where: str, value: object, kinds: type | tuple[type, ...], right: str) -> None:
    """`TypeError` that names the argument, what it is, and what would be right, unless it is of one of these types."""
    if not isinstance(value, kinds):
        raise TypeError(f"{where}: {shortened(value)} is of type {type(value).__name__}; give {right}")


def expect_each(where: str, values: Iterable[object], kinds: type | tuple[type, ...], right: str) -> None:
    """The same for each of some arguments."""
    for value in values:
        expect(where, value, kinds, right)
