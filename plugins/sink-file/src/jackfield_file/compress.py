"""A rotated file, compressed in its place; at whatever moment that ends, one of the two is there and whole.

The compressed form grows under a name of its own, ``@part``, and gets its real one only when it is on the disk;
only after that is the plain file deleted. So a plain file that is there counts, whatever stands beside it.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import stat
import sys
from collections.abc import Callable
from io import BufferedIOBase
from pathlib import Path
from typing import IO

from jackfield_file.openfile import sync_folder
from jackfield_file.rotation import PART, Method

__all__ = ["ENDINGS", "pack"]

ENDINGS = {"gzip": ".gz", "zstd": ".zst"}
CHUNK = 256 * 1024


def pack(plain: Path, method: Method, cancelled: Callable[[], bool]) -> bool:
    """Put the compressed form in a file's place; false where that was cancelled, or another process is at it.

    `OSError` where it cannot be done; the plain file is whole then.
    """
    packed = plain.with_name(plain.name + ENDINGS[method])
    part = packed.with_name(packed.name + PART)
    with plain.open("rb") as source:
        try:
            fcntl.flock(source, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if os.fstat(source.fileno()).st_nlink == 0:
            return True  # another process has just done it
        try:
            if not _copy(source, part, method, cancelled):
                part.unlink()
                return False
        except OSError:
            part.unlink(missing_ok=True)
            raise
        part.rename(packed)
        sync_folder(packed.parent)
        plain.unlink()
    return True


def _copy(source: IO[bytes], part: Path, method: Method, cancelled: Callable[[], bool]) -> bool:
    status = os.fstat(source.fileno())
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(part, flags, 0o600), "wb") as target:
        with _compressor(method, target) as compressor:
            while chunk := source.read(CHUNK):
                if cancelled():
                    return False
                compressor.write(chunk)
        target.flush()
        os.fchmod(target.fileno(), stat.S_IMODE(status.st_mode))
        os.utime(target.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
        os.fsync(target.fileno())
    return True


def _compressor(method: Method, target: IO[bytes]) -> BufferedIOBase:
    if method == "gzip":
        return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=target)
    # Imported where it is used: few sinks need it.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.ZstdFile(target, mode="wb")
