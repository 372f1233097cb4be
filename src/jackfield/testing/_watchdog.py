"""Notices what keeps the event loop from running: calls that block, and steps of a task that last.

A blocking call to a fast target takes a millisecond, which no clock tells from work, so calls are known by their
function: a profiling hook sees each call into C. What is not known as a blocking function, such as a lock that
somebody else holds, is noticed by the time that it takes.
"""

from __future__ import annotations

import _io
import inspect
import os
import select
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import attrs
import trio

__all__ = ["LONGEST_STEP", "Watchdog"]

LONGEST_STEP = 1.0
"""Seconds that a step of a task may last: far more than any work needs.

They are counted in turns of another thread, so that a process that stands still as a whole is not blamed for it.
"""
CHECK_SECONDS = 0.05

_LIBRARY = str(Path(os.__file__).parent)

_BLOCKING: frozenset[Any] = frozenset(
    {time.sleep, select.select, select.poll, os.fsync, os.fdatasync, os.system, os.waitpid, _io.open}
)
_LOOKUPS = frozenset({"getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "fork_exec"})
_SOCKET = frozenset({"accept", "connect", "recv", "recv_into", "recvfrom", "send", "sendall", "sendto"})
_DATABASE = frozenset({"execute", "executemany", "executescript", "commit", "rollback"})
_FILES = (_io.FileIO, _io.BufferedReader, _io.BufferedWriter, _io.BufferedRandom, _io.TextIOWrapper)
_FILE_CALLS = frozenset({"read", "readline", "readinto", "write", "flush"})


def _blocks(function: Any) -> bool:
    """Whether a function of C waits for something outside this process."""
    owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
    if isinstance(owner, socket.socket | socket.SocketType):
        return name in _SOCKET and owner.gettimeout() != 0
    if isinstance(owner, sqlite3.Connection | sqlite3.Cursor):
        return name in _DATABASE
    if isinstance(owner, _FILES):
        return name in _FILE_CALLS
    return name in _LOOKUPS or function in _BLOCKING


def _caller(frame: FrameType | None, own: CodeType) -> FrameType | None:
    """The nearest frame that is not of the standard library."""
    nearest = frame
    while frame is not None and frame.f_code is not own:
        path = frame.f_code.co_filename
        if not path.startswith((_LIBRARY, "<")) or "site-packages" in path:
            return frame
        frame = frame.f_back
    return nearest


def _is_trio(frame: FrameType | None) -> bool:
    """Whether trio itself makes a call, which it does only where that does not wait."""
    return frame is not None and str(frame.f_globals.get("__name__", "")).startswith("trio.")


def _place(frame: FrameType | None) -> str:
    if frame is None:
        return "an unknown place"
    path = Path(frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{frame.f_lineno}, in {frame.f_code.co_name}"


@attrs.define(eq=False)
class Watchdog(trio.abc.Instrument):
    """Watches one thread; as an instrument of trio's, every step of a task."""

    found: list[str] = attrs.field(factory=list)
    """What has blocked, and where."""
    _frame: FrameType | None = None
    """What was called last."""
    _since: float | None = None
    """When the step that is under way began."""

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """A task goes on."""
        self._since = time.monotonic()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """A task waits again."""
        self._since = None

    @contextmanager
    def step(self) -> Iterator[None]:
        """Something that must not block, where there is no task."""
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._since = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Notice blocking calls in every step during this block."""
        here = inspect.currentframe()
        assert here is not None, "this interpreter has no frames"
        own = here.f_code
        done = threading.Event()

        def profile(frame: FrameType, event: str, argument: Any) -> None:
            self._frame = frame
            if event == "c_call" and self._since is not None and _blocks(argument):
                caller = _caller(frame, own)
                if not _is_trio(caller):
                    self.found.append(f"{argument.__name__}() was called at {_place(caller)}")

        def watch() -> None:
            step, turns = None, 0
            while not done.wait(CHECK_SECONDS):
                since = self._since
                step, turns = (step, turns + 1) if since == step else (since, 0)
                if step is not None and turns == round(LONGEST_STEP / CHECK_SECONDS):
                    place = _place(_caller(self._frame, own))
                    self.found.append(f"a step lasts longer than {LONGEST_STEP:g} s at {place}")

        watcher = threading.Thread(target=watch, name="watchdog", daemon=True)
        watcher.start()
        before = sys.getprofile()
        sys.setprofile(profile)
        try:
            yield
        finally:
            sys.setprofile(before)
            done.set()
            watcher.join()
