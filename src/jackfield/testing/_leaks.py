"""The descriptors of this process that are open: sockets, files and pipes."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path

__all__ = ["left_open", "open_descriptors"]

FOLDER = Path("/dev/fd")
SETTLE_SECONDS = 1.5
"""How long what was closed may take to disappear: the other end closes its own descriptor, in another thread."""
POLL_SECONDS = 0.02


def open_descriptors() -> dict[int, str] | None:
    """What each open descriptor stands for; ``None`` where the system cannot say."""
    try:
        numbers = [int(each.name) for each in FOLDER.iterdir() if each.name.isdigit()]
    except OSError:
        return None
    found = {}
    for number in numbers:
        with contextlib.suppress(OSError):  # the one by which the folder was listed
            found[number] = _identity(number)
    return found


def _identity(number: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{number}").readlink())
    except OSError:
        status = os.fstat(number)
        return f"{status.st_dev}:{status.st_ino}"


def left_open(before: dict[int, str]) -> list[str]:
    """What is open now and was not before, in words; waits a moment for what is just being closed."""
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        now = open_descriptors() or {}
        more = {number: what for number, what in now.items() if before.get(number) != what}
        if not more or time.monotonic() > until:
            return [_in_words(number, what) for number, what in more.items()]
        time.sleep(POLL_SECONDS)


def _in_words(number: int, what: str) -> str:
    try:
        other = socket.socket(fileno=os.dup(number))
    except OSError:
        return what
    with other:
        try:
            return f"a socket connected to {other.getpeername()}"
        except OSError:
            return f"a socket bound to {other.getsockname()}"
