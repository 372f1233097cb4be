"""Files that are there whole or not at all, outlive a power failure where that is asked for, and have one writer."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["lock_folder", "sync_folder", "write_whole"]


def write_whole(path: Path, body: bytes, *, fsync: bool) -> None:
    """Write a file in a folder, which is made too, of one that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(body)
        if fsync:
            file.flush()
            os.fsync(file.fileno())
    part.replace(path)
    if fsync:
        sync_folder(path.parent)
        sync_folder(path.parent.parent)


def sync_folder(path: Path) -> None:
    """Have the names in a folder outlive a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock_folder(folder: Path) -> int:
    """Have the folder alone, whatever its name; `OSError` where another sink or gateway has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OSError(f"{folder}: another vcon sink or gateway writes there; give each a folder of its own") from None
    return descriptor
