"""Files that a configuration names: read to their end, which a device or a pipe without a writer does not have."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

__all__ = ["open_file"]


def open_file(path: str | Path, *, pipes: bool = False) -> BinaryIO:
    """Open a file for reading; `OSError` with its reason where it is none.

    With `pipes` also what a shell writes into, as in ``<(command)``; a pipe that nobody writes to has nothing to read.
    """
    # Opening a pipe would wait for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode)):
        os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    kind = "pipe" if stat.S_ISFIFO(mode) else "device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "socket"
    raise OSError(errno.EINVAL, f"is a {kind}, not a file", str(path))
