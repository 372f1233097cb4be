"""A file or folder that has its name only once it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from jackfield.errors import JournalError

__all__ = ["finished_as"]


@contextmanager
def finished_as(target: Path, what: Literal["file", "folder"]) -> Iterator[Path]:
    """A path beside `target`, for what becomes that at the end; what ends in the middle is removed.

    A process that is killed leaves it under the name ``….part``, which nobody takes for whole. `JournalError` where
    either is there already.
    """
    if os.path.lexists(target):
        raise JournalError(f"{target}: is there already; name a new {what}")
    part = target.with_name(f"{target.name}.part")
    if os.path.lexists(part):
        raise JournalError(f"{part}: is there already, of a command that did not end or still runs; then remove it")
    try:
        yield part
        part.rename(target)
        parent = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    except OSError as error:
        raise JournalError(f"{target}: cannot be written: {error.strerror}") from None
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
