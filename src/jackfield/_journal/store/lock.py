"""One writer for one file: a lock that the operating system gives back when its holder dies."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from jackfield.errors import JournalError

__all__ = ["hold", "release"]


def hold(path: Path) -> int:
    """Lock a journal by ``<path>.lock`` beside it, and write our process id into that; its descriptor.

    `JournalError` names the process that holds it. The lock's file stays when the lock is given back: to
    remove it would let two processes lock two files of one name.
    """
    if sys.platform == "win32":
        raise JournalError(f'{path}: a journal in a file needs a POSIX system; say journal = "memory" here')
    import fcntl  # which Windows has not got

    try:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"{path}: cannot be locked: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise JournalError(
            f"{path}: another gateway uses this journal, process {holder}; stop it, or name another file"
        ) from None
    except OSError as error:
        os.close(lock)
        raise JournalError(f"{path}: cannot be locked: {error.strerror}; is it on a network drive?") from None
    with suppress(OSError):  # a full disk: the number is for people, the lock holds without it
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    return lock


def release(lock: int) -> None:
    """Give the lock back."""
    os.close(lock)
