"""Paths on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["named_path"]


def named_path(text: str) -> Path:
    """An argument's ``type=``: not empty, which a shell's unset variable is, and which would mean the folder here."""
    if not text:
        raise argparse.ArgumentTypeError("is empty; name a file or a folder, such as . for the one here")
    return Path(text)
