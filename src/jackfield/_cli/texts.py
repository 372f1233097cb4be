"""Texts on the command line that are looked for among events."""

from __future__ import annotations

import argparse

__all__ = ["searched"]


def searched(text: str) -> str:
    """An argument's ``type=``: not empty, and UTF-8, as everything in a journal is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not UTF-8, so no event can have it") from None
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; give what to look for")
    return text
