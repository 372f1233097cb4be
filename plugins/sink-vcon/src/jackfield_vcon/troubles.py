"""What files and databases answer, in words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

__all__ = ["in_words"]


def in_words(error: Exception, path: Path) -> str:
    """What went wrong, and with which file: of errors that do not say, that one."""
    if isinstance(error, FileExistsError):
        return f"{error.filename or path}: is not a folder"
    if isinstance(error, OSError):
        return f"{error.filename or path}: {error.strerror}" if error.strerror else str(error)
    return f"{path}: {error}" if isinstance(error, sqlite3.Error) else str(error)
