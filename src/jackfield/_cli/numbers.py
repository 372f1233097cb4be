"""Numbers on the command line, with errors that name the bounds."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

__all__ = ["number"]

N = TypeVar("N", bound=float)


def number(read: type[N], least: N, most: N | None = None) -> Callable[[str], N]:
    """An argument's ``type=``: a number that `read` parses, from `least` to `most` inclusive."""
    wanted = "a whole number" if read is int else "a number"

    def parse(text: str) -> N:
        try:
            value = read(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {wanted}, not {text!r}") from None
        if not value >= least or (most is not None and value > most):
            bounds = f"at least {least}" if most is None else f"between {least} and {most}"
            raise argparse.ArgumentTypeError(f"must be {bounds}, not {value}")
        return value

    return parse
