"""One writer for one folder: a lock on the folder itself, so that no other name of it lets a second one in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jackfield._journal.segments.state import read_writer
from jackfield.errors import JournalError

__all__ = ["FOLDER_MODE", "lock_folder"]

FOLDER_MODE = 0o700


def lock_folder(path: Path) -> int:
    """Make a folder where it is missing, and lock it; its descriptor, which gives the lock back when it is closed.

    `JournalError` names the process that holds the lock.
    """
    if sys.platform == "win32":
        raise JournalError(f'{path}: a journal in a folder needs a POSIX system; say journal = "memory" here')
    import fcntl  # Windows does not have it

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileExistsError, NotADirectoryError):
        raise JournalError(f"{path}: is a file; name a folder for the journal, or move this away") from None
    except OSError as error:
        raise JournalError(f"{path}: cannot be opened as a folder: {error.strerror}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        holder, _ = read_writer(path)
        process = "unknown" if holder is None else holder.process
        raise JournalError(
            f"{path}: another gateway writes to this journal, process {process}; stop it, or name another folder"
        ) from None
    except OSError as error:
        os.close(folder)
        raise JournalError(f"{path}: cannot be locked: {error.strerror}; is it on a network drive?") from None
    return folder
