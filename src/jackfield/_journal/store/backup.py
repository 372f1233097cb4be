"""Copies a journal's ``state.db``, which a gateway may be writing to, and frees the space in it that nothing uses."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import attrs

from jackfield._journal.store.integrity import COPY, read_state, save_state
from jackfield._journal.store.opening import connect
from jackfield._journal.store.sidecar import NAME
from jackfield._journal.store.surviving import boot_id
from jackfield.errors import JournalError

__all__ = ["COPY_AHEAD", "copy_sidecar", "vacuum_sidecar"]

COPY_AHEAD = 10**12
"""So many positions are left out when a copy is written to: more than a journal gives in the life of a backup."""


def copy_sidecar(folder: Path, target: Path) -> None:
    """Copy that of one folder into another, as it stands at one moment.

    The copy says that it is one: its first event gets a position far ahead, since the journal goes on meanwhile.
    """
    copy = target / NAME
    try:
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with closing(connect(folder / NAME, "ro")) as db, closing(connect(copy, "rw")) as new:
            db.backup(new)
            state = read_state(new, copy)
            boot = COPY if state.boot in ("", boot_id()) else state.boot  # a power failure may have taken events
            save_state(new, attrs.evolve(state, reserved=state.reserved + COPY_AHEAD, boot=boot))
    except (OSError, sqlite3.Error) as error:
        raise JournalError(f"{folder / NAME}: cannot be copied: {getattr(error, 'strerror', None) or error}") from None


def vacuum_sidecar(folder: Path) -> None:
    """Free the space that deleted dead letters have left; no gateway may use it meanwhile."""
    try:
        with closing(connect(folder / NAME, "rw")) as db:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        raise JournalError(f"{folder / NAME}: cannot be made compact: {error}") from None
