"""Copies a journal's ``state.db``, which a gateway may be writing to, and frees the space in it that nothing uses."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from jackfield._journal.store.opening import connect
from jackfield._journal.store.sidecar import NAME
from jackfield.errors import JournalError

__all__ = ["copy_sidecar", "vacuum_sidecar"]


def copy_sidecar(folder: Path, target: Path) -> None:
    """Copy that of one folder into another, as it stands at one moment."""
    copy = target / NAME
    try:
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with closing(connect(folder / NAME, "ro")) as db, closing(connect(copy, "rw")) as new:
            db.backup(new)
    except (OSError, sqlite3.Error) as error:
        raise JournalError(f"{folder / NAME}: cannot be copied: {error}") from None


def vacuum_sidecar(folder: Path) -> None:
    """Free the space that deleted dead letters have left; no gateway may use it meanwhile."""
    try:
        with closing(connect(folder / NAME, "rw")) as db:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        raise JournalError(f"{folder / NAME}: cannot be made compact: {error}") from None
