"""What happens to rotated files: old ones are deleted, the others compressed, in a thread off the path of events.

Nothing here touches a file that is being written, or one of a path that this sink has not written itself.
What a stop or a crash leaves undone is done when the path is next opened.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import attrs

from jackfield_file.compress import ENDINGS, pack
from jackfield_file.rotation import Method, Policy, Rotated, find_rotated

__all__ = ["Housekeeper"]

_LOG = logging.getLogger("jackfield.file")


@attrs.define(eq=False)
class Housekeeper:
    """Tends the rotated files of the paths that it is given."""

    _policy: Policy
    _suffix: str
    _method: Method
    _now: Callable[[], datetime]
    _period: float = 60.0
    """Seconds after which files may have come of age, and what failed is tried again."""
    _paths: queue.SimpleQueue[Path | None] = attrs.field(factory=queue.SimpleQueue, init=False)
    _stopping: threading.Event = attrs.field(factory=threading.Event, init=False)
    _thread: threading.Thread | None = attrs.field(default=None, init=False)
    _failures: dict[Path, str] = attrs.field(factory=dict, init=False)

    def start(self) -> None:
        """Begin; a thread that outlived a crash of the rest would hold up the process's end, so it is a daemon."""
        self._thread = threading.Thread(target=self._run, name="jackfield-file", daemon=True)
        self._thread.start()

    def tend(self, path: Path) -> None:
        """Delete and compress the rotated files of this path, soon."""
        self._paths.put(path)

    def stop(self) -> None:
        """End, in the middle of a file if need be, and wait for that."""
        self._stopping.set()
        self._paths.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        watched: set[Path] = set()
        while True:
            try:
                path = self._paths.get(timeout=self._period if watched else None)
                paths = [] if path is None else [path]
            except queue.Empty:
                paths = sorted(watched)
            for path in paths:
                if self._stopping.is_set():
                    return
                if self._tend(path):
                    watched.add(path)
                else:
                    watched.discard(path)
            if self._stopping.is_set():
                return

    def _tend(self, path: Path) -> bool:
        """Delete and compress what is due; whether to come back to this path later."""
        try:
            left = self._settle(path)
        except OSError as error:
            # Nothing is lost by it: files stay as they are. It is logged once, not every minute.
            if self._failures.get(path) != (reason := str(error)):
                self._failures[path] = reason
                _LOG.warning("%s: its rotated files cannot be deleted or compressed, will try again: %s", path, reason)
            return True
        self._failures.pop(path, None)
        return left

    def _settle(self, path: Path) -> bool:
        if not path.parent.is_dir():
            return False
        rotated = find_rotated(path.name, self._suffix, (each.name for each in path.parent.iterdir()))
        expired = self._policy.expired([each.moment for each in rotated], self._now())
        for each in rotated:
            if each.moment in expired or (each.partial and self._is_litter(each, rotated)):
                with contextlib.suppress(FileNotFoundError):  # another process was faster
                    path.with_name(each.name).unlink()
        kept = [each for each in rotated if each.moment not in expired]
        undone = False
        for each in kept:
            if self._method == "none" or each.packed or each.partial:
                continue
            if self._stopping.is_set():
                return True
            with contextlib.suppress(FileNotFoundError):
                undone |= not pack(path.with_name(each.name), self._method, self._stopping.is_set)
        return undone or (bool(kept) and self._policy.keep_seconds is not None)

    def _is_litter(self, part: Rotated, rotated: list[Rotated]) -> bool:
        """Whether nobody will go on with an unfinished compression."""
        plain = any(each.moment == part.moment and not each.packed for each in rotated)
        return not plain or part.packed != ENDINGS.get(self._method)
