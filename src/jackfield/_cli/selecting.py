"""Selectors on the command line."""

from __future__ import annotations

import argparse

from jackfield.errors import SelectorError
from jackfield.selectors import Selector

__all__ = ["selector"]


def selector(text: str) -> Selector:
    """An argument's ``type=`` for selectors."""
    try:
        return Selector.parse(text)
    except SelectorError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
