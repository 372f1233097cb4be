"""How a journal's ``state.db`` is made and opened: what is there is looked at before anything is written."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from jackfield._journal.store.integrity import beside, examine, identify, lost_commits
from jackfield._journal.store.schema import APPLICATION, PAGE_BYTES, Step, migrate
from jackfield.errors import JournalError

__all__ = ["connect", "create_if_missing", "look", "open_writer"]

BUSY_MILLISECONDS = 5000  # another program may read the file, and hold up a checkpoint for a moment
WAL_BYTES = 16_000_000


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection in SQLite's mode ``ro`` or ``rw``, which makes no file."""
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    db.text_factory = bytes  # a damaged text must not raise from the depths of a fetch
    db.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    return db


def create_if_missing(path: Path, steps: Sequence[Step]) -> None:
    """Make an empty one, whole or not at all: it gets its name when it is complete."""
    if os.path.lexists(path):
        return
    new = beside(path, ".new")
    try:
        for suffix in ("", "-wal", "-shm", "-journal"):
            beside(new, suffix).unlink(missing_ok=True)
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(connect(new, "rw")) as db:
            db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            migrate(db, steps)
            db.execute("PRAGMA journal_mode = WAL")
        new.rename(path)
        _sync_folder(path)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise JournalError(f"{path}: cannot be made: {reason}") from None


def look(path: Path, steps: Sequence[Step]) -> list[str]:
    """Examine a file that is to be written to; what is damaged in it and can be lived with."""
    identify(path)
    with closing(connect(path, "ro")) as db:
        examine(db, path, steps)
        if not (lost := lost_commits(path)):
            return []
        kept = beside(path, "-wal.damaged")
        try:
            shutil.copyfile(beside(path, "-wal"), kept)
        except OSError as error:
            raise JournalError(f"{path}: {lost}, and no copy of it can be kept: {error.strerror}") from None
        return [
            f"{path.name}: {lost}; sinks go on from where they stood before that, and the log is kept as {kept.name}"
        ]


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection that writes."""
    db = connect(path, "rw")
    try:
        (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != b"wal":
            raise JournalError(f"{path}: cannot be shared by a reader and a writer there (journal mode {mode!r})")
        # A cursor that is lost in a power failure has its sink get some events again; `Sidecar.reserve` syncs.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA checkpoint_fullfsync = ON")
        db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE state SET crc = crc")  # where it may not be written, SQLite says so only now
        db.execute("ROLLBACK")
    except BaseException:
        db.close()
        raise
    return db


def _sync_folder(path: Path) -> None:
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
