"""One writer for one folder: a lock on the folder itself, so that no other name of it lets a second one in."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from jackfield.errors import JournalError

__all__ = ["lock_folder"]

# Holds the writer's process id, for people; the lock holds without it.
WRITER = "writer"


def lock_folder(path: Path, mode: int) -> int:
    """Make a folder where it is missing, and lock it; its descriptor, which gives the lock back when it is closed."""
    if sys.platform == "win32":
        raise JournalError(f'{path}: a journal in a folder needs a POSIX system; say journal = "memory" here')
    import fcntl  # Windows does not have it

    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileExistsError:
        raise JournalError(f"{path}: is a file; name a folder for the journal, or move this away") from None
    except OSError as error:
        raise JournalError(f"{path}: cannot be opened as a folder: {error.strerror}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        raise JournalError(
            f"{path}: another gateway writes to this journal, process {_holder(path)}; stop it, or name another folder"
        ) from None
    except OSError as error:
        os.close(folder)
        raise JournalError(f"{path}: cannot be locked: {error.strerror}; is it on a network drive?") from None
    with suppress(OSError):  # a full disk
        writer = os.open(WRITER, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600, dir_fd=folder)
        os.write(writer, b"%d\n" % os.getpid())
        os.close(writer)
    return folder


def _holder(path: Path) -> str:
    try:
        return (path / WRITER).read_text().strip()[:20] or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"
